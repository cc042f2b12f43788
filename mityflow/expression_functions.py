"""What expressions can call on values: filters, tests and methods, each bounded.

The names and meanings are Jinja2's, with two differences: text that is no number is an error for
``int`` and ``float`` unless they are given a default, and null is as missing as undefined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mityflow.expression_values import (
    COMPARISONS,
    OPERATORS,
    USE_DEFAULT,
    Missing,
    Refused,
    contains,
    is_number,
    kind,
    member,
    need_room,
    needed,
    size_of,
    text_of,
    to_json,
)

_MOST_DIGITS = 15


def _word(value: Any) -> str:
    """The text of a single value, which a filter on text works on."""
    if isinstance(value, Mapping | list | tuple):
        raise Refused(f"needs a string, not {kind(value)}")
    return text_of(value)


def _items(value: Any) -> list[Any]:
    """What a filter on lists works on; a string is its characters, a mapping its keys."""
    if isinstance(value, list | tuple | str | Mapping):
        return list(value)
    raise Refused(f"needs a list, not {kind(value)}", USE_DEFAULT if value is None else None)


def _number(value: Any) -> Any:
    if not is_number(value):
        raise Refused(f"needs a number, not {kind(value)}", USE_DEFAULT if value is None else None)
    return value


def _picked(item: Any, attribute: str | int | None) -> Any:
    """The item, or its member of the dotted path ``attribute``, which may be Missing."""
    if attribute is None:
        return item
    for name in str(attribute).split("."):
        if name.startswith("_"):
            raise Refused(f"the name '{name}' begins with an underscore")
        if type(item) is Missing:
            return item
        item = member(item, int(name) if name.isdecimal() else name, "an item")
    return item


def _lowered(value: Any, case_sensitive: bool) -> Any:
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def _sort_keys(values: Iterable[Any], case_sensitive: bool) -> list[Any]:
    """Keys that can be compared with one another: all text, or all numbers."""
    keys = [_lowered(needed(value), case_sensitive) for value in values]
    kinds = {kind(key) for key in keys}
    if len(kinds) > 1 or not kinds <= {"a number", "a string", "true or false"}:
        raise Refused(f"cannot compare {' and '.join(sorted(kinds))}")
    return keys


def or_default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """The value, or another when it is missing or null, or with ``boolean`` when it is false."""
    absent = type(value) is Missing or value is None or (boolean and not value)
    return default_value if absent else value


def _trim(value: Any, chars: str | None = None) -> str:
    return _word(value).strip(chars)


def _title(value: Any) -> str:
    """Each word's first letter large; unlike the method, an apostrophe begins no word."""
    text, begins, result = _word(value), True, []
    for char in text:
        result.append(char.upper() if begins else char.lower())
        begins = char in "-({[<" or char.isspace()
    return "".join(result)


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = _word(value), _word(old), _word(new)
    times = text.count(old) if count is None or count < 0 else min(count, text.count(old))
    need_room(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, times)


def _join(value: Any, d: str = "", attribute: str | int | None = None) -> str:
    words = [text_of(needed(_picked(item, attribute))) for item in _items(value)]
    need_room(sum(map(len, words)) + len(d) * len(words))
    return _word(d).join(words)


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise Refused(f"{kind(value)} has no length", USE_DEFAULT if value is None else None)
    return len(value)


def _first(value: Any) -> Any:
    items = _items(value)
    return items[0] if items else Missing("the list is empty", USE_DEFAULT)


def _last(value: Any) -> Any:
    items = _items(value)
    return items[-1] if items else Missing("the list is empty", USE_DEFAULT)


def _sort(
    value: Any, reverse: bool = False, case_sensitive: bool = False, attribute: str | int | None = None
) -> list[Any]:
    items = _items(value)
    keys = _sort_keys((_picked(item, attribute) for item in items), case_sensitive)
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(reverse))
    return [items[i] for i in order]


def _unique(value: Any, case_sensitive: bool = False, attribute: str | int | None = None) -> list[Any]:
    seen: dict[Any, Any] = {}
    for item in _items(value):
        key = _lowered(needed(_picked(item, attribute)), case_sensitive)
        seen.setdefault((to_json(key),) if isinstance(key, list | tuple | Mapping) else key, item)
    return list(seen.values())


