"""The scaffold station: what it renders, what it refuses, and what it leaves alone."""

from __future__ import annotations

import json
import os
import signal
import string
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mityflow_stations.scaffold import Scaffold
from stationkit import PROJECT, context, declare_built_ins, execute, tree, write_stack

from mityflow.errors import UsageError
from mityflow.settings import check_settings
from mityflow.stacks import fill
from mityflow.station import Artifact, StationResult


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def scaffold(
    workspace: Path, app_name: str | None = "my-app", stack: str | None = "small", /, **values: Any
) -> StationResult:
    return execute(Scaffold(), context(Scaffold(), workspace, app_name, stack, **values))


def scaffolded(workspace: Path, files: Mapping[str, str | bytes], extra: str = "", **values: Any) -> dict[str, bytes]:
    """The application that a stack with these template files makes."""
    write_stack(workspace, "small", files, extra)
    result = scaffold(workspace, **values)
    assert result.success, result.message
    return tree(workspace / "my-app")


def refused(workspace: Path, files: Mapping[str, str | bytes], extra: str = "", **values: Any) -> str:
    """Why a stack with these template files makes nothing."""
    write_stack(workspace, "small", files, extra)
    before = _without_own(tree(workspace))
    result = scaffold(workspace, **values)
    assert result.status == "failed"
    assert _without_own(tree(workspace)) == before
    return result.message


def _without_own(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if not path.startswith(".mity/")}


# Rendering


def test_names_and_contents_are_rendered(tmp_path: Path) -> None:
    files = {
        "src/{{app_name_snake}}/{{ app_name_pascal }}.txt": "{{ app_name }} of {{ stack }}\n",
        "README.md": "# {{ app_name_title }}\n",
        "plain": "no placeholder",
        "empty": "",
    }

    assert scaffolded(tmp_path, files) == {
        "README.md": b"# My App\n",
        "empty": b"",
        "plain": b"no placeholder",
        "src/my_app/MyApp.txt": b"my-app of small\n",
    }


def test_the_result_lists_the_files_and_names_the_application(tmp_path: Path) -> None:
    write_stack(tmp_path, "small", {"b": "b", "a/{{ app_name }}": "a"})

    result = scaffold(tmp_path)

    assert result.outputs == {"scaffolded_files": ["a/my-app", "b"]}
    assert result.artifacts == (Artifact("application", "my-app", "made from small"),)
    assert result.message == "wrote 2 files to my-app from small"


def test_expressions_are_jinja(tmp_path: Path) -> None:
    text = "{% for part in app_name.split('-') %}\n{{ loop.index }} {{ part | upper }}\n{% endfor %}\n{# no #}end\n"

    assert scaffolded(tmp_path, {"a": text}) == {"a": b"\n1 MY\n\n2 APP\n\nend\n"}


def test_bytes_that_are_no_text_are_copied(tmp_path: Path) -> None:
    image = bytes(range(256)) + b"{{ app_name }}"
    latin = "caf\xe9 {{ app_name }}".encode("latin-1")
    wide = "{{ app_name }}".encode("utf-16-le")

    assert scaffolded(tmp_path, {"i.png": image, "l": latin, "w": wide}) == {"i.png": image, "l": latin, "w": wide}


def test_files_can_be_left_unrendered_by_pattern(tmp_path: Path) -> None:
    extra = 'copy_without_rendering: ["*.vue", "ci/*"]\n'
    files = {"src/{{ app_name }}.vue": "{{ message }}", "ci/a/b.yml": "{% x", "c": "{{ app_name }}"}

    assert scaffolded(tmp_path, files, extra) == {
        "ci/a/b.yml": b"{% x",
        "c": b"my-app",
        "src/my-app.vue": b"{{ message }}",
    }


def test_line_ends_and_byte_order_marks_stay_as_they_are(tmp_path: Path) -> None:
    files = {
        "dos": b"{{ app_name | upper }}\r\nx\r\n",
        "plain-dos": b"{{ app_name }}\r\nx",
        "bom": "\ufeff{{ app_name }}".encode(),
        "none": b"{{ app_name | upper }}",
    }

    assert scaffolded(tmp_path, files) == {
        "dos": b"MY-APP\r\nx\r\n",
        "plain-dos": b"my-app\r\nx",
        "bom": "\ufeffmy-app".encode(),
        "none": b"MY-APP",
    }


