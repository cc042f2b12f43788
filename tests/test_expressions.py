"""Expressions: what they give, what they refuse, and that nothing gets out of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import wraps
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mityflow.context import StackType
from mityflow.expressions import (
    LONGEST_EXPRESSION,
    ExpressionError,
    Reference,
    find_expressions,
    has_expression,
    parse_condition,
    parse_template,
    render_value,
    walk,
)

MEBIBYTE = 1024 * 1024


class KnownKeys(Mapping[str, Any]):
    """A mapping that is no dict, such as a run gives to expressions."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


SCOPE: dict[str, Any] = {
    "inputs": {
        "app_name": "shop",
        "count": 3,
        "ratio": 2.5,
        "flag": True,
        "nothing": None,
        "my-key": "dashed",
        "services": ["web", "api"],
        "people": [{"name": "Ann", "age": 30}, {"name": "bob", "age": 25}],
        "limits": {"cpu": 2, "memory": "1G"},
        "path": "src/app/main.py",
    },
    "outputs": KnownKeys({"commit": "abc123", "items": "a key", "skipped": None}),
    "stations": {"unit-tests": {"outputs": {"passed": 7}}, "scaffold": {"outputs": None, "status": "skipped"}},
    "stack": StackType.PYTHON_FASTAPI,
    "iac": {"provider": "terraform", "cloud": "azure"},
    "item": "web",
    "index": 0,
}


def render(text: str) -> Any:
    return parse_template(text).render(SCOPE)


def failure(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        render(text)
    return caught.value


# Values and text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.count }}", 3),
        ("{{inputs.ratio}}", 2.5),
        ("{{ inputs.flag }}", True),
        ("{{ inputs.nothing }}", None),
        ("{{ inputs.services }}", ["web", "api"]),
        ("{{ inputs.limits }}", {"cpu": 2, "memory": "1G"}),
        ("{{ inputs.services }}\n", ["web", "api"]),
        ("{{ outputs }}", {"commit": "abc123", "items": "a key", "skipped": None}),
        ("{{ inputs.count }}\n\n", "3\n\n"),
        (" {{ inputs.count }}", " 3"),
        ("{{ inputs.count }} ", "3 "),
    ],
)
def test_a_lone_expression_keeps_its_type(text: str, value: Any) -> None:
    result = render(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("v{{ inputs.count }}", "v3"),
        ("{{ inputs.ratio }}x", "2.5x"),
        ("is {{ inputs.flag }} {{ not inputs.flag }}", "is true false"),
        ("{{ inputs.services }}!", '["web","api"]!'),
        ("{{ inputs.limits }}!", '{"cpu":2,"memory":"1G"}!'),
        ("{{ ['ä'] }}!", '["ä"]!'),
        ("{{ inputs.app_name }}{{ inputs.app_name }}", "shopshop"),
        ("on {{ stack }}", "on python-fastapi"),
        ("{% if %} {# x #} {{ 1 }} %} #}", "{% if %} {# x #} 1 %} #}"),
        ("{{ '{{' }} and {{ '}}' }}", "{{ and }}"),
        ("{{ {'a': {'b': 1}}}}.", '{"a":{"b":1}}.'),
        ("{{ \"a '}}' b\" }}.", "a '}}' b."),
        ("{{\n  inputs.app_name\n}}.", "shop."),
        ("} }} {", "} }} {"),
        ("", ""),
    ],
)
def test_results_in_text_are_written_as_yaml_and_json_write_them(text: str, value: str) -> None:
    assert render(text) == value


def test_members_of_string_enums_are_plain_text() -> None:
    assert type(render("{{ stack }}")) is str
    assert render("{{ stack == 'python-fastapi' }}") is True
    assert type(render("{{ stack }}.")) is str


def test_a_result_is_never_rendered_again() -> None:
    template = parse_template("{{ inputs.text }}")
    assert template.render({"inputs": {"text": "{{ inputs.text }}"}}) == "{{ inputs.text }}"


def test_changing_a_result_does_not_change_what_it_came_from() -> None:
    scope = {"inputs": {"list": [[1]]}}
    parse_template("{{ inputs.list }}").render(scope)[0].append(2)
    assert scope == {"inputs": {"list": [[1]]}}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {1: "a"}, float("nan")])