def _extreme(name: str) -> Callable[..., Any]:
    choose: Callable[..., int] = {"min": min, "max": max}[name]

    def pick(value: Any, case_sensitive: bool = False, attribute: str | int | None = None) -> Any:
        items = _items(value)
        if not items:
            return Missing("the list is empty", USE_DEFAULT)
        keys = _sort_keys((_picked(item, attribute) for item in items), case_sensitive)
        return items[choose(range(len(items)), key=keys.__getitem__)]

    return pick


def _sum(value: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    return sum((_number(needed(_picked(item, attribute))) for item in _items(value)), _number(start))


def _int(value: Any, default: Any = None, base: int = 10) -> Any:
    """A whole number; other than in Jinja2, text that is none is an error unless ``default`` is given."""
    if isinstance(value, int | float):
        return int(value)
    try:
        text = _word(value).strip()
        return int(text, base) if not _looks_fractional(text, base) else int(float(text))
    except (ValueError, OverflowError):
        return _instead(default, "a whole number")


def _looks_fractional(text: str, base: int) -> bool:
    return base == 10 and any(c in text for c in ".eE")


def _float(value: Any, default: Any = None) -> Any:
    """A number with a fraction; text that is none is an error unless ``default`` is given."""
    try:
        return float(value if is_number(value) else _word(value))
    except (ValueError, OverflowError):
        return _instead(default, "a number")


def _instead(default: Any, wanted: str) -> Any:
    if default is None:
        raise Refused(f"the text is not {wanted}", "give the filter a default")
    return default


_SPELLINGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0", ""), False),
}


def _bool(value: Any) -> bool:
    found = _SPELLINGS.get(_word(value).strip().lower())
    if found is None:
        raise Refused("the value is neither true nor false")
    return found


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if not -_MOST_DIGITS <= precision <= _MOST_DIGITS:
        raise Refused(f"'precision' must be between -{_MOST_DIGITS} and {_MOST_DIGITS}")
    if method == "common":
        return round(_number(value), precision)
    directions = {"ceil": math.ceil, "floor": math.floor}
    if method not in directions:
        raise Refused("'method' must be 'common', 'ceil' or 'floor'")
    return directions[method](_number(value) * 10.0**precision) / 10.0**precision


def _pairs(value: Any) -> list[Any]:
    if not isinstance(value, Mapping):
        raise Refused(f"needs a mapping, not {kind(value)}", USE_DEFAULT if value is None else None)
    return [[key, item] for key, item in value.items()]


def _dictsort(
    value: Any,
    case_sensitive: bool = False,
    by: str = "key",
    reverse: bool = False,
) -> list[Any]:
    if by not in ("key", "value"):
        raise Refused("'by' must be 'key' or 'value'")
    return _sort(_pairs(value), reverse, case_sensitive, 0 if by == "key" else 1)


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else _items(value)[::-1]


def _basename(value: Any) -> str:
    return _word(value).rpartition("/")[2]


def _dirname(value: Any) -> str:
    head, slash, _ = _word(value).rpartition("/")
    return head.rstrip("/") or slash


def _map(
    value: Any, function: str | None = None, *args: Any, attribute: str | int | None = None, default: Any = None
) -> list[Any]:
    """Each item's attribute, or each item through the filter named ``function``."""
    if (function is None) == (attribute is None):
        raise Refused("'map' needs the name of a filter, or attribute=")
    result, size = [], 0
    for item in _items(value):
        if function is None:
            item = _picked(item, attribute)
            new = needed(item) if default is None else or_default(item, default)
        else:
            new = needed(FILTERS[function](item, *args))
        result.append(new)
        size += size_of(new)
        need_room(size)
    return result


def _passes(item: Any, test: str | None, args: Sequence[Any]) -> bool:
    if test is None:
        return bool(needed(item))
    return bool(TESTS[test](item if test in OF_MISSING else needed(item), *args))


