"""What the tests in a source file are: how many, which are left out, and what they assert."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

_LANGUAGES = {
    "py": "python",
    "rs": "rust",
    "java": "java",
    "kt": "java",
    "cs": "csharp",
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue"), "js"),
}
_TEST_FILE = re.compile(
    r"(^|/)(tests?|__tests__|e2e|specs?|cypress)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$|[._-](test|spec|cy)\.\w+$"
    r"|(Tests?|IT|Spec)\.(java|kt|cs)$|(^|/)[^/]*\.?Tests?/[^/]*\.cs$|(^|/)src/test/",
    re.IGNORECASE,
)
_TEST = {
    "js": re.compile(r"(?<![\w.$])(?:it|test|bench|xit|xtest|fit)(?:\.\w+)*\s*\("),
    "rust": re.compile(r"#\[\s*(?:\w+::)*(?:test|rstest|case|test_case)\b"),
    "java": re.compile(r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property|QuarkusTest)\b(?!\w)"),
    "csharp": re.compile(
        r"\[\s*(?:\w+\.)*(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|InlineData|DataRow)\b"
    ),
}
_SKIP = {
    "js": re.compile(
        r"(?<![\w.$])(?:(?:it|test|describe|suite|context)\.(?:\w+\.)*(?:skip|todo|fails|fixme|skipIf|runIf)\b"
        r"|x(?:it|test|describe)\s*\()"
    ),
    "rust": re.compile(r"#\[\s*ignore\b|#\[\s*cfg\(\s*(?:any\(\)|never|not\(test\)|FALSE)"),
    "java": re.compile(r"@(?:Disabled|Ignore)\w*\b|\bassum(?:e|ing)\w*\s*\(|\bAssumptions\."),
    "csharp": re.compile(
        r"\bSkip\s*=|\[\s*(?:Ignore|Explicit)\b|\bSkip\.(?:If|IfNot)|Assert\.(?:Ignore|Inconclusive|Skip)\w*"
    ),
}
_ONLY = re.compile(r"(?<![\w.$])(?:it|test|describe|suite|context)\.only\b|(?<![\w.$])f(?:it|describe)\s*\(")
_ASSERTION = {
    "js": re.compile(r"(?<![\w.$])(?:expect(?:\.\w+)?|assert(?:\.\w+)*)\s*\("),
    "rust": re.compile(r"\b(?:debug_)?assert(?:_\w+)?!\s*[(\[{]"),
    "java": re.compile(
        r"(?<![\w.])(?:(?:Assertions|Assert)\.)?(?:assert|fail)\w*\s*\(|\.(?:andExpect|expectBody|expectStatus)\s*\(|(?<![\w.])verify\s*\("
    ),
    "csharp": re.compile(r"\bAssert\.\w+(?:<[^>()]*>)?\s*\(|\.Should\w*\s*\("),
}
_VAGUE = re.compile(
    r"\.(?:not\.)?to(?:BeDefined|BeTruthy|BeFalsy|BeUndefined|BeNull|Exist)\(\)|\.toBeInstanceOf\(|\.toBeGreaterThan(?:OrEqual)?\((?:0|-1)\)"
    r"|assertNotNull|assertNull|\.isNotNull\(\)|\.isNotEmpty\(\)|Assert\.(?:NotNull|NotEmpty|True)\(|\bis not None\b|\.is_(?:ok|some|err|none)\(\)"
    r"|expect\.any\w*\(|>=\s*0\b|\bassertIsNotNone|assertTrue\(|\bAny\b|\bANY\b"
)
_TAUTOLOGY = re.compile(
    r"^(?:assert\s*\(?(?:True|1|not False)\)?$|assert!?\s*\(\s*true\b|expect\((true|1|false|0)\)\.(?:toBe|toEqual)\(\1\)"
    r"|(?:\w+\.)?assertTrue\(\s*[Tt]rue\s*[,)]|Assert\.True\(true|(?:\w+\.)?assertEquals?\(([^,()]+),\2\)|assert (.+) == \3$"
    r"|assert_eq!\(([^,()]+),\4[,)]|expect\(([^()]+)\)\.(?:toBe|toEqual|toStrictEqual)\(\5\)|Assert\.Equal\(([^,()]+),\6\))"
)


class Assertion(NamedTuple):
    """One assertion: its text without what does not matter, and the line it begins at."""

    text: str
    line: int

    @property
    def vague(self) -> bool:
        """Whether nearly everything passes it."""
        return _VAGUE.search(self.text) is not None

    @property
    def empty(self) -> bool:
        """Whether everything passes it."""
        return _TAUTOLOGY.match(self.text) is not None


class FileTests(NamedTuple):
    """The tests of a file. ``skips`` and ``only`` are the lines of marks that leave tests out."""

    tests: int
    skips: tuple[int, ...]
    only: tuple[int, ...]
    swallowed: int
    assertions: tuple[Assertion, ...]


NONE = FileTests(0, (), (), 0, ())


def is_test_file(path: str) -> bool:
    """Whether a file is there for tests."""
    return _TEST_FILE.search(path) is not None


def language(path: str) -> str | None:
    """The language of a source file, None where it is not read."""
    return _LANGUAGES.get(path.rpartition(".")[2].lower())


def tests_in(path: str, text: str | None) -> FileTests:
    """The tests of a file; those of a source that does not parse are told by its words."""
    kind = language(path)
    if kind is None or text is None:
        return NONE
    if kind == "python":
        try:
            return _python(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return _python_words(text)
    code, bare = _without_comments(text, kind)
    return FileTests(
        len(_TEST[kind].findall(bare)),
        tuple(_line(bare, m.start()) for m in _SKIP[kind].finditer(bare)),
        tuple(_line(bare, m.start()) for m in _ONLY.finditer(bare)) if kind == "js" else (),
        len(
            re.findall(
                r"\bcatch\s*(?:\([^)]*\))?\s*(?:\{\s*\}|\(\s*\(\s*\w*\s*\)\s*=>\s*(?:\{\s*\}|undefined|null)\s*\))",
                bare,
            )
        ),
        tuple(_assertions(code, bare, kind)),
    )


def _python(tree: ast.AST) -> FileTests:
    tests, swallowed = 0, 0
    skips: list[int] = []
    found: list[Assertion] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            tests += 0 if _returns_at_once(node) else _cases(node)
        if (isinstance(node, ast.Attribute) and node.attr in _PY_SKIPS) or (
            isinstance(node, ast.Name) and node.id in _PY_SKIPS - {"skip"}
        ):
            skips.append(node.lineno)
        elif isinstance(node, ast.Assert):
            found.append(Assertion(f"assert {ast.unparse(node.test)}", node.lineno))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name.startswith(("assert", "fail")) or name in ("raises", "warns"):
                found.append(Assertion(ast.unparse(node), node.lineno))
        elif isinstance(node, ast.ExceptHandler) and all(isinstance(s, ast.Pass | ast.Continue) for s in node.body):
            swallowed += 1
    return FileTests(tests, tuple(skips), (), swallowed, tuple(found))


_PY_SKIPS = frozenset(
    (
        "skip",
        "skipif",
        "xfail",
        "skipIf",
        "skipUnless",
        "expectedFailure",
        "skipTest",
        "importorskip",
        "SkipTest",
        "collect_ignore",
        "collect_ignore_glob",
        "deselect",
    )
)


def _returns_at_once(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    first = body[0] if body else None
    if isinstance(first, ast.Return):
        return True
    return isinstance(first, ast.If) and isinstance(first.test, ast.Constant) and not first.test.value


def _cases(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many tests a function makes, by what it is parametrised with where that is written out."""
    cases = 1
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "parametrize":
            values = mark.args[1] if len(mark.args) > 1 else None
            if isinstance(values, ast.List | ast.Tuple):
                cases *= max(1, len(values.elts))
    return cases