def test_a_result_that_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(ExpressionError):
        parse_template("{{ inputs }}").render({"inputs": [value]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_data_comes_back_as_it_is(value: Any) -> None:
    result = parse_template("{{ inputs.value }}").render({"inputs": {"value": value}})
    assert result == value
    assert json.dumps(result) == json.dumps(value)


# Undefined, null and defaults


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("{{ inputs.app_nme }}", "'inputs' has no 'app_nme', in `inputs.app_nme`", "app_name"),
        ("{{ inptus.app_name }}", "unknown name 'inptus', in `inptus.app_name`", "inputs"),
        ("x {{ stations['unit-test'].status }}", "'stations' has no 'unit-test'", "unit-tests"),
        ("{{ outputs.comit }}", "'outputs' has no 'comit'", "commit"),
        ("{{ inputs.services[5] }}", "'inputs.services' has no item 5, it has 2", None),
        ("{{ inputs.count.real }}", "'inputs.count' is a number and has no 'real'", None),
        ("{{ inputs[inputs.app_name] }}", "'inputs' has no 'shop'", None),
        ("{{ [inputs.nope] }}", "'inputs' has no 'nope'", None),
        ("{{ [] | first }}", "the list is empty", None),
        ("{{ 1 if inputs.nothing }}", "the 'if' is false and there is no 'else'", None),
    ],
)
def test_what_is_undefined_is_an_error_with_the_nearest_name(text: str, message: str, suggestion: str | None) -> None:
    error = failure(text)
    assert message in error.message
    assert error.suggestion == suggestion


@pytest.mark.parametrize(
    "text",
    ["v{{ inputs.nothing }}", "{{ 'v' ~ inputs.nothing }}", "{{ inputs.nothing | upper }}", "{{ [none] | join }}"],
)
def test_null_in_text_is_an_error_that_names_default(text: str) -> None:
    error = failure(text)
    assert "null" in error.message
    assert "default(...)" in (error.hint or "")


def test_what_null_cannot_have_is_an_error_that_says_where_the_null_is() -> None:
    error = failure("{{ stations.scaffold.outputs.files }}")
    assert "'stations.scaffold.outputs' is null and has no 'files'" in error.message
    assert "default(...)" in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.nope | default('x') }}", "x"),
        ("{{ inputs.nope | d('x') }}", "x"),
        ("{{ inputs.nothing | default('x') }}", "x"),
        ("{{ inputs.nope | default }}", ""),
        ("{{ inputs.count | default(9) }}", 3),
        ("{{ '' | default('x') }}", ""),
        ("{{ '' | default('x', true) }}", "x"),
        ("{{ '' | default('x', boolean=true) }}", "x"),
        ("{{ stations.scaffold.outputs.files | default([]) }}", []),
        ("{{ stations.nope.outputs.deep.deeper | default('') }}", ""),
        ("{{ nope.at.all | default(1) }}", 1),
        ("{{ inputs.a | default(inputs.b) | default(inputs.b | default('c')) }}", "c"),
        ("{{ (inputs.a if inputs.flag else 1) | default(2) }}", 2),
        ("{{ (stations.scaffold.outputs | default({})).files | default('none') }}", "none"),
        ("{{ [] | first | default('x') }}", "x"),
        ("{{ inputs.limits.get('gpu') }}", None),
        ("{{ inputs.limits.get('gpu', 0) }}", 0),
        ("{{ inputs.count | default(inputs.nope) }}", 3),
    ],
)
def test_default_stands_in_for_undefined_and_null(text: str, value: Any) -> None:
    assert render(text) == value


def test_default_does_not_hide_an_error_in_what_it_is_applied_to() -> None:
    assert "division by zero" in failure("{{ (1 / 0) | default(1) }}").message


@pytest.mark.parametrize(
    ("expression", "defined"),
    [
        ("inputs.count", True),
        ("inputs.nothing", False),
        ("inputs.nope", False),
        ("stations.scaffold.outputs.files", False),
        ("nope", False),
    ],
)
def test_undefined_and_null_are_alike_in_tests(expression: str, defined: bool) -> None:
    assert render(f"{{{{ {expression} is defined }}}}") is defined
    assert render(f"{{{{ {expression} is not undefined }}}}") is defined
    assert render(f"{{{{ {expression} is not none }}}}") is defined


