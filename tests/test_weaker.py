"""Tests that got weaker are told; honest fixes are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mityflow.healing.weaker import weakened

_PY = """import pytest
from app import add


@pytest.mark.parametrize("value", [1, 2, 3])
def test_add(value):
    assert add(value, 1) == value + 1


def test_raises():
    with pytest.raises(ValueError):
        add("x", 1)
"""
_TS = """import { expect, it, describe } from 'vitest'

describe('adding', () => {
  it('adds', () => {
    expect(add(1, 2)).toBe(3)
    expect(screen.getByRole('button', { name: 'Add' })).toHaveTextContent('Add')
  })
  it("subtracts", async () => {
    expect(await sub(1, 2)).toEqual(-1) // expect(nothing)
  })
})
"""
_RUST = """pub fn add(a: i32, b: i32) -> i32 { a + b }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
"""
_JAVA = """class AddTest {
    @Test
    void adds() throws Exception {
        assertEquals(3, add(1, 2));
        mvc.perform(get("/health")).andExpect(status().isOk());
        assertThat(list).containsExactly("a", "b");
    }
}
"""
_CS = """public class AddTests {
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Adds(int value) { Assert.Equal(value + 1, Add(value, 1)); }
}
"""
_FILES = {
    "tests/test_add.py": _PY,
    "src/add.test.ts": _TS,
    "src/lib.rs": _RUST,
    "src/test/java/AddTest.java": _JAVA,
    "tests/AddTests.cs": _CS,
}


def _change(path: str, old: str, new: str, text: str | None = None) -> list[str]:
    before = _FILES[path] if text is None else text
    assert old in before
    return weakened({path: before}, {path: before.replace(old, new)})


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("tests/test_add.py", "== value + 1", "is not None", "an assertion says less than before"),
        ("tests/test_add.py", "== value + 1", "== value + 2", "the expected value of an assertion was changed"),
        ("tests/test_add.py", "    assert add(value, 1) == value + 1", "    add(value, 1)", "an assertion was removed"),
        ("tests/test_add.py", "add(value, 1) == value + 1", "True", "always holds"),
        ("tests/test_add.py", "[1, 2, 3]", "[1]", "2 tests are gone"),
        ("tests/test_add.py", "def test_raises", "def raises", "1 test is gone"),
        ("tests/test_add.py", "def test_raises", "@pytest.mark.skip\ndef test_raises", "a test is left out"),
        ("tests/test_add.py", "def test_raises", "@pytest.mark.xfail(strict=False)\ndef test_raises", "left out"),
        ("tests/test_add.py", "import pytest\n", "import pytest\npytestmark = pytest.mark.skip\n", "left out"),
        ("tests/test_add.py", "    assert add", "    return\n    assert add", "tests are gone"),
        ("tests/test_add.py", "with pytest.raises(ValueError):", "if True:", "an assertion was removed"),
        ("tests/test_add.py", "== value + 1\n", "== value + 1  # noqa\n", "silenced"),
        ("src/add.test.ts", "it('adds'", "it.skip('adds'", "a test is left out"),
        ("src/add.test.ts", "it('adds'", "xit('adds'", "a test is left out"),
        ("src/add.test.ts", "it('adds'", "it.only('adds'", "all other tests are left out"),
        ("src/add.test.ts", "it('adds'", "it.todo('adds'", "a test is left out"),
        ("src/add.test.ts", "    expect(add(1, 2)).toBe(3)\n", "", "an assertion was removed"),
        ("src/add.test.ts", "    expect(add(1, 2)).toBe(3)\n", "    // expect(add(1, 2)).toBe(3)\n", "was removed"),
        ("src/add.test.ts", ".toBe(3)", ".toBeDefined()", "says less"),
        ("src/add.test.ts", ".toBe(3)", ".toBe(4)", "expected value"),
        ("src/add.test.ts", "expect(add(1, 2)).toBe(3)", "expect(true).toBe(true)", "always holds"),
        ("src/add.test.ts", "'Add' })).to", "'Add' })).not.to", "expected value"),
        ("src/lib.rs", "#[test]", "#[test]\n    #[ignore]", "a test is left out"),
        ("src/lib.rs", "    #[test]\n", "", "1 test is gone"),
        ("src/lib.rs", "3);", "4);", "expected value"),
        ("src/lib.rs", "assert_eq!(super::add(1, 2), 3);", "assert!(true);", "always holds"),
        ("src/lib.rs", "pub fn add", "#[allow(dead_code)]\npub fn add", "silenced"),
        ("src/test/java/AddTest.java", "@Test", "@Disabled @Test", "a test is left out"),
        ("src/test/java/AddTest.java", "@Test", "", "1 test is gone"),
        ("src/test/java/AddTest.java", ".andExpect(status().isOk())", "", "an assertion was removed"),
        ("src/test/java/AddTest.java", "assertEquals(3,", "assertEquals(4,", "expected value"),
        ("tests/AddTests.cs", "    [InlineData(2)]\n", "", "1 test is gone"),
        ("tests/AddTests.cs", "[Theory]", '[Theory(Skip = "flaky")]', "a test is left out"),
        ("tests/AddTests.cs", "Assert.Equal(value + 1, Add(value, 1))", "Assert.NotNull(value)", "says less"),
    ],
)
def test_a_weaker_test_is_told_with_its_place(path: str, old: str, new: str, told: str) -> None:
    found = _change(path, old, new)

    assert any(told in sentence for sentence in found), found
    assert all(sentence.startswith(path) for sentence in found)


def test_a_deleted_test_file_is_told() -> None:
    assert weakened({"tests/test_add.py": _PY}, {"tests/test_add.py": None})[0] == "tests/test_add.py: 4 tests are gone"


def test_a_snapshot_that_was_rewritten_is_told() -> None:
    path = "src/__snapshots__/a.snap"
    assert weakened({path: "old"}, {path: "new"}) == [f"{path}: a snapshot was changed"]


_PYPROJECT = """[project]
name = "app"
dependencies = ["fastapi>=0.1"]