def _chosen(wanted: bool, by_attribute: bool) -> Callable[..., list[Any]]:
    def select(value: Any, test: str | None = None, *args: Any) -> list[Any]:
        return [item for item in _items(value) if _passes(item, test, args) is wanted]

    def select_by(value: Any, attribute: str, test: str | None = None, *args: Any) -> list[Any]:
        return [item for item in _items(value) if _passes(_picked(item, attribute), test, args) is wanted]

    return select_by if by_attribute else select


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_number(value)),
    "basename": _basename,
    "bool": _bool,
    "capitalize": lambda value: _word(value).capitalize(),
    "count": _length,
    "d": or_default,
    "default": or_default,
    "dictsort": _dictsort,
    "dirname": _dirname,
    "first": _first,
    "float": _float,
    "int": _int,
    "items": _pairs,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _items,
    "lower": lambda value: _word(value).lower(),
    "map": _map,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "reject": _chosen(False, by_attribute=False),
    "rejectattr": _chosen(False, by_attribute=True),
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "select": _chosen(True, by_attribute=False),
    "selectattr": _chosen(True, by_attribute=True),
    "sort": _sort,
    "string": text_of,
    "sum": _sum,
    "title": _title,
    "tojson": to_json,
    "trim": _trim,
    "unique": _unique,
    "upper": lambda value: _word(value).upper(),
}

# Tests

OF_MISSING = frozenset({"defined", "undefined", "none"})
"""The tests that may be put to a value that is not there."""


def _absent(value: Any) -> bool:
    return type(value) is Missing or value is None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _divides(value: Any, num: Any) -> bool:
    return OPERATORS["Mod"](value, num) == 0  # type: ignore[no-any-return]


TESTS: Mapping[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not _absent(value),
    "divisibleby": _divides,
    "eq": COMPARISONS["eq"],
    "equalto": COMPARISONS["eq"],
    "even": lambda value: _divides(value, 2),
    "false": lambda value: value is False,
    "float": lambda value: isinstance(value, float),
    "ge": COMPARISONS["gteq"],
    "greaterthan": COMPARISONS["gt"],
    "gt": COMPARISONS["gt"],
    "in": contains,
    "integer": _is_integer,
    "iterable": lambda value: isinstance(value, str | list | tuple | Mapping),
    "le": COMPARISONS["lteq"],
    "lessthan": COMPARISONS["lt"],
    "lower": lambda value: _word(value).islower(),
    "lt": COMPARISONS["lt"],
    "mapping": lambda value: isinstance(value, Mapping),
    "ne": COMPARISONS["ne"],
    "none": _absent,
    "number": is_number,
    "odd": lambda value: not _divides(value, 2),
    "sequence": lambda value: isinstance(value, str | list | tuple | Mapping),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": _absent,
    "upper": lambda value: _word(value).isupper(),
}

# Methods


def call_method(name: str, owner: Any, arguments: Sequence[Any]) -> Any:
    """What a method gives; a mapping's key of that name is never taken for one."""
    if isinstance(owner, Mapping) and name in owner:
        raise Refused(f"'{name}' is a value here, no method")
    function = _methods(owner).get(name)
    if function is None:
        raise Refused(f"{kind(owner)} has no method '{name}'", USE_DEFAULT if owner is None else None)
    return function(owner, *arguments)


def _methods(owner: Any) -> Mapping[str, Callable[..., Any]]:
    if isinstance(owner, str):
        return _STRING_METHODS
    if isinstance(owner, Mapping):
        return _MAPPING_METHODS
    return _LIST_METHODS if isinstance(owner, list | tuple) else {}


def _get(owner: Mapping[str, Any], key: str, instead: Any = None) -> Any:
    value = member(owner, key, "the mapping")
    return instead if type(value) is Missing else value


def _index(owner: Sequence[Any], item: Any) -> int:
    try:
        return owner.index(item)
    except ValueError:
        raise Refused("no item is equal to that") from None


_STRING_METHODS: Mapping[str, Callable[..., Any]] = {
    "capitalize": str.capitalize,
    "count": str.count,
    "endswith": str.endswith,
    "index": str.index,
    "join": lambda owner, items: _join(items, owner),
    "lower": str.lower,
    "lstrip": str.lstrip,
    "replace": _replace,
    "rstrip": str.rstrip,
    "split": str.split,
    "splitlines": str.splitlines,
    "startswith": str.startswith,
    "strip": str.strip,
    "title": str.title,
    "upper": str.upper,
}
_MAPPING_METHODS: Mapping[str, Callable[..., Any]] = {
    "get": _get,
    "items": _pairs,
    "keys": lambda owner: list(owner),
    "values": lambda owner: list(owner.values()),
}
_LIST_METHODS: Mapping[str, Callable[..., Any]] = {
    "count": lambda owner, item: owner.count(item),
    "index": _index,
}
METHODS = frozenset({*_STRING_METHODS, *_MAPPING_METHODS, *_LIST_METHODS})