# Operators, methods, filters and tests


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("7 // 2 + 7 % 2", 4),
        ("7 / 2", 3.5),
        ("-inputs.count + +1", -2),
        ("'a' + 'b' ~ 1 ~ true", "ab1true"),
        ("[1] + [2]", [1, 2]),
        ("'ab' * 2", "abab"),
        ("1 < 2 <= 2 != 3", True),
        ("1 < 2 > 5", False),
        ("'a' < 'b'", True),
        ("'web' in inputs.services", True),
        ("'x' not in inputs.services", True),
        ("'cpu' in inputs.limits and 'ho' in 'shop'", True),
        ("inputs.nothing or 'fallback'", "fallback"),
        ("inputs.nothing and inputs.nope", None),
        ("'yes' if inputs.flag else inputs.nope", "yes"),
        ("not inputs.services", False),
        ("inputs.nothing == none", True),
        ("(1, 2)", [1, 2]),
        ("{'a': [1, {'b': 2}]}.a[1].b", 2),
        ("inputs.services[0]", "web"),
        ("inputs.services[-1]", "api"),
        ("inputs.services.1", "api"),
        ("'abcdef'[1:4]", "bcd"),
        ("inputs.services[:1]", ["web"]),
        ("inputs['my-key']", "dashed"),
        ("stations['unit-tests'].outputs.passed", 7),
        ("outputs[ 'com' ~ 'mit' ]", "abc123"),
        ("inputs.count-1", 2),
        ("iac.cloud", "azure"),
        ("'it\\'s\\n\\u00e4'", "it's\nä"),
        ("0x10 + 1_000", 1016),
    ],
)
def test_operators(expression: str, value: Any) -> None:
    assert render(f"{{{{ {expression} }}}}") == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'Ab'.upper() ~ 'Ab'.lower() ~ 'ab'.capitalize() ~ 'a b'.title()", "ABabAbA B"),
        ("'  a '.strip() ~ '  a'.lstrip() ~ 'a  '.rstrip()", "aaa"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("'a\\nb'.splitlines()", ["a", "b"]),
        ("'abc'.startswith('ab') and 'abc'.endswith('c')", True),
        ("'aXbX'.replace('X', '-')", "a-b-"),
        ("', '.join([1, 'a', true])", "1, a, true"),
        ("'abca'.count('a') + 'abc'.index('c')", 4),
        ("[1, 2, 1].count(1) + [1, 2].index(2)", 3),
        ("inputs.limits.keys()", ["cpu", "memory"]),
        ("inputs.limits.values()", [2, "1G"]),
        ("inputs.limits.items()", [["cpu", 2], ["memory", "1G"]]),
    ],
)
def test_methods(expression: str, value: Any) -> None:
    assert render(f"{{{{ {expression} }}}}") == value


def test_a_mapping_has_its_keys_and_no_methods_without_a_call() -> None:
    assert render("{{ outputs.items }}") == "a key"
    assert "'inputs.limits' has no 'items'" in failure("{{ inputs.limits.items }}").message
    assert "'items' is a value here, no method" in failure("{{ outputs.items() }}").message


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'Ab' | lower ~ 'Ab' | upper", "abAB"),
        ('"it\'s a-b" | title', "It's A-B"),
        ("'abC' | capitalize", "Abc"),
        ("' a ' | trim ~ 'xax' | trim('x')", "aa"),
        ("'aaa' | replace('a', 'b', 2)", "bba"),
        ("inputs.services | join(', ')", "web, api"),
        ("inputs.people | join(' ', attribute='name')", "Ann bob"),
        ("[inputs.services | length, 'abc' | count]", [2, 3]),
        ("[inputs.services | first, inputs.services | last]", ["web", "api"]),
        ("['b', 'A', 'c'] | sort", ["A", "b", "c"]),
        ("['b', 'A'] | sort(case_sensitive=true, reverse=true)", ["b", "A"]),
        ("inputs.people | sort(attribute='age') | map(attribute='name')", ["bob", "Ann"]),
        ("[1, 2, 1, [3], [3]] | unique", [1, 2, [3]]),
        ("['a', 'A'] | unique", ["a"]),
        ("'ab' | list", ["a", "b"]),
        ("['12' | int, '3.9' | int, 'x' | int(5), 'ff' | int(base=16), 2.7 | int]", [12, 3, 5, 255, 2]),
        ("['1.5' | float, 2 | float, 'x' | float(0.5)]", [1.5, 2.0, 0.5]),
        ("[1, true, [1]] | map('string')", ["1", "true", "[1]"]),
        ("['yes', 'FALSE', 1, true, 'off'] | map('bool')", [True, False, True, True, False]),
        ("[2.567 | round(1), 2.1 | round(method='ceil'), -2.9 | round(0, 'floor')]", [2.6, 3.0, -3.0]),
        ("[-3 | abs, [3, 1] | min, ['b', 'A'] | max, [1, 2.5] | sum]", [3, 1, "b", 3.5]),
        ("inputs.people | sum(attribute='age')", 55),
        ("inputs.people | max(attribute='age')", {"name": "Ann", "age": 30}),
        ("inputs.limits | items", [["cpu", 2], ["memory", "1G"]]),
        ("{'b': 1, 'a': 2} | dictsort", [["a", 2], ["b", 1]]),
        ("{'b': 1, 'a': 2} | dictsort(by='value', reverse=true)", [["a", 2], ["b", 1]]),
        ("inputs.services | map('upper')", ["WEB", "API"]),
        ("inputs.people | map(attribute='nick', default='?')", ["?", "?"]),
        ("[0, 1, '', 'a', none] | select", [1, "a"]),
        ("[1, 2, 3] | select('odd')", [1, 3]),
        ("[1, 2, 3] | reject('gt', 1)", [1]),
        ("[1, none] | reject('none')", [1]),
        ("inputs.people | selectattr('age', 'ge', 30) | map(attribute='name') | first", "Ann"),
        ("inputs.people | rejectattr('nick', 'defined') | length", 2),
        ("inputs.services | reverse", ["api", "web"]),
        ("'abc' | reverse", "cba"),
        (
            "[inputs.path | basename, inputs.path | dirname, '/x' | dirname, 'x' | dirname]",
            ["main.py", "src/app", "/", ""],
        ),
    ],
)
def test_filters(expression: str, value: Any) -> None:
    assert render(f"{{{{ {expression} }}}}") == value


