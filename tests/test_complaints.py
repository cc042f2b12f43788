"""What linters, type checkers and formatters print, as complaints with places: recorded outputs of real tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mityflow_stations._complaints import complaints

OUTPUTS = Path(__file__).parent / "outputs"
SEEN = {
    "frontend-vue/lint-vue-rules.txt": [
        ("/builds/acme/shop/src/HomePage.vue", 38, 5, "vue/require-v-for-key"),
        ("/builds/acme/shop/src/HomePage.vue", 38, 31, "vue/no-use-v-if-with-v-for"),
    ],
    "frontend-react/hooks-rule-broken.txt": [
        ("/home/dev/hr-portal/src/App.tsx", 43, 5, "react-hooks/rules-of-hooks"),
    ],
    "apart/rust-api/clippy-denies.txt": [("src/health.rs", 29, 8, ""), ("src/health.rs", 33, 19, "")],
    "rust-api/clippy.txt": [("src/routes.rs", 2, 5, "")],
    "rust-api/fmt.txt": [
        ("/home/dev/parcel-hub/src/lib.rs", 1, 0, "format"),
        ("/home/dev/parcel-hub/src/routes.rs", 1, 0, "format"),
        ("/home/dev/parcel-hub/src/main.rs", 1, 0, "format"),
    ],
    "more/python-fastapi/mypy-own-missing.txt": [("hr/extra.py", 1, 0, "import-not-found")],
    "python-fastapi/ruff.txt": [
        ("hr/main.py", 1, 1, "I001"),
        ("hr/main.py", 3, 23, "F401"),
        ("hr/models.py", 1, 1, "I001"),
        ("hr/models.py", 1, 8, "F401"),
    ],
    "python-fastapi/ruff-format.txt": [("hr/models.py", 1, 14, "unformatted")],
    "frontend-vue/pinia-not-installed.txt": [("src/main.ts", 1, 29, "TS2307")],
    "frontend-vue/types-in-japanese.txt": [("src/items.ts", 21, 24, "TS2322"), ("src/items.ts", 22, 11, "TS2551")],
    "java-springboot/spotless.txt": [("src/main/java/com/example/clinic/Extra.java", 0, 0, "format")],
    "python-fastapi/ruff-rule.txt": [],
}


@pytest.mark.parametrize("name", SEEN)
def test_the_complaints_of_real_tools_are_read_with_their_places(name: str) -> None:
    found = complaints((OUTPUTS / name).read_text(encoding="utf-8", errors="replace"))
    assert [(c.path, c.line, c.column, c.rule) for c in found] == SEEN[name]
    assert all(c.severe and c.message and "\x1b" not in c.message for c in found)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("src/App.tsx\n  1:2  warning  Unused  no-unused\n", ("src/App.tsx", 1, 2, "no-unused", "Unused", False)),
        ("a.py:3:7: F401 [*] `os` imported\n", ("a.py", 3, 7, "F401", "`os` imported", True)),
        ("src/a.ts:1:2 - error TS2322: No.\n", ("src/a.ts", 1, 2, "TS2322", "No.", True)),
        ("Would reformat: a.py\n", ("a.py", 0, 0, "format", "it is not formatted", True)),
        ("[warn] src/a.ts\n[warn] Code style issues found in the above file.\n", ("src/a.ts", 0, 0, "format", "it is not formatted", True)),
        ("error[E0308]: mismatched types\n --> src/a.rs:4:5\n", ("src/a.rs", 4, 5, "E0308", "mismatched types", True)),
        ("warning: unused\n --> src/a.rs:4:5\nnote: here\n --> src/b.rs:1:1\n", ("src/a.rs", 4, 5, "", "unused", False)),
    ],
)  # fmt: skip
def test_other_forms_are_read_too(printed: str, expected: tuple[object, ...]) -> None:
    assert [tuple(c) for c in complaints(printed)] == [expected]


def test_notes_and_other_lines_are_no_complaints() -> None:
    assert complaints("a.py:1: note: see there\nFound 1 error in 1 file\n12:30:01 started\nhttp://a.b:80/x.py\n") == []


def test_there_is_an_end() -> None:
    assert len(complaints("".join(f"a.py:{n}: error: x\n" for n in range(5000)))) == 200
    assert complaints("a" * 1_000_000 + ".py:1: " + "-" * 1_000_000) == []


@given(st.text(alphabet="abE1: \n->[](),.py\\'\"", max_size=300))
def test_anything_may_be_printed(printed: str) -> None:
    assert all(c.path and c.line >= 0 for c in complaints(printed))