def test_the_executable_bit_is_kept(tmp_path: Path) -> None:
    folder = write_stack(tmp_path, "small", {"run.sh": "#!/bin/sh\n", "text": "x"})
    (folder / "template" / "run.sh").chmod(0o700)

    assert scaffold(tmp_path).success

    assert os.access(tmp_path / "my-app" / "run.sh", os.X_OK)
    assert not (tmp_path / "my-app" / "text").stat().st_mode & 0o111


def test_what_python_and_file_managers_leave_behind_is_no_template(tmp_path: Path) -> None:
    files = {
        "a": "a",
        "__pycache__/a.cpython-311.pyc": b"\0",
        "b/__pycache__/c": "c",
        "d.pyc": b"\0",
        ".DS_Store": b"\0",
    }

    assert scaffolded(tmp_path, files) == {"a": b"a"}


_VARIABLES = "variables: {title: {type: string, default: none}, tags: {type: array, default: []}}\n"


def test_variables_reach_the_template_as_data(tmp_path: Path) -> None:
    values = {"title": 'a "b" {{ app_name }} {% x', "tags": ["{{ y }}"]}
    files = {"a": "{{ title }}", "b.json": "{{ title_json }}", "c": "{% for t in tags %}{{ t }}{% endfor %}"}

    made = scaffolded(tmp_path, files, _VARIABLES, variables=values)

    assert made["a"] == b'a "b" {{ app_name }} {% x'
    assert json.loads(made["b.json"]) == values["title"]
    assert made["c"] == b"{{ y }}"


_GROUP = "variables: {group: {type: string, default: com.example}}\n"


def test_a_dotted_value_becomes_folders_in_a_path(tmp_path: Path) -> None:
    files = {"src/{{ group_folders }}/{{ app_name_flat }}/a": "{{ group }}"}

    assert scaffolded(tmp_path, files, _GROUP) == {"src/com/example/myapp/a": b"com.example"}


@pytest.mark.parametrize("group", ["a..b", ".a", "a/../b", "a.git.b/.git", "con.a"])
def test_folders_of_a_value_are_checked_one_by_one(tmp_path: Path, group: str) -> None:
    write_stack(tmp_path, "small", {"{{ group_folders }}/a": "a"}, _GROUP)

    result = scaffold(tmp_path, variables={"group": group})

    assert not result.success
    assert "becomes a name that" in result.message
    assert not (tmp_path / "my-app").exists()


def test_a_wrong_variable_ends_it_before_anything_is_written(tmp_path: Path) -> None:
    write_stack(tmp_path, "small", {"a": "a"}, _VARIABLES)

    with pytest.raises(UsageError, match="did you mean 'title'"):
        scaffold(tmp_path, variables={"titel": "x"})

    assert not (tmp_path / "my-app").exists()


