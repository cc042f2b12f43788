"""From the text of one expression to something that can be evaluated; loaded with the first expression.

The parsed tree is checked and turned into functions of our own, so that an expression can do what
these do and nothing else: what is not listed here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from mityflow.errors import nearest
from mityflow.expression_functions import (
    FILTERS,
    METHODS,
    OF_MISSING,
    TESTS,
    call_method,
    or_default,
)
from mityflow.expression_parser import parse
from mityflow.expression_values import (
    COMPARISONS,
    LARGEST,
    OPERATORS,
    Missing,
    Refused,
    checked,
    key_of,
    member,
    need_room,
    needed,
    part,
    plain,
    signed,
    text_of,
)
from mityflow.expressions import WILDCARD, ExpressionError, Reference

if TYPE_CHECKING:
    from jinja2 import nodes

_DEEPEST = 100
_MOST_WORK = 4 * LARGEST
_SHOWN = 60
_NAMED_FILTERS = {"map": FILTERS, "select": TESTS, "reject": TESTS, "selectattr": TESTS, "rejectattr": TESTS}
_BY_ATTRIBUTE = ("selectattr", "rejectattr")
_DEFAULTS = ("default", "d")

Path = tuple[str | int, ...]


class Evaluation:
    """One rendering: the values it sees, and how much work it has done."""

    __slots__ = ("_work", "scope")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.scope = scope
        self._work = 0

    def keep(self, value: Any) -> Any:
        """The result of an operation; raises Refused when it is too large, or all have been too much."""
        if value is not None and type(value) is not bool and type(value) is not Missing:
            self._count(checked(value))
        return value

    def take(self, value: Any) -> Any:
        """The operand of an operation that looks at each of its items; raises Refused like ``keep``."""
        if isinstance(value, str | list | tuple | Mapping):
            self._count(len(value))
        return value

    def _count(self, work: int) -> None:
        self._work += work
        if self._work > _MOST_WORK:
            raise Refused("the expression does too much work on large values")


Run = Callable[[Evaluation], Any]


class Code:
    """A checked expression. ``offset`` is where it begins in the text it stands in."""

    __slots__ = ("_run", "_source", "offset", "references")

    def __init__(self, source: str, offset: int, run: Run, references: tuple[Reference, ...]) -> None:
        self._source = source
        self._run = run
        self.offset = offset
        self.references = references

    def value(self, scope: Mapping[str, Any]) -> Any:
        """The result as plain data. Raises ExpressionError."""
        return self._result(scope, plain)

    def text(self, scope: Mapping[str, Any]) -> str:
        """The result as text. Raises ExpressionError, also when it is null."""
        result: str = self._result(scope, text_of)
        return result

    def _result(self, scope: Mapping[str, Any], finish: Callable[[Any], Any]) -> Any:
        try:
            return finish(needed(self._run(Evaluation(scope))))
        except ExpressionError as error:
            raise self._error(error) from None
        except Refused as refused:
            raise self._error(_located(refused, self.offset)) from None
        except RecursionError:
            raise self._error(ExpressionError("a value is nested too deeply", self.offset)) from None

    def _error(self, error: ExpressionError) -> ExpressionError:
        source = " ".join(self._source.split())
        shown = source if len(source) <= _SHOWN else f"{source[:_SHOWN]}..."
        message = f"{error.message}, in `{shown}`"
        return ExpressionError(message, error.offset, hint=error.hint, suggestion=error.suggestion)


def compile_expression(source: str, offset: int) -> Code:
    """Parse and check one expression, which begins at ``offset``. Raises ExpressionError."""
    compiler = _Compiler()
    try:
        run = compiler.value(parse(source, offset))
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply", offset) from None
    return Code(source, offset, run, tuple(sorted(compiler.references, key=lambda r: r.offset)))


class _Compiler:
    """Turns a tree into a function; collects what it refers to on the way."""

    def __init__(self) -> None:
        self.references: list[Reference] = []
        self._depth = 0
        self._guarded: tuple[Path, ...] = ()

    def value(self, node: nodes.Node) -> Run:
        """A function that gives the node's value, and never Missing."""
        run = self._run(node)
        at = node.lineno

        def give(evaluation: Evaluation) -> Any:
            value = run(evaluation)
            if type(value) is Missing:
                raise _located(value.refused(), at)
            return value

        return give

    def _run(self, node: nodes.Node, *, defaulted: bool = False) -> Run:
        """A function that gives the node's value, or Missing; ``defaulted`` when that is provided for."""
        compile_node = _NODES.get(type(node).__name__)
        if compile_node is None:
            self._fail(node, "this is not part of an expression here")
        if self._depth > _DEEPEST:
            self._fail(node, "the expression is nested too deeply")
        self._depth += 1
        try:
            return compile_node(self, node, defaulted)
        finally:
            self._depth -= 1

    def _fail(
        self, node: nodes.Node, message: str, *, hint: str | None = None, suggestion: str | None = None
    ) -> NoReturn:
        raise ExpressionError(message, node.lineno, hint=hint, suggestion=suggestion)

    def _guard(self, node: nodes.Node, what: str, operation: Run) -> Run:
        """The operation with its result kept within bounds, and its errors located and put in words."""
        at = node.lineno

        def give(evaluation: Evaluation) -> Any:
            try:
                return evaluation.keep(operation(evaluation))
            except Refused as refused:
                raise _located(refused, at, what) from None
            except (TypeError, ValueError, ArithmeticError, LookupError) as error:
                raise ExpressionError(f"{what}{error}", at) from None

        return give

    # Literals

    def const(self, node: Any, _defaulted: bool) -> Run:
        value = node.value
        try:
            checked(value)
            str(value).encode()
        except Refused as refused:
            self._fail(node, refused.message)
        except UnicodeEncodeError:
            self._fail(node, "the string holds half a character")
        return lambda _: value

    def items(self, node: Any, _defaulted: bool) -> Run:
        items = [self.value(item) for item in node.items]
        return self._guard(node, "", lambda evaluation: [item(evaluation) for item in items])

    def mapping(self, node: Any, _defaulted: bool) -> Run:
        pairs = [(self.value(pair.key), self.value(pair.value)) for pair in node.items]
        return self._guard(
            node, "", lambda evaluation: {key_of(key(evaluation)): item(evaluation) for key, item in pairs}
        )

    # Names, attributes and subscripts

    def path(self, node: Any, defaulted: bool) -> Run:
        """``a.b['c'][d]``: a name or a value, and what is looked up in it, one after another."""
        base, steps = _unwound(node)
        if len(steps) > _DEEPEST:
            self._fail(node, "the expression is nested too deeply")
        for name_node, name in _names(base, steps):
            self._check_name(name_node, name)
        lookups = [self._lookup(step) for step in steps]
        if type(base).__name__ != "Name":
            return self._followed(node, self._run(base, defaulted=defaulted), "the value", steps, lookups)
        path = _path(node)
        self.references.append(Reference(path, base.lineno, defaulted or self._is_guarded(path)))
        name = base.name

        def root(evaluation: Evaluation) -> Any:
            scope = evaluation.scope
            return scope[name] if name in scope else Missing(f"unknown name '{name}'", None, name, scope)

        return self._followed(node, root, f"'{name}'", steps, lookups) if steps else root

    def _followed(self, node: Any, base: Run, label: str, steps: Sequence[Any], lookups: Sequence[Any]) -> Run:
        labels = [label]
        for step in steps:
            labels.append(_longer(labels[-1], step))

        def follow(evaluation: Evaluation) -> Any:
            value = base(evaluation)
            for lookup, called in zip(lookups, labels, strict=False):
                if type(value) is Missing:
                    return value
                value = lookup(evaluation, value, called)
            return value

        at = node.lineno

        def give(evaluation: Evaluation) -> Any:
            try:
                return follow(evaluation)
            except Refused as refused:
                raise _located(refused, at) from None

        return give

    def _lookup(self, step: Any) -> Callable[[Evaluation, Any, str], Any]:
        key = _constant_key(step)
        if key is not None:
            return lambda _, value, called: member(value, key, called)
        if type(step.arg).__name__ == "Slice":
            return self._slice(step.arg)
        dynamic = self.value(step.arg)
        return lambda evaluation, value, called: member(value, dynamic(evaluation), called)

    def _slice(self, node: Any) -> Callable[[Evaluation, Any, str], Any]:
        bounds = [self.value(bound) if bound else None for bound in (node.start, node.stop, node.step)]

        def cut(evaluation: Evaluation, value: Any, called: str) -> Any:  # noqa: ARG001 - as _lookup's
            start, stop, step = (None if bound is None else bound(evaluation) for bound in bounds)
            return evaluation.keep(part(value, start, stop, step))

        return cut

    def _check_name(self, node: nodes.Node, name: object) -> None:
        if isinstance(name, str) and name.startswith("_"):
            self._fail(node, f"the name '{name}' begins with an underscore")

    def _is_guarded(self, path: Path) -> bool:
        return any(path[: len(guard)] == guard for guard in self._guarded)

    @contextmanager
    def _knowing(self, facts: Iterable[Path]) -> Iterator[None]:
        """While the paths ``facts`` are known to have a value."""
        before = self._guarded
        self._guarded = (*before, *facts)
        try:
            yield
        finally:
            self._guarded = before

    # Operators

    def binary(self, node: Any, _defaulted: bool) -> Run:
        operation = OPERATORS[type(node).__name__]
        left, right = self.value(node.left), self.value(node.right)
        return self._guard(node, "", lambda evaluation: operation(left(evaluation), right(evaluation)))

    def power(self, node: Any, _defaulted: bool) -> Run:
        self._fail(node, "'**' is not supported")

    def sign(self, node: Any, _defaulted: bool) -> Run:
        sign = -1 if type(node).__name__ == "Neg" else 1
        operand = self.value(node.node)
        return self._guard(node, "", lambda evaluation: signed(sign, operand(evaluation)))

    def concat(self, node: Any, _defaulted: bool) -> Run:
        operands = [self.value(operand) for operand in node.nodes]

        def join(evaluation: Evaluation) -> str:
            pieces, size = [], 0
            for operand in operands:
                pieces.append(text_of(operand(evaluation)))
                size += len(pieces[-1])
                need_room(size)
            return "".join(pieces)

        return self._guard(node, "", join)

    def compare(self, node: Any, _defaulted: bool) -> Run:
        first = self.value(node.expr)
        rest = [(COMPARISONS[operand.op], self.value(operand.expr)) for operand in node.ops]

        def compare(evaluation: Evaluation) -> bool:
            left = first(evaluation)
            for operation, operand in rest:
                right = operand(evaluation)
                if not operation(left, right):
                    return False
                left = right
            return True

        return self._guard(node, "", compare)

    def invert(self, node: Any, _defaulted: bool) -> Run:
        operand = self.value(node.node)
        return lambda evaluation: not operand(evaluation)

    def both(self, node: Any, _defaulted: bool) -> Run:
        left = self.value(node.left)
        with self._knowing(_facts(node.left, True)):
            right = self.value(node.right)
        return lambda evaluation: left(evaluation) and right(evaluation)

    def either(self, node: Any, _defaulted: bool) -> Run:
        left = self.value(node.left)
        with self._knowing(_facts(node.left, False)):
            right = self.value(node.right)
        return lambda evaluation: left(evaluation) or right(evaluation)

    def conditional(self, node: Any, defaulted: bool) -> Run:
        test = self.value(node.test)
        with self._knowing(_facts(node.test, True)):
            then = self._run(node.expr1, defaulted=defaulted)
        if node.expr2 is None:
            nothing = Missing("the 'if' is false and there is no 'else'")
            return lambda evaluation: then(evaluation) if test(evaluation) else nothing
        with self._knowing(_facts(node.test, False)):
            otherwise = self._run(node.expr2, defaulted=defaulted)
        return lambda evaluation: then(evaluation) if test(evaluation) else otherwise(evaluation)

    # Calls, filters and tests

    def call(self, node: Any, _defaulted: bool) -> Run:
        """``value.method(...)``; nothing else can be called."""
        if type(node.node).__name__ != "Getattr":
            called = f"'{node.node.name}'" if type(node.node).__name__ == "Name" else "a value"
            self._fail(node, f"{called} cannot be called", hint="only methods such as .split() and filters can")
        name = node.node.attr
        if name not in METHODS:
            self._fail(node.node, f"there is no method '{name}'", suggestion=nearest(name, METHODS))
        if node.kwargs:
            self._fail(node, f"the arguments of '{name}' have no names")
        arguments, _ = self._arguments(node)
        owner = self.value(node.node.node)
        self._refer_to_gotten(node)
        return self._guard(
            node,
            "",
            lambda evaluation: call_method(
                name, evaluation.take(owner(evaluation)), [a(evaluation) for a in arguments]
            ),
        )

    def _refer_to_gotten(self, node: Any) -> None:
        """``outputs.get('key')`` reads ``outputs.key``, and says what happens without it."""
        owner = node.node.node
        if node.node.attr == "get" and node.args and type(_unwound(owner)[0]).__name__ == "Name":
            key = _constant(node.args[0])
            path = _path(owner)
            if path[-1] != WILDCARD:
                self._check_name(node.args[0], key)
                gotten = key if isinstance(key, str | int) else WILDCARD
                self.references.append(Reference((*path, gotten), _unwound(owner)[0].lineno, True))

    def filter(self, node: Any, defaulted: bool) -> Run:
        name, function = node.name, FILTERS.get(node.name)
        if function is None:
            self._fail(node, f"there is no filter '{name}'", suggestion=nearest(name, FILTERS))
        if name in _NAMED_FILTERS:
            self._check_named(node)
        self._check_attributes(node)
        self._check_signature(node, "filter", function)
        if name in _DEFAULTS:
            return self._default(node, defaulted)
        arguments, named = self._arguments(node)
        value = self.value(node.node)

        def apply(evaluation: Evaluation) -> Any:
            given = [argument(evaluation) for argument in arguments]
            options = {key: run(evaluation) for key, run in named.items()}
            return function(evaluation.take(value(evaluation)), *given, **options)

        return self._guard(node, f"filter '{name}': ", apply)

    def _default(self, node: Any, defaulted: bool) -> Run:
        """``x | default(y)``: y is evaluated only when it is needed, and may itself be missing."""
        given = dict(zip(("default_value", "boolean"), node.args, strict=False))
        given |= {keyword.key: keyword.value for keyword in node.kwargs}
        value = self._run(node.node, defaulted=True)
        instead = self._run(given["default_value"], defaulted=defaulted) if "default_value" in given else lambda _: ""
        boolean = self.value(given["boolean"]) if "boolean" in given else lambda _: False

        def choose(evaluation: Evaluation) -> Any:
            found = value(evaluation)
            chosen = or_default(found, _NOTHING, boolean(evaluation))
            return instead(evaluation) if chosen is _NOTHING else found

        return choose

    def test(self, node: Any, _defaulted: bool) -> Run:
        name, function = node.name, TESTS.get(node.name)
        if function is None:
            self._fail(node, f"there is no test '{name}'", suggestion=nearest(name, TESTS))
        arguments, named = self._arguments(node)
        self._check_signature(node, "test", function)
        if named:
            self._fail(node, f"the arguments of the test '{name}' have no names")
        value = self._run(node.node, defaulted=True) if name in OF_MISSING else self.value(node.node)
        return self._guard(
            node,
            f"test '{name}': ",
            lambda evaluation: function(value(evaluation), *(argument(evaluation) for argument in arguments)),
        )

    def _arguments(self, node: Any) -> tuple[list[Run], dict[str, Run]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fail(node, "arguments cannot be unpacked with '*'")
        return [self.value(a) for a in node.args], {k.key: self.value(k.value) for k in node.kwargs}

    def _check_signature(self, node: Any, what: str, function: Callable[..., Any]) -> None:
        import inspect

        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fail(node, "arguments cannot be unpacked with '*'")
        try:
            inspect.signature(function).bind(None, *node.args, **{k.key: k.value for k in node.kwargs})
        except TypeError as error:
            self._fail(node, f"{what} '{node.name}': {error}")

    def _check_named(self, node: Any) -> None:
        """The filter or test that ``map('upper')`` and its like apply must be known now."""
        table = _NAMED_FILTERS[node.name]
        position = 1 if node.name in _BY_ATTRIBUTE else 0
        if len(node.args) <= position:
            return
        name = _constant(node.args[position])
        if not isinstance(name, str):
            self._fail(node, f"filter '{node.name}' needs a name in quotes")
        if name not in table or name in _NAMED_FILTERS:
            kind = "filter" if table is FILTERS else "test"
            known = set(table) - set(_NAMED_FILTERS)
            self._fail(node, f"there is no {kind} '{name}' for '{node.name}'", suggestion=nearest(name, known))

    def _check_attributes(self, node: Any) -> None:
        attributes = [k.value for k in node.kwargs if k.key == "attribute"]
        if node.name in _BY_ATTRIBUTE:
            attributes += node.args[:1]
        for attribute in attributes:
            for name in str(_constant(attribute)).split("."):
                self._check_name(attribute, name)


_NOTHING = object()

_NODES: Mapping[str, Callable[[_Compiler, Any, bool], Run]] = {
    "Const": _Compiler.const,
    "List": _Compiler.items,
    "Tuple": _Compiler.items,
    "Dict": _Compiler.mapping,
    "Name": _Compiler.path,
    "Getattr": _Compiler.path,
    "Getitem": _Compiler.path,
    **dict.fromkeys(OPERATORS, _Compiler.binary),
    "Pow": _Compiler.power,
    "Neg": _Compiler.sign,
    "Pos": _Compiler.sign,
    "Concat": _Compiler.concat,
    "Compare": _Compiler.compare,
    "Not": _Compiler.invert,
    "And": _Compiler.both,
    "Or": _Compiler.either,
    "CondExpr": _Compiler.conditional,
    "Call": _Compiler.call,
    "Filter": _Compiler.filter,
    "Test": _Compiler.test,
}


def _located(refused: Refused, offset: int, what: str = "") -> ExpressionError:
    return ExpressionError(f"{what}{refused.message}", offset, hint=refused.hint, suggestion=refused.suggestion)


# Reading the tree


def _unwound(node: Any) -> tuple[Any, list[Any]]:
    """The innermost node of a chain of attributes and subscripts, and the chain from there on."""
    steps = []
    while type(node).__name__ in ("Getattr", "Getitem"):
        steps.append(node)
        node = node.node
    return node, steps[::-1]


def _constant(node: Any) -> Any:
    return node.value if type(node).__name__ == "Const" else None


def _constant_key(step: Any) -> str | int | None:
    """The key that a step looks up, when the text says which."""
    key = step.attr if type(step).__name__ == "Getattr" else _constant(step.arg)
    return key if isinstance(key, str | int) and not isinstance(key, bool) else None


def _names(base: Any, steps: Iterable[Any]) -> Iterator[tuple[Any, object]]:
    """The names that a chain uses, each with its node."""
    if type(base).__name__ == "Name":
        yield base, base.name
    for step in steps:
        yield step, _constant_key(step)


def _path(node: Any) -> Path:
    """The path of a chain that begins with a name, as in :class:`Reference`; a slice ends it."""
    base, steps = _unwound(node)
    path: list[str | int] = [base.name]
    for step in steps:
        key = _constant_key(step)
        if key is None:
            return tuple(path) if type(step.arg).__name__ == "Slice" else (*path, WILDCARD)
        path.append(key)
    return tuple(path)


def _longer(label: str, step: Any) -> str:
    """How messages call the value after one more step."""
    key = _constant_key(step)
    if key is None or not label.endswith("'"):
        return "the value"
    spelled = f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
    return f"{label[:-1]}{spelled}'"


def _facts(node: Any, truth: bool) -> set[Path]:
    """The paths that have a value whenever the node is true, or false."""
    kind = type(node).__name__
    if kind == "Not":
        return _facts(node.node, not truth)
    if kind == ("And" if truth else "Or"):
        return _facts(node.left, truth) | _facts(node.right, truth)
    if kind == "Test" and node.name in OF_MISSING and (node.name == "defined") is truth:
        node = node.node
    elif not truth:
        return set()
    return {_path(node)} if type(_unwound(node)[0]).__name__ == "Name" else set()
