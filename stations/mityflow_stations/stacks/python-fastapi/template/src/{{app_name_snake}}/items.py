"""Items: an example resource, kept in memory. Put a database behind the store to keep them."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from pydantic import BaseModel, Field

router = APIRouter(prefix="/items", tags=["items"])


class NewItem(BaseModel):
    """What a client sends."""

    name: str = Field(min_length=1, max_length=100)
    quantity: int = Field(default=1, ge=0)


class Item(NewItem):
    """An item that is stored."""

    id: int


class ItemStore:
    """Items by number. Numbers are never used again."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._last_id = 0

    def all(self) -> list[Item]:
        """Every item, the oldest first."""
        return list(self._items.values())

    def get(self, item_id: int) -> Item | None:
        """The item of this number, if there is one."""
        return self._items.get(item_id)

    def add(self, new: NewItem) -> Item:
        """Store a new item under the next number."""
        self._last_id += 1
        return self._put(self._last_id, new)

    def replace(self, item_id: int, new: NewItem) -> Item | None:
        """Store new content under a number that is in use."""
        return self._put(item_id, new) if item_id in self._items else None

    def remove(self, item_id: int) -> Item | None:
        """Forget an item."""
        return self._items.pop(item_id, None)

    def _put(self, item_id: int, new: NewItem) -> Item:
        item = Item(id=item_id, **new.model_dump())
        self._items[item_id] = item
        return item


def get_store(request: Request) -> ItemStore:
    """The application's store."""
    store: ItemStore = request.app.state.items
    return store


Store = Annotated[ItemStore, Depends(get_store)]


@router.get("")
async def list_items(store: Store) -> list[Item]:
    """All items."""
    return store.all()


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_item(new: NewItem, store: Store, response: Response) -> Item:
    """Add an item."""
    item = store.add(new)
    response.headers["Location"] = f"/items/{item.id}"
    return item


@router.get("/{item_id}")
async def get_item(item_id: int, store: Store) -> Item:
    """One item."""
    return _found(store.get(item_id))


@router.put("/{item_id}")
async def replace_item(item_id: int, new: NewItem, store: Store) -> Item:
    """Change an item."""
    return _found(store.replace(item_id, new))


@router.delete("/{item_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_item(item_id: int, store: Store) -> None:
    """Remove an item."""
    _found(store.remove(item_id))


def _found(item: Item | None) -> Item:
    if item is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such item.")
    return item