@pytest.mark.parametrize(
    "expression",
    [
        "1 is number and 1 is integer and 1.5 is float and true is boolean",
        "'a' is string and {} is mapping and [] is sequence and [] is iterable",
        "true is true and false is false and 1 is not true",
        "2 is even and 3 is odd and 9 is divisibleby 3",
        "1 is eq 1 and 1 is ne 2 and 1 is lt 2 and 2 is ge(2) and 'a' is in ['a']",
        "'a' is lower and 'A' is upper",
        "1 is equalto 1 and 2 is greaterthan 1 and 1 is lessthan 2 and 1 is le 1 and 2 is gt 1",
    ],
)
def test_tests(expression: str) -> None:
    assert render(f"{{{{ {expression} }}}}") is True


def test_tojson_is_plain_json() -> None:
    result = render("{{ {'html': '<a>&\\'', 'ä': [1, none, true]} | tojson }}")
    assert type(result) is str
    assert result == '{"html":"<a>&\'","ä":[1,null,true]}'
    assert render("{{ [1] | tojson(indent=2) }}") == "[\n  1\n]"


NUMBERS = st.integers(-50, 50).map(str) | st.floats(-9, 9).map(lambda f: f"{f:.2f}")
TEXTS = st.text("aB c-", max_size=5).map(repr)
LISTS = st.lists(st.integers(0, 9), max_size=4).map(str)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "==", "!=", "<", ">=", "and", "or", "in"])
    on_text = ["upper", "lower", "title", "trim", "list", "string", "join", "length"]
    on_lists = ["first", "last", "sort", "unique", "reverse", "min", "max", "sum"]
    filters = [*on_text, *on_lists, "abs", "round"]
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(filters)).map(lambda t: f"({t[0]} | {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, st.integers(-3, 3)).map(lambda t: f"({t[0]})[{t[1]}]"),
        inner.map(lambda e: f"(not {e})"),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(NUMBERS | TEXTS | LISTS, _grown, max_leaves=6))
def test_what_has_a_value_has_the_value_that_jinja2_gives(expression: str) -> None:
    """Except for text made of something else, such as true, which Jinja2 writes as Python does."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        ours = parse_template(f"{{{{ {expression} }}}}").render({})
    except ExpressionError:
        return
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.filters = {name: _giving_lists(f) for name, f in environment.filters.items()}
    theirs = environment.compile_expression(expression)()
    theirs = list(theirs) if not isinstance(theirs, str | int | float | None) else theirs
    if isinstance(theirs, str) and theirs != ours:
        theirs, ours = (text.casefold().replace(", ", ",") for text in (theirs, ours))
    assert ours == theirs


def _giving_lists(function: Any) -> Any:
    """A filter of Jinja2's that gives a list where it would give a generator, which is never false."""

    @wraps(function)
    def listed(*args: Any, **keywords: Any) -> Any:
        value = function(*args, **keywords)
        return list(value) if isinstance(value, Iterator) else value

    return listed


# References