def _python_words(text: str) -> FileTests:
    lines = text.splitlines()
    found = [Assertion(line.strip(), i) for i, line in enumerate(lines, 1) if line.strip().startswith("assert ")]
    tests = sum(line.strip().startswith(("def test", "async def test")) for line in lines)
    return FileTests(tests, (), (), 0, tuple(found))


_TOKEN = {
    "js": re.compile(
        r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*(?:`|\Z)", re.DOTALL
    ),
    "rust": re.compile(
        r"//[^\n]*|/\*.*?(?:\*/|\Z)|b?r(#{0,5})\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"|'(?:\\.[^']{0,8}|[^'\\\n])'", re.DOTALL
    ),
    "java": re.compile(
        r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"\"\".*?(?:\"\"\"|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
    ),
    "csharp": re.compile(
        r"//[^\n]*|/\*.*?(?:\*/|\Z)|@\"(?:\"\"|[^\"])*\"|\"\"\".*?(?:\"\"\"|\Z)|\$?\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
        re.DOTALL,
    ),
}


def _without_comments(text: str, kind: str) -> tuple[str, str]:
    """The code without comments, and the same without what its strings hold; both as long as the text."""
    code, bare, end = [], [], 0
    for token in _TOKEN[kind].finditer(text):
        code.append(text[end : token.start()])
        bare.append(text[end : token.start()])
        comment = token[0].startswith(("//", "/*"))
        blank = re.sub(r"[^\n]", " ", token[0])
        code.append(blank if comment else token[0])
        bare.append(blank if comment else f'"{blank[1:-1]}"' if len(blank) > 1 else blank)
        end = token.end()
    code.append(text[end:])
    bare.append(text[end:])
    return "".join(code), "".join(bare)


def _assertions(code: str, bare: str, kind: str) -> Iterator[Assertion]:
    """Each assertion up to the end of its statement, in one line and with one kind of quotes."""
    reached = 0
    for found in _ASSERTION[kind].finditer(bare):
        if found.start() < reached:
            continue
        reached = _end(bare, found.end() - 1)
        text = re.sub(r"\s+", "", code[found.start() : reached].replace("'", '"').replace(",)", ")"))
        yield Assertion(text.replace(",)", ")").lstrip(".").rstrip(";"), _line(bare, found.start()))


def _end(bare: str, begin: int) -> int:
    """Where the statement ends whose first bracket is at ``begin``."""
    depth = 0
    for i in range(begin, min(len(bare), begin + 20_000)):
        character = bare[i]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return i
        elif depth == 0 and (character == ";" or (character == "\n" and not re.match(r"\s*\.", bare[i : i + 200]))):
            return i
    return min(len(bare), begin + 20_000)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
