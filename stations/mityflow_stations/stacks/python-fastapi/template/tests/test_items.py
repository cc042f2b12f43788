import pytest
from fastapi.testclient import TestClient


def test_there_are_no_items_at_first(client: TestClient) -> None:
    assert client.get("/items").json() == []


def test_an_added_item_can_be_found(client: TestClient) -> None:
    added = client.post("/items", json={"name": "apple", "quantity": 3})

    assert added.status_code == 201
    assert client.get(added.headers["Location"]).json() == added.json()
    assert client.get("/items").json() == [{"id": 1, "name": "apple", "quantity": 3}]


def test_a_replaced_item_keeps_its_number(client: TestClient) -> None:
    client.post("/items", json={"name": "apple"})

    replaced = client.put("/items/1", json={"name": "pear", "quantity": 0})

    assert replaced.json() == {"id": 1, "name": "pear", "quantity": 0}
    assert client.get("/items/1").json() == replaced.json()


def test_a_removed_item_is_gone_and_its_number_is_not_used_again(client: TestClient) -> None:
    client.post("/items", json={"name": "apple"})

    assert client.delete("/items/1").status_code == 204
    assert client.get("/items/1").status_code == 404
    assert client.post("/items", json={"name": "pear"}).json()["id"] == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_item_is_not_found(client: TestClient, method: str) -> None:
    response = client.request(method, "/items/7", json={"name": "apple"})

    assert response.status_code == 404


@pytest.mark.parametrize(
    "item",
    [{}, {"name": ""}, {"name": "x" * 101}, {"name": "apple", "quantity": -1}],
)
def test_a_wrong_item_is_refused(client: TestClient, item: dict[str, object]) -> None:
    assert client.post("/items", json=item).status_code == 422