def references(text: str) -> list[tuple[tuple[str | int, ...], int, bool]]:
    return [tuple(reference) for reference in parse_template(text).references]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ inputs.app_name }}", [(("inputs", "app_name"), 3, False)]),
        ("a {{ outputs.x }} b {{ outputs.y }}", [(("outputs", "x"), 5, False), (("outputs", "y"), 23, False)]),
        ("{{ stations['a-b'].outputs.x[0].y }}", [(("stations", "a-b", "outputs", "x", 0, "y"), 3, False)]),
        ("{{ outputs[inputs.key].deep }}", [(("outputs", "*"), 3, False), (("inputs", "key"), 11, False)]),
        ("{{ inputs.list[1:].x }}", [(("inputs", "list"), 3, False)]),
        ("{{ inputs.name.upper() }}", [(("inputs", "name"), 3, False)]),
        ("{{ outputs.get('x', 1) }}", [(("outputs",), 3, False), (("outputs", "x"), 3, True)]),
        (
            "{{ outputs.get(inputs.k) }}",
            [(("outputs",), 3, False), (("outputs", "*"), 3, True), (("inputs", "k"), 15, False)],
        ),
        ("{{ [1, 'a'] | first }}", []),
        ("no expression", []),
    ],
)
def test_references_are_the_values_an_expression_reads(text: str, expected: list[Any]) -> None:
    assert references(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ outputs.x | default('') }}",
        "{{ outputs.x | d }}",
        "{{ outputs.x is defined }}",
        "{{ outputs.x is not none }}",
        "{{ outputs.x.y if outputs.x is defined else 1 }}",
        "{{ 1 if outputs.x is undefined else outputs.x }}",
        "{{ 1 if outputs.x is none else outputs.x }}",
        "{{ outputs.x is not none and outputs.x > 1 }}",
        "{{ outputs.x is none or outputs.x > 1 }}",
        "{{ not (outputs.x is none) and outputs.x > 1 }}",
        "{{ (outputs.x is defined and inputs.a | d) and outputs.x > 1 }}",
        "{{ (1 if inputs.a | d else outputs.x) | default(2) }}",
        "{{ inputs.a | default(outputs.x) | default(1) }}",
        "{{ outputs.get('x', 1) | d }}",
    ],
)
def test_references_are_defaulted_where_the_expression_says_what_happens_without(text: str) -> None:
    found = [r for r in parse_template(text).references if r.path[:2] == ("outputs", "x")]
    assert found
    assert all(reference.defaulted for reference in found)


@pytest.mark.parametrize(
    "text",
    [
        "{{ outputs.x }}",
        "{{ outputs.x | upper | default('') }}",
        "{{ inputs.a | default(outputs.x) }}",
        "{{ outputs.x or 1 }}",
        "{{ inputs.b if inputs.a is defined else outputs.x }}",
        "{{ outputs.x if inputs.a is defined else 1 }}",
        "{{ outputs.x is none and outputs.x > 1 }}",
        "{{ (outputs.x ~ '') is defined }}",
    ],
)
def test_other_references_need_a_value(text: str) -> None:
    found = [r for r in parse_template(text).references if r.path == ("outputs", "x")]
    assert found
    assert not found[-1].defaulted


def test_a_value_that_is_tested_by_its_own_truth_has_one_where_it_is_used() -> None:
    first, second = parse_condition("outputs.x and outputs.x.y").references
    assert (first.defaulted, second.defaulted) == (False, True)