_PLAIN = st.text(st.sampled_from("{}%#ab _\n-|'\"") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_PIECE = _PLAIN | st.sampled_from(["{{ a }}", "{{b}}", "{{ long_name }}", "{{  a}}"])


@given(st.lists(_PIECE, max_size=8).map("".join))
def test_filling_names_directly_gives_what_jinja_gives(text: str) -> None:
    from jinja2 import Environment, StrictUndefined

    values = {"a": "1", "b": "{{ a }}", "long_name": ""}
    filled = fill(text, values)

    if filled is not None:
        environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
        assert filled == environment.from_string(text).render(values)


# What a template must not do


def test_every_fault_of_a_template_is_told_with_its_line(tmp_path: Path) -> None:
    files = {
        "a.txt": "one\n{{ unknown }}\n",
        "b.txt": "one\ntwo\n{% if %}\n",
        "c.txt": "\n\n{{ 1 / 0 }}",
        "d.txt": "one\n{% raw %}\n{{ left }}{% endraw %}",
        "e.txt": "{{ ''.__class__.__mro__ }}",
        "{{ nothing }}.txt": "",
    }

    message = refused(tmp_path, files)

    for part in ("a.txt:2:", "'unknown' is undefined", "b.txt:3:", "c.txt:3: division", "d.txt:3:", "{{ left }}",
                 "e.txt:1:", "unsafe", "{{ nothing }}.txt:1:"):  # fmt: skip
        assert part in message


def test_left_over_braces_can_be_allowed_by_pattern(tmp_path: Path) -> None:
    files = {"ci.yml": "{{ app_name }} ${{ '{{' }} matrix }}"}

    assert scaffolded(tmp_path, files, 'literal_braces: ["*.yml"]\n') == {"ci.yml": b"my-app ${{ matrix }}"}


@pytest.mark.parametrize(
    "name",
    ["../out", "a/../b", "/tmp/out", "a\\b", ".git", ".GIT", ".mity", "nul\0", "CON", "aux.txt", "c:x", "dot.", "end ",
     "", ".", "a\nb", "x" * 256, "git~1"],
)  # fmt: skip
def test_a_rendered_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    extra = f"variables: {{name: {{type: string, default: {json.dumps(name)}}}}}\n"

    assert "becomes a name that" in refused(tmp_path, {"{{ name }}": "x"}, extra)
    assert "becomes a name that" in refused(tmp_path, {"deep/{{ name }}/x": "x"}, extra)


@pytest.mark.parametrize("name", [".gitignore", ".github", "console", "git", "ab:c", "x" * 255, "..."[:2] + "a", "é"])
def test_a_name_that_only_looks_odd_is_fine(tmp_path: Path, name: str) -> None:
    extra = f"variables: {{name: {{type: string, default: {json.dumps(name)}}}}}\n"

    assert scaffolded(tmp_path, {"{{ name }}": "x"}, extra) == {name: b"x"}


def test_two_files_of_one_path_are_refused(tmp_path: Path) -> None:
    files = {"{{ app_name }}.txt": "", "my-app.txt": "", "a/B": "", "A/b": "", "c": "", "{{ 'c' }}/d": ""}

    message = refused(tmp_path, files)

    assert "two files become my-app.txt" in message
    assert "(or A/b)" in message
    assert "c becomes both a file and a folder" in message


def test_a_link_or_pipe_in_a_template_is_refused(tmp_path: Path) -> None:
    folder = write_stack(tmp_path, "small", {"a": "a"})
    (folder / "template" / "secret").symlink_to("/etc/passwd")
    (folder / "template" / "dir").symlink_to("/etc")
    os.mkfifo(folder / "template" / "pipe")

    message = refused(tmp_path, {})

    assert "secret is a link" in message
    assert "dir is a link" in message
    assert "pipe is neither a file nor a folder" in message


def test_an_empty_template_is_a_failure(tmp_path: Path) -> None:
    assert "has no files" in refused(tmp_path, {})


# What it is given


@pytest.mark.parametrize("app_name", ["My-App", "1app", "a" * 40, "a_b", "-a", "é", "a b"])
def test_a_name_that_would_not_do_everywhere_is_refused(tmp_path: Path, app_name: str) -> None:
    write_stack(tmp_path, "small", {"a": "a"})

    assert "must be a lower-case letter" in scaffold(tmp_path, app_name).message
    assert not (tmp_path / app_name).exists()


def test_a_missing_name_or_stack_says_what_to_do(tmp_path: Path) -> None:
    assert scaffold(tmp_path, None).message == "there is no app_name; give it as the input 'app_name'"
    assert scaffold(tmp_path, "my-app", None).message == "there is no stack; give it as the input 'stack'"


def test_the_settings_can_name_another_stack(tmp_path: Path) -> None:
    write_stack(tmp_path, "other", {"o": "o"})

    assert scaffold(tmp_path, "my-app", None, stack="other").outputs["scaffolded_files"] == ["o"]


def test_an_unknown_stack_is_no_other_stack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown stack 'rust-ap'"):
        scaffold(tmp_path, "my-app", "rust-ap")


# What is there already


def _files() -> dict[str, str]:
    return {"a": "a1", "b/c": "c1", "b/d": "d1"}


def test_running_it_again_writes_nothing(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}

    result = scaffold(tmp_path)

    assert result.outputs["scaffolded_files"] == ["a", "b/c", "b/d"]
    assert result.message == "wrote 0 files to my-app from small, 3 were there already"
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_files_of_an_older_template_are_brought_up_to_date(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    (tmp_path / "my-app" / "mine").write_text("mine", encoding="utf-8")

    made = scaffolded(tmp_path, {"a": "a2", "b/c": "c1", "b/e": "e2"})

    assert made == {"a": b"a2", "b/c": b"c1", "b/d": b"d1", "b/e": b"e2", "mine": b"mine"}


def test_a_file_that_was_deleted_comes_back(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    (tmp_path / "my-app" / "b" / "c").unlink()

    assert scaffolded(tmp_path, {}) == {"a": b"a1", "b/c": b"c1", "b/d": b"d1"}


def test_a_folder_with_other_files_gets_the_applications_beside_them(tmp_path: Path) -> None:
    (tmp_path / "my-app" / "b").mkdir(parents=True)
    (tmp_path / "my-app" / "b" / "notes").write_text("mine", encoding="utf-8")

    assert scaffolded(tmp_path, {"a": "a", "b/c": "c"}) == {"a": b"a", "b/c": b"c", "b/notes": b"mine"}


def test_a_folder_with_the_very_same_files_is_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "a").write_text("a1", encoding="utf-8")

    assert scaffolded(tmp_path, {"a": "a1"}) == {"a": b"a1"}
    assert scaffolded(tmp_path, {"a": "a2"}) == {"a": b"a2"}


def test_what_somebody_changed_or_wrote_is_a_conflict(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    app = tmp_path / "my-app"
    (app / "a").write_text("my change", encoding="utf-8")
    (app / "new").write_text("mine", encoding="utf-8")
    (app / "b" / "d").unlink()
    (app / "b" / "d").mkdir()

    message = refused(tmp_path, {**_files(), "a": "a2", "b/c": "c2", "new": "new"})

    for part in ("3 conflicts in my-app; nothing was written", "a was changed since scaffold wrote it",
                 "b/d is a folder", "new was not written by scaffold", "conflict: keep"):  # fmt: skip
        assert part in message


def test_a_long_list_of_conflicts_is_cut(tmp_path: Path) -> None:
    (tmp_path / "my-app").mkdir()
    for number in range(30):
        (tmp_path / "my-app" / str(number)).write_text("mine", encoding="utf-8")

    message = refused(tmp_path, {str(number): "new" for number in range(30)})

    assert "30 conflicts" in message
    assert "and 10 more" in message


def test_keep_leaves_what_somebody_wrote_and_writes_the_rest(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    app = tmp_path / "my-app"
    (app / "a").write_text("mine", encoding="utf-8")
    write_stack(tmp_path, "small", {"a": "a2", "b/c": "c2"})
    (tmp_path / "templates" / "small" / "template" / "b" / "d").unlink()

    result = scaffold(tmp_path, conflict="keep")

    assert result.outputs == {"scaffolded_files": ["b/c"]}
    assert result.message == "wrote 1 file to my-app from small; left alone:\n  a"
    assert tree(app) == {"a": b"mine", "b/c": b"c2", "b/d": b"d1"}
    assert "a was changed" in scaffold(tmp_path).message


def test_overwrite_moves_the_whole_old_folder_aside(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    (tmp_path / "my-app" / "a").write_text("mine", encoding="utf-8")
    before = tree(tmp_path / "my-app")

    result = scaffold(tmp_path, conflict="overwrite")

    kept = Path(result.outputs["kept_path"])
    assert kept.parent == tmp_path / ".mity" / "kept"
    assert tree(kept) == before
    assert tree(tmp_path / "my-app") == {"a": b"a1", "b/c": b"c1", "b/d": b"d1"}


def test_overwriting_twice_keeps_both_old_folders(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    kept = []
    for number in range(3):
        (tmp_path / "my-app" / "a").write_text(f"mine {number}", encoding="utf-8")
        kept.append(Path(scaffold(tmp_path, conflict="overwrite").outputs["kept_path"]))

    assert [(path / "a").read_text(encoding="utf-8") for path in kept] == ["mine 0", "mine 1", "mine 2"]


def test_overwrite_without_a_conflict_moves_nothing(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())

    assert "kept_path" not in scaffold(tmp_path, conflict="overwrite").outputs
    assert not (tmp_path / ".mity" / "kept").exists()


def test_an_application_of_another_stack_is_a_conflict(tmp_path: Path) -> None:
    scaffolded(tmp_path, _files())
    write_stack(tmp_path, "other", {"z": "z"})

    result = scaffold(tmp_path, "my-app", "other")

    assert "was made from the stack 'small'" in result.message
    assert not (tmp_path / "my-app" / "z").exists()


@pytest.mark.parametrize("conflict", ["fail", "keep", "overwrite"])
def test_a_link_in_place_of_the_application_is_never_followed(tmp_path: Path, conflict: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "my-app").symlink_to(outside)

    assert "is a link" in refused(tmp_path, {"a": "a"}, conflict=conflict)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("conflict", ["fail", "keep"])
@pytest.mark.parametrize("target", ["outside", "missing"])
def test_a_link_on_the_way_is_never_followed(tmp_path: Path, conflict: str, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "b").symlink_to(tmp_path / target)

    assert "b is a link" in refused(tmp_path, {"a": "a", "b/c/d": "d"}, conflict=conflict)
    assert list(outside.iterdir()) == []


def test_overwrite_takes_a_link_on_the_way_aside_without_following_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "b").symlink_to(outside)

    assert scaffolded(tmp_path, {"b/c": "c"}, conflict="overwrite") == {"b/c": b"c"}
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_stays_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine", encoding="utf-8")
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "a").symlink_to(outside)

    assert "a is a link" in refused(tmp_path, {"a": "mine", "b": "b"})
    assert scaffolded(tmp_path, {}, conflict="keep")["a"].startswith(b"-> ")
    assert outside.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("conflict", ["fail", "keep"])
def test_a_file_in_place_of_the_application_stays(tmp_path: Path, conflict: str) -> None:
    (tmp_path / "my-app").write_text("mine", encoding="utf-8")

    assert "is no folder" in refused(tmp_path, {"a": "a"}, conflict=conflict)


@pytest.mark.parametrize("place", [".mity", ".mity/scaffold", ".mity/kept"])
def test_a_link_in_place_of_mityflows_own_folder_is_refused(tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).symlink_to(outside)

    assert "must be a folder of mityflow's own" in refused(tmp_path, {"a": "a"})
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[]", b'{"stack": 1}', b'{"stack": "small", "files": {"a": 3}}', b"\xff"]
)
def test_a_damaged_record_makes_everything_somebody_elses(tmp_path: Path, record: bytes) -> None:
    scaffolded(tmp_path, {"a": "a1"})
    (tmp_path / ".mity" / "scaffold" / "my-app.json").write_bytes(record)

    assert "a was not written by scaffold" in refused(tmp_path, {"a": "a2"})
    assert scaffolded(tmp_path, {"a": "a1"}) == {"a": b"a1"}


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffolded(tmp_path, {"a": "a1"})
    real, count = os.write, [0]

    def full(descriptor: int, data: bytes) -> int:
        count[0] += 1
        if count[0] == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    write_stack(tmp_path, "small", {"a": "a2", "b": "b2", "c": "c2"})
    monkeypatch.setattr(os, "write", full)
    result = scaffold(tmp_path)
    monkeypatch.undo()

    assert "No space left on device" in result.message
    assert tree(tmp_path / "my-app") == {"a": b"a1"}
    assert not (tmp_path / ".mity" / "scaffold" / "my-app.new").exists()


# Being killed


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{project!r}, {stations!r}, {tests!r}]
at = int(sys.argv[2])
calls = 0
def dying(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
from stationkit import context, execute
from mityflow_stations.scaffold import Scaffold
import mityflow_stations._placing
where = context(Scaffold(), Path(sys.argv[1]), "my-app", "small", **({{"conflict": sys.argv[3]}}))
for name in ("write", "rename", "replace", "mkdir", "rmdir"):
    setattr(os, name, dying(getattr(os, name)))
result = execute(Scaffold(), where)
print(result.status)
"""


def _killed_at(workspace: Path, moment: int, conflict: str) -> bool:
    """Whether a scaffold that dies at its n-th change of the disk came that far."""
    paths = {"project": str(PROJECT), "stations": str(PROJECT / "stations"), "tests": str(PROJECT / "tests")}
    code = textwrap.dedent(_KILLED).format(**paths)
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace), str(moment), conflict], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fresh", "update", "overwrite"])
def test_after_a_kill_at_any_moment_running_it_again_completes_it(tmp_path: Path, start: str) -> None:
    conflict = "overwrite" if start == "overwrite" else "fail"
    for moment in range(1, 60):
        workspace = tmp_path / str(moment)
        if start != "fresh":
            scaffolded(workspace, {"a": "a1", "b/c": "c1", "b/d": "d1"})
        if start == "overwrite":
            (workspace / "my-app" / "a").write_text("mine", encoding="utf-8")
        write_stack(workspace, "small", {"a": "a2", "b/c": "c2", "b/d": "d2"})
        killed = _killed_at(workspace, moment, conflict)
        if start == "fresh" and killed and (workspace / "my-app").exists():
            assert len(tree(workspace / "my-app")) == 3

        result = scaffold(workspace, conflict=conflict)

        assert result.success, (moment, result.message)
        assert tree(workspace / "my-app") == {"a": b"a2", "b/c": b"c2", "b/d": b"d2"}
        assert not (workspace / ".mity" / "scaffold" / "my-app.new").exists()
        if start == "overwrite":
            kept = [tree(folder)["a"] for folder in (workspace / ".mity" / "kept").iterdir()]
            assert b"mine" in kept
        if not killed:
            break
    else:
        pytest.fail("it never ran to its end")


# The built-in stack


@pytest.mark.parametrize(
    "app_name", ["a", "a" * 39, "my--app-", "class", "json", "test", "fastapi", "pip", "con", "a-1"]
)
def test_the_python_stack_renders_for_any_name(tmp_path: Path, app_name: str) -> None:
    import tomllib

    workspace = tmp_path / "mit Leer und Ümläut"
    workspace.mkdir()

    result = scaffold(workspace, app_name, "python-fastapi")

    assert result.success, result.message
    app = workspace / app_name
    project = tomllib.loads((app / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [package] = [path.name for path in (app / "src").iterdir()]
    assert package.isidentifier()
    assert project["name"] == package.replace("_", "-")
    assert set(app_name.strip("-")) - set("-") <= set(string.ascii_lowercase + string.digits)
    for place in app.rglob("*.py"):
        compile(place.read_text(encoding="utf-8"), str(place), "exec")


def test_no_placeholder_is_left_in_the_python_stack(tmp_path: Path) -> None:
    scaffold(tmp_path, "my-app", "python-fastapi")

    left = [p for p, data in tree(tmp_path / "my-app").items() if b"{{" in data or b"{%" in data]

    assert left == [".github/workflows/ci.yml"]


# Its settings


@pytest.mark.parametrize(
    "values", [{"conflict": "merge"}, {"variables": ["a"]}, {"stack": 3}, {"conflcit": "keep"}, {"stack": None, "x": 1}]
)
def test_wrong_settings_are_faults(values: dict[str, Any]) -> None:
    assert check_settings(Scaffold(), values)


@pytest.mark.parametrize("values", [{}, {"conflict": "keep", "variables": {"a": [1]}, "stack": "small"}])
def test_right_settings_are_none(values: dict[str, Any]) -> None:
    assert check_settings(Scaffold(), values) == []
