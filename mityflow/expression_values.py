"""The values of expressions: what they are, how they are written, and operators on them, all bounded.

Values are plain data: null, true and false, numbers, text, lists and mappings. Nothing here looks up
an attribute of a Python object by a name from an expression, so no expression reaches anything but
data. Every operation that makes something new checks the size of its result, and those whose result
could be far larger than their arguments check it before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from mityflow.errors import nearest

LARGEST = 1024 * 1024
"""The size of the largest value an operation may make: characters of text, plus items."""

_LARGEST_INT = 2**63 - 1
_DEEPEST = 100
USE_DEFAULT = "use default(...) to say what to take then"


class Refused(Exception):  # noqa: N818 - not an error yet: the caller adds where
    """An operation cannot be done with these values."""

    def __init__(self, message: str, hint: str | None = None, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.suggestion = suggestion


class Missing:
    """Stands for a value that is not there, until something needs it."""

    __slots__ = ("_hint", "_key", "_known", "_message")

    def __init__(self, message: str, hint: str | None = None, key: object = None, known: Iterable[Any] = ()) -> None:
        self._message = message
        self._hint = hint
        self._key = key
        self._known = known

    def refused(self) -> Refused:
        """Why there is no value, with the nearest name there is one for."""
        names = [name for name in self._known if isinstance(name, str)]
        suggestion = nearest(self._key, names) if isinstance(self._key, str) else None
        return Refused(self._message, self._hint, suggestion)


def needed(value: Any) -> Any:
    """The value itself; raises Refused when it is missing."""
    if type(value) is Missing:
        raise value.refused()
    return value


def kind(value: Any) -> str:
    """What sort of value it is, as a person would say."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "no data"


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of the value as plain data of Python's own types. Raises Refused."""
    value = needed(value)
    if value is None or type(value) in (str, bool, int):
        return value
    if depth > _DEEPEST:
        raise Refused("the value is nested too deeply")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused("the number is not finite")
        return float(value)
    if isinstance(value, Mapping):
        return {key_of(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    raise Refused(f"a value of the type {type(value).__name__} is no data")


def text_of(value: Any) -> str:
    """The value as it stands in text: as YAML writes it, lists and mappings as JSON. Raises Refused."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None:
        raise Refused("the value is null", USE_DEFAULT)
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_json(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """Compact JSON, or with line breaks and ``indent`` blanks."""
    import json

    if indent is not None and not 0 <= indent <= 8:
        raise Refused("'indent' must be between 0 and 8")
    size_of(value)
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(plain(value), ensure_ascii=False, indent=indent, separators=separators)


def size_of(value: Any) -> int:
    """Characters and items of a value, counted as often as they occur. Raises Refused above LARGEST."""
    total, left = 0, [value]
    while left:
        item = left.pop()
        total += 1
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, Mapping):
            left += item
            left += item.values()
        elif isinstance(item, list | tuple):
            left += item
        need_room(total + len(left))
    return total


def need_room(size: int) -> None:
    """Raises Refused when a value of this size may not be made."""
    if size > LARGEST:
        raise Refused(f"the value would be too large; {LARGEST} characters are allowed")


def checked(value: Any) -> int:
    """The size of a result. Raises Refused for one that is too large, and numbers that are no JSON."""
    if isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise Refused("the number is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("the number is not finite")
    return size_of(value)


def member(value: Any, key: Any, label: str) -> Any:
    """The value's item of that key or index, or Missing. ``label`` is how messages call the value.

    Only a mapping has named members, its keys; methods are never found here.
    """
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise Refused(f"{label} cannot have {kind(key)} as a key")
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            return Missing(f"{label} has no '{key}'", None, key, value)
    if value is None:
        return Missing(f"{label} is null and has no '{key}'", USE_DEFAULT)
    if isinstance(value, str | list | tuple) and isinstance(key, int):
        try:
            return value[key]
        except IndexError:
            return Missing(f"{label} has no item {key}, it has {len(value)}")
    return Missing(f"{label} is {kind(value)} and has no '{key}'")


def part(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """``value[start:stop:step]`` of a string or a list."""
    if not isinstance(value, str | list | tuple):
        raise Refused(f"{kind(value)} has no parts")
    for bound in (start, stop, step):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise Refused(f"a part is between numbers, not {kind(bound)}")
    if step == 0:
        raise Refused("the step of a part cannot be zero")
    return value[slice(start, stop, step)]


def key_of(key: Any) -> str:
    """The key of a mapping, which must be text. Raises Refused."""
    if not isinstance(key, str):
        raise Refused(f"the key of a mapping must be a string, not {kind(key)}")
    return str.__str__(key)


# Operators


def is_number(value: Any) -> bool:
    """True for numbers, and not for true and false, which Python counts among them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unfit(verb: str, left: Any, right: Any, hint: str | None = None) -> NoReturn:
    if left is None or right is None:
        hint = USE_DEFAULT
    raise Refused(f"cannot {verb} {kind(left)} and {kind(right)}", hint)


def _add(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return left + right
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*left, *right]
    return _unfit("add", left, right, "join text with ~")


def _multiply(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return left * right
    if isinstance(left, int):
        left, right = right, left
    if not isinstance(left, str | list | tuple) or not isinstance(right, int) or isinstance(right, bool):
        return _unfit("multiply", left, right)
    need_room(right)
    need_room(size_of(left) * right)
    return left * right


def _of_numbers(verb: str, operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if not is_number(left) or not is_number(right):
            return _unfit(verb, left, right)
        try:
            return operation(left, right)
        except ZeroDivisionError:
            raise Refused("division by zero") from None
        except OverflowError:
            raise Refused("the number is too large") from None

    return apply


def _ordered(operation: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(left: Any, right: Any) -> bool:
        both_text = isinstance(left, str) and isinstance(right, str)
        if not both_text and not (is_number(left) and is_number(right)):
            _unfit("compare", left, right)
        return operation(left, right)

    return apply


def contains(item: Any, holder: Any) -> bool:
    """Whether a list has the item, a mapping the key, or a string the substring."""
    if isinstance(holder, str):
        if not isinstance(item, str):
            raise Refused(f"a string cannot contain {kind(item)}")
        return item in holder
    if isinstance(holder, Mapping):
        return isinstance(item, str) and item in holder
    if isinstance(holder, list | tuple):
        return item in holder
    raise Refused(f"{kind(holder)} cannot contain anything", USE_DEFAULT if holder is None else None)


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": _add,
    "Sub": _of_numbers("subtract", lambda a, b: a - b),
    "Mul": _multiply,
    "Div": _of_numbers("divide", lambda a, b: a / b),
    "FloorDiv": _of_numbers("divide", lambda a, b: a // b),
    "Mod": _of_numbers("take the remainder of", lambda a, b: a % b),
}

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": _ordered(lambda a, b: a < b),
    "lteq": _ordered(lambda a, b: a <= b),
    "gt": _ordered(lambda a, b: a > b),
    "gteq": _ordered(lambda a, b: a >= b),
    "in": contains,
    "notin": lambda a, b: not contains(a, b),
}


def signed(sign: int, value: Any) -> Any:
    """``value`` or its negative."""
    if not is_number(value):
        raise Refused(f"{kind(value)} has no sign", USE_DEFAULT if value is None else None)
    return sign * value