# What is refused when parsing


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("a {{ inputs.x", 2, "'{{' is never closed"),
        ("{{ 'abc }}", 3, "the string is never closed"),
        ("{{ }}", 2, "the expression is empty"),
        ("{{ 1 + }}", 6, "the expression is not complete"),
        ("{{ (1 }}", 5, "the expression is not complete"),
        ("ab {{ 1 2 }}", 8, "unexpected '2'"),
        ("{{ a ? b }}", 5, "unexpected '?'"),
        ("{{ a, b }}", 4, "unexpected ','"),
        ("{{ x = 1 }}", 5, "unexpected '='"),
        ("{{ [x for x in y] }}", 6, "expected token ',', got 'for'"),
        ("{{- inputs.x }}", 2, "blanks around an expression are always kept"),
        ("{{ 2 ** 8 }}", 3, "'**' is not supported"),
        ("{{ 'a' | uper }}", 9, "there is no filter 'uper'"),
        ("{{ 1 is evn }}", 5, "there is no test 'evn'"),
        ("{{ 'a'.uper() }}", 6, "there is no method 'uper'"),
        ("{{ [] | join(1, 2, 3) }}", 8, "filter 'join': too many positional arguments"),
        ("{{ 'a' | replace('b') }}", 9, "filter 'replace': missing a required argument: 'new'"),
        ("{{ [] | join(sep='') }}", 8, "filter 'join': got an unexpected keyword argument 'sep'"),
        ("{{ [] | map('uper') }}", 8, "there is no filter 'uper' for 'map'"),
        ("{{ [] | map(inputs.f) }}", 8, "filter 'map' needs a name in quotes"),
        ("{{ [] | select('uper') }}", 8, "there is no test 'uper' for 'select'"),
        ("{{ [] | join(*inputs.x) }}", 8, "arguments cannot be unpacked with '*'"),
        ("{{ inputs.f() }}", 9, "there is no method 'f'"),
        ("{{ range(3) }}", 8, "'range' cannot be called"),
        ("{{ inputs['get']('a') }}", 16, "a value cannot be called"),
        ("{{ 'a,b'.split(sep=',') }}", 14, "the arguments of 'split' have no names"),
        ("{{ 4 is divisibleby(num=2) }}", 5, "the arguments of the test 'divisibleby' have no names"),
        ("{{ inputs._x }}", 9, "the name '_x' begins with an underscore"),
        ("{{ _x }}", 3, "the name '_x' begins with an underscore"),
        ("{{ inputs['_x'] }}", 9, "the name '_x' begins with an underscore"),
        ("{{ [] | map(attribute='a._x') }}", 22, "the name '_x' begins with an underscore"),
        ("{{ [] | selectattr('_x') }}", 19, "the name '_x' begins with an underscore"),
        ("{{ inputs.get('_x') }}", 14, "the name '_x' begins with an underscore"),
        ("{{ 99999999999999999999 }}", 3, "the number is too large"),
        ("{{ 1e999 }}", 3, "the number is not finite"),
        ("{{ '\\ud800' }}", 3, "the string holds half a character"),
    ],
)
def test_what_is_no_expression_is_refused_where_it_is_wrong(text: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert caught.value.message == message
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "offset", "hint"),
    [
        ("{{ stations.unit-tests.outputs.x }}", 12, "stations['unit-tests']"),
        ("{{ inputs.my-long-key }}", 10, "inputs['my-long-key']"),
        ("v {{ stations.a.outputs.b-c }}", 24, "stations.a.outputs['b-c']"),
    ],
)
def test_a_hyphen_in_a_dotted_name_is_refused_with_the_right_spelling(text: str, offset: int, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert caught.value.offset == offset
    assert hint in (caught.value.hint or "")


def test_an_unclosed_expression_says_how_to_write_braces() -> None:
    assert "{{ '{{' }}" in str(failure("a {{ b"))


def test_an_error_says_everything_in_one_line() -> None:
    error = ExpressionError("no filter 'uper'", 3, suggestion="upper", hint="look")
    assert str(error) == "no filter 'uper'; did you mean 'upper'? (look)"


# What is refused when rendering


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 1 / inputs.zero | default(0) }}", "division by zero"),
        ("{{ 1 % 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "cannot add a string and a number"),
        ("{{ inputs.nothing + 1 }}", "cannot add null and a number"),
        ("{{ true + 1 }}", "cannot add true or false and a number"),
        ("{{ [] * [] }}", "cannot multiply a list and a list"),
        ("{{ '%s' % 1 }}", "cannot take the remainder of a string and a number"),
        ("{{ 1 < 'a' }}", "cannot compare a number and a string"),
        ("{{ [1, 'a'] | sort }}", "filter 'sort': cannot compare a number and a string"),
        ("{{ 1 in 2 }}", "a number cannot contain anything"),
        ("{{ 1 in 'a' }}", "a string cannot contain a number"),
        ("{{ -'a' }}", "a string has no sign"),
        ("{{ {1: 2} }}", "the key of a mapping must be a string, not a number"),
        ("{{ inputs[true] }}", "'inputs' cannot have true or false as a key"),
        ("{{ 1[0:1] }}", "a number has no parts"),
        ("{{ 'abc' | int }}", "filter 'int': the text is not a whole number"),
        ("{{ 'abc' | float }}", "filter 'float': the text is not a number"),
        ("{{ 'abc' | bool }}", "filter 'bool': the value is neither true nor false"),
        ("{{ 3 | length }}", "filter 'length': a number has no length"),
        ("{{ (1).upper() }}", "a number has no method 'upper'"),
        ("{{ 'a'.split('') }}", "empty separator"),
        ("{{ 'abc'[::0] }}", "the step of a part cannot be zero"),
        ("{{ 'abc'['a':] }}", "a part is between numbers, not a string"),
        ("{{ [1].index(5) }}", "no item is equal to that"),
        ("{{ 2 | round(method='up') }}", "filter 'round': 'method' must be 'common', 'ceil' or 'floor'"),
        ("{{ inputs.services | sum }}", "filter 'sum': needs a number, not a string"),
        ("{{ inputs.limits | dictsort(by='size') }}", "filter 'dictsort': 'by' must be 'key' or 'value'"),
        ("{{ 'a' | items }}", "filter 'items': needs a mapping, not a string"),
        ("{{ [1] | map }}", "filter 'map': 'map' needs the name of a filter, or attribute="),
        ("{{ [1] | tojson(indent=9) }}", "filter 'tojson': 'indent' must be between 0 and 8"),
        ("{{ [] | last }}", "the list is empty"),
        ("{{ 10 / 1e-308 / 1e-10 }}", "the number is not finite"),
        ("{{ inputs.people | upper }}", "filter 'upper': needs a string, not a list"),
    ],
)
def test_what_cannot_be_computed_is_an_error_with_the_expression(text: str, message: str) -> None:
    error = failure(text)
    assert error.message == f"{message}, in `{text[3:-3]}`"
    assert 0 <= error.offset < len(text)