[tool.pytest.ini_options]
addopts = "--cov=app --cov-fail-under=90"

[tool.mypy]
strict = true

[tool.ruff.lint]
ignore = ["D100"]
"""
_PACKAGE = """{
  "name": "app",
  "scripts": {"dev": "vite", "test": "vitest run", "lint": "eslint ."},
  "dependencies": {"react": "^19.0.0"}
}
"""
_POM = """<project>
  <properties><java.version>17</java.version></properties>
  <dependencies></dependencies>
  <minimum>0.80</minimum>
</project>
"""


@pytest.mark.parametrize(
    ("path", "text", "old", "new"),
    [
        ("pyproject.toml", _PYPROJECT, "fail-under=90", "fail-under=50"),
        ("pyproject.toml", _PYPROJECT, "--cov-fail-under=90", ""),
        ("pyproject.toml", _PYPROJECT, "strict = true", "strict = false"),
        ("pyproject.toml", _PYPROJECT, "strict = true\n", ""),
        ("pyproject.toml", _PYPROJECT, '["D100"]', '["D100", "E501"]'),
        ("pyproject.toml", _PYPROJECT, "strict = true", "strict = true\nignore_missing_imports = true"),
        ("pyproject.toml", _PYPROJECT, '"--cov=app', '"--ignore=tests/test_a.py --cov=app'),
        ("package.json", _PACKAGE, "vitest run", "vitest run --passWithNoTests"),
        ("package.json", _PACKAGE, "vitest run", "exit 0"),
        ("package.json", _PACKAGE, "eslint .", "eslint . || true"),
        ("package.json", _PACKAGE, ', "lint": "eslint ."', ""),
        ("pom.xml", _POM, "0.80", "0.10"),
        ("pom.xml", _POM, "</properties>", "<skipTests>true</skipTests></properties>"),
        ("tsconfig.json", '{"compilerOptions": {"strict": true}}', "true", "false"),
        ("eslint.config.js", "export default [{rules: {'no-undef': 'error'}}]", "'error'", "'off'"),
        ("angular.json", '{"maximumError": "1MB"}', "1MB", "5MB"),
        ("src/app.ts", "const a: number = x\n", "const", "// @ts-ignore\nconst"),
        ("src/app.py", "import os\n", "import os", "import os  # type: ignore"),
        ("App.csproj", "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", "true", "false"),
        (".github/workflows/ci.yml", "run: pytest\n", "pytest", "pytest || true"),
    ],
)
def test_a_lowered_gate_is_told(path: str, text: str, old: str, new: str) -> None:
    assert _change(path, old, new, text)


@pytest.mark.parametrize(
    ("path", "text", "old", "new"),
    [
        ("pyproject.toml", _PYPROJECT, '["fastapi>=0.1"]', '["fastapi>=0.2", "httpx>=0.28,<1"]'),
        ("pyproject.toml", "[tool.coverage.report]\nfail_under = 90\n", "90", "95"),
        ("package.json", _PACKAGE, '"^19.0.0"', '"^19.1.0", "zod": "^4.0.0"'),
        ("package.json", _PACKAGE, '"dev": "vite"', '"dev": "vite --port 4000"'),
        ("pom.xml", _POM, "<dependencies>", "<dependencies><dependency><groupId>a</groupId></dependency>"),
        ("tsconfig.json", '{"compilerOptions": {"strict": true}}', "}}", ', "types": ["node"]}}'),
        ("src/app.ts", "const a = 1\n", "1", "2"),
        ("src/app.py", "assert x\n", "assert x\n", "if not x:\n    raise ValueError\n"),
        ("tests/test_add.py", _PY, "import pytest\n", "import os\n\nimport pytest\n"),
        ("tests/test_add.py", _PY, "[1, 2, 3]", "[1, 2, 3, 4]"),
        (
            "tests/test_add.py",
            _PY,
            "assert add(value, 1) == value + 1",
            "assert (\n        add(value, 1)\n        == value + 1\n    )",
        ),
        ("src/add.test.ts", _TS, "'adds'", '"adds"'),
        ("src/add.test.ts", _TS, "expect(add(1, 2)).toBe(3)", "expect(\n      add(1, 2),\n    ).toBe(3);"),
        ("src/add.test.ts", _TS, "name: 'Add'", 'name: "Add"'),
        ("src/lib.rs", _RUST, "a + b", "b + a"),
        (
            "src/lib.rs",
            _RUST,
            "assert_eq!(super::add(1, 2), 3);",
            "assert_eq!(\n            super::add(1, 2),\n            3\n        );",
        ),
        (
            "src/test/java/AddTest.java",
            _JAVA,
            "assertEquals(3, add(1, 2));",
            "assertEquals(\n            3, add(1, 2));",
        ),
    ],
)
def test_an_honest_fix_is_no_alarm(path: str, text: str, old: str, new: str) -> None:
    assert _change(path, old, new, text) == []


def test_a_test_may_move_to_another_file() -> None:
    head, _, moved = _PY.partition("def test_raises")
    before = {"tests/test_add.py": _PY, "tests/test_raises.py": None}
    after = {"tests/test_add.py": head, "tests/test_raises.py": f"import pytest\n\n\ndef test_raises{moved}"}
    assert weakened(before, after) == []


def test_a_configuration_that_was_broken_is_restored() -> None:
    assert weakened({"package.json": _PACKAGE[:40]}, {"package.json": _PACKAGE.replace("run", "run || true")}) == []
    assert weakened({"pyproject.toml": None}, {"pyproject.toml": _PYPROJECT}) == []


def test_formatting_python_is_no_alarm(tmp_path: Path) -> None:
    place = tmp_path / "test_add.py"
    place.write_text(_PY.replace('"value"', "'value'").replace("(value, 1)", "( value,1 )"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", str(place)], check=True, capture_output=True)
    assert weakened({"tests/test_add.py": _PY}, {"tests/test_add.py": place.read_text(encoding="utf-8")}) == []


@given(st.text(max_size=300), st.sampled_from([*_FILES, "package.json", "pyproject.toml", "pom.xml", "x.config.ts"]))
def test_nothing_raises_and_the_same_is_no_weaker(text: str, path: str) -> None:
    assert weakened({path: text}, {path: text}) == []
    weakened({path: text}, {path: _FILES.get(path, "")})
    weakened({path: _FILES.get(path, "")}, {path: text})


def test_a_long_file_takes_no_long_time() -> None:
    text = "it('a', () => { expect(f(1)).toBe(2) })\n" * 5000 + "(" * 20000
    assert weakened({"a.test.ts": text}, {"a.test.ts": text}) == []