def test_a_long_expression_is_cut_in_messages() -> None:
    assert len(failure("{{ inputs.nope ~ '" + "x" * 500 + "' }}").message) < 150


def test_values_do_not_appear_in_messages() -> None:
    scope = {"env": {"TOKEN": "hunter2"}}
    for expression in (
        "env.TOKEN | int",
        "env.TOKEN + 1",
        "[env.TOKEN].index('x')",
        "env.TOKEN.index('x')",
        "env[env.TOKEN + 1]",
    ):
        with pytest.raises(ExpressionError) as caught:
            parse_template(f"{{{{ {expression} }}}}").render(scope)
        assert "hunter2" not in str(caught.value)


HOSTILE = [
    "''.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__class__']",
    "x | attr('__class__')",
    "inputs | map(attribute='__class__') | list",
    "[''] | map(attribute='_' ~ '_class__') | list",
    "[''] | sort(attribute='_' ~ '_class__')",
    "''['_' ~ '_class__']",
    "inputs.update({})",
    "inputs.pop('a')",
    "inputs.services.append(1)",
    "inputs.services.sort()",
    "cycler",
    "cycler.__init__.__globals__",
    "lipsum()",
    "namespace(a=1)",
    "dict(a=1)",
    "joiner",
    "self",
    "loop",
    "caller()",
    "varargs",
    "inputs.__init__",
    "inputs.app_name.format",
    "'{0.__class__}'.format(1)",
    "'{0.__class__}'.format_map(inputs)",
    "'%1000000000d' % 1",
    "'x'.ljust(1000000000)",
    "'x'.center(1000000000)",
    "'x'.encode()",
    "'x'.translate({})",
    "'a' * 10**9",
    "'a' * 1000000000",
    "1000000000 * 'a'",
    "[1] * 1000000000",
    "[['a' * 1000] * 1000] * 1000",
    "9999999999 * 9999999999",
    "1e308 * 10",
    "'x' * 1000000 ~ 'x' * 1000000",
    "('x' * 1000).replace('x', 'y' * 100000)",
    "('x' * 1000) | replace('', 'y' * 100000)",
    "['x' * 1000000] | join('') ~ 'y' * 1000000",
    "('ab' * 100000) | join('y' * 100000)",
    "('a' * 1000) | list | map('replace', 'a', 'b' * 10000)",
    "[" + "'a' * 1000000," * 100 + "]",
    "1 | round(1000000000)",
    "[1] | tojson(indent=1000000000)",
    "9" * 5000,
    "('9' * 100000) | int",
    "(" * 4000 + "1" + ")" * 4000,
    "[" * 4000 + "]" * 4000,
    "inputs" + ".a" * 4000,
    "not " * 2000 + "1",
    "-" * 5000 + "1",
    "1" + "+1" * 4000,
    "1 if 1 else " * 800 + "1",
    "x | d(" * 1000 + "1" + ")" * 1000,
    "'a'" + " | upper" * 1000,
    "x" * (LONGEST_EXPRESSION + 1),
    "import os",
    "lambda: 1",
    "(x := 1)",
    "open('/etc/passwd').read()",
]


@pytest.mark.parametrize("expression", HOSTILE, ids=lambda e: e[:40])
def test_hostile_expressions_are_refused_at_once(expression: str) -> None:
    began = time.monotonic()
    assert failure(f"{{{{ {expression} }}}}")
    with pytest.raises(ExpressionError):
        parse_condition(expression).render(SCOPE)
    assert time.monotonic() - began < 2


def test_an_expression_cannot_work_without_end_on_large_values() -> None:
    scope = {"inputs": {"list": list(range(100_000))}}
    with pytest.raises(ExpressionError, match="too much work"):
        parse_template("{{ [" + "inputs.list | max," * 500 + "] }}").render(scope)


def test_the_text_of_a_value_is_bounded() -> None:
    scope = {"inputs": {"big": "x" * MEBIBYTE}}
    assert len(parse_template("{{ inputs.big }}!").render(scope)) == MEBIBYTE + 1
    with pytest.raises(ExpressionError, match="characters"):
        parse_template("{{ inputs.big }}{{ inputs.big }}").render(scope)


@pytest.mark.parametrize("expression", ["inputs", "inputs == other", "inputs | tojson", "[inputs]", "inputs ~ ''"])
def test_data_that_contains_itself_is_an_error(expression: str) -> None:
    loop: list[Any] = []
    loop.append(loop)
    other: list[Any] = []
    other.append(other)
    with pytest.raises(ExpressionError):
        parse_template(f"{{{{ {expression} }}}}").render({"inputs": loop, "other": other})


# Conditions


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("stack == 'python-fastapi'", True),
        ("stack in ['rust-api', 'frontend-vue']", False),
        ("inputs.nothing", False),
        ("inputs.services", True),
        ("not inputs.flag", False),
        ("stations.scaffold.status == 'skipped'", True),
        (" inputs.count > 2 and\n iac.cloud == 'azure' ", True),
    ],
)
def test_a_condition_holds_or_not(text: str, result: bool) -> None:
    assert parse_condition(text).render(SCOPE) is result


def test_a_condition_has_references() -> None:
    assert parse_condition("stack == inputs.x").references == (
        Reference(("stack",), 0, False),
        Reference(("inputs", "x"), 9, False),
    )


@pytest.mark.parametrize(("text", "offset"), [("{{ inputs.flag }}", 0), ("stack == '{{ x }}'", 10)])
def test_braces_in_a_condition_are_refused(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)
    assert caught.value.offset == offset
    assert "without braces" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "  ", "a }} b", "a -}}", "inputs.x {%", "{# a #}", "1 2"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


# Nested values


def test_every_string_of_a_value_is_rendered_and_no_key() -> None:
    value = {"a": ["{{ inputs.count }}", {"{{ k }}": "x{{ inputs.count }}"}], "b": 1, "c": ("{{ inputs.flag }}", None)}
    assert render_value(value, SCOPE) == {"a": [3, {"{{ k }}": "x3"}], "b": 1, "c": [True, None]}


def test_walking_gives_the_strings_with_expressions_and_their_places() -> None:
    value = {"a": ["{{ x }}", "plain", {"b": "y {{ z }}"}], "c": 1, "d": "{{ w }}"}
    assert list(walk(value)) == [(("a", 0), "{{ x }}"), (("a", 2, "b"), "y {{ z }}"), (("d",), "{{ w }}")]
    assert list(walk("{{ x }}")) == [((), "{{ x }}")]


def test_a_value_nested_without_end_is_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ExpressionError, match="nested too deeply"):
        render_value(value, SCOPE)
    with pytest.raises(ExpressionError, match="nested too deeply"):
        list(walk(value))


def test_expressions_are_found_by_their_braces() -> None:
    assert find_expressions("a {{ b }} {{ '}}' }}") == [(2, 9), (10, 20)]
    assert has_expression("{{") is True
    assert has_expression("{% {# } { plain") is False


# Any text at all

PIECES = [
    *("inputs", "outputs", "app_name", "services", "count", "items", "get", "upper", "_x", "default", "map", "int"),
    *("'a'", '"b"', "'__class__'", "1", "2.5", "true", "none", "is", "not", "defined", "in", "and", "or", "if", "else"),
    *(".", "[", "]", "(", ")", "{", "}", ":", ",", "|", "+", "-", "*", "/", "%", "**", "~", "==", "<", "=", "'", '"'),
    *(" ", "\n", "\\", "{{", "}}", "{%", "ä", "\0", "\ud800", "'\\x'", "attribute="),
]
MOSTLY_EXPRESSIONS = st.lists(st.sampled_from(PIECES), max_size=15).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.text() | MOSTLY_EXPRESSIONS)
def test_no_text_raises_anything_but_an_expression_error(text: str) -> None:
    for parse, written in ((parse_template, text), (parse_template, f"{{{{ {text} }}}}"), (parse_condition, text)):
        offset = 0
        try:
            json.dumps(parse(written).render(SCOPE))
        except ExpressionError as error:
            offset = error.offset
        assert 0 <= offset <= len(written)


# Start-up


def test_jinja2_is_loaded_with_the_first_expression_and_not_before() -> None:
    program = """
import sys
from mityflow.expressions import has_expression, parse_template, render_value, walk
assert not has_expression("plain")
assert render_value({"a": ["plain", 1]}, {}) == {"a": ["plain", 1]}
assert not list(walk({"a": ["plain"]}))
heavy = {"jinja2", "re", "inspect", "json"} & set(sys.modules)
assert "jinja2" not in heavy, heavy
parse_template("{{ 1 }}")
assert "jinja2" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
