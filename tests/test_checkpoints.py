"""Checkpoints: the files as they were come back, and nothing of the user's own is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from stationkit import tree

from mityflow.healing.case import NotAllowedError
from mityflow.healing.checkpoints import CheckpointError, Checkpoints


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "my app"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_bytes(b"one\r\ntwo\n")
    (folder / "src" / 'ü "x".py').write_text("x = 1\n", encoding="utf-8")
    (folder / ".gitignore").write_text("build/\n.env\n", encoding="utf-8")
    (folder / ".gitattributes").write_text("* text=auto\n*.py filter=evil\n", encoding="utf-8")
    for made in ("build", "node_modules"):
        (folder / made).mkdir()
        (folder / made / "out").write_text("made", encoding="utf-8")
    (folder / ".env").write_text("TOKEN=secret\n", encoding="utf-8")
    return folder


@pytest.fixture
def checkpoints(app: Path, tmp_path: Path) -> Checkpoints:
    return Checkpoints(app, tmp_path / ".mity" / "checkpoints" / "app.git")


def test_everything_comes_back_as_it_was(app: Path, checkpoints: Checkpoints) -> None:
    before = tree(app)
    name = checkpoints.take()
    (app / "src" / "main.py").write_bytes(b"changed")
    (app / "src" / 'ü "x".py').unlink()
    (app / "new" / "deep").mkdir(parents=True)
    (app / "new" / "deep" / "file").write_text("new", encoding="utf-8")
    (app / ".gitignore").write_text("src/\n", encoding="utf-8")

    checkpoints.restore(name)

    assert tree(app) == before
    assert checkpoints.take() == name


def test_modes_and_links_come_back(app: Path, checkpoints: Checkpoints) -> None:
    script = app / "run.sh"
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    script.chmod(0o755)
    (app / "link").symlink_to("src/main.py")
    name = checkpoints.take()
    script.chmod(0o644)
    (app / "link").unlink()
    (app / "link").write_text("a file", encoding="utf-8")

    checkpoints.restore(name)

    assert script.stat().st_mode & 0o111
    assert os.readlink(app / "link") == "src/main.py"


def test_a_folder_that_became_a_file_comes_back(app: Path, checkpoints: Checkpoints) -> None:
    name = checkpoints.take()
    for path in (app / "src").iterdir():
        path.unlink()
    (app / "src").rmdir()
    (app / "src").write_text("a file", encoding="utf-8")

    checkpoints.restore(name)

    assert (app / "src" / "main.py").read_bytes() == b"one\r\ntwo\n"


def test_what_is_ignored_is_neither_kept_nor_put_back(app: Path, checkpoints: Checkpoints) -> None:
    name = checkpoints.take()
    (app / "build" / "out").write_text("built again", encoding="utf-8")
    (app / "node_modules" / "out").unlink()

    checkpoints.restore(name)

    assert (app / "build" / "out").read_text(encoding="utf-8") == "built again"
    assert not (app / "node_modules" / "out").exists()
    assert checkpoints.files() == [".gitattributes", ".gitignore", "src/main.py", 'src/ü "x".py']
    kept = {path: checkpoints.keeps(path) for path in ("build/new", "src/new", "node_modules/x", ".env", "src/main.py")}
    assert kept == {"build/new": False, "src/new": True, "node_modules/x": False, ".env": False, "src/main.py": True}


def test_the_users_repository_is_not_touched(
    app: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*args: str) -> str:
        return subprocess.run(["git", *args], cwd=app, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", "src/main.py")
    (app / "src" / "main.py").write_text("not staged\n", encoding="utf-8")
    own = tree(app / ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", str(app / ".git" / "index"))  # as inside of one of its hooks
    monkeypatch.setenv("GIT_DIR", str(app / ".git"))

    name = checkpoints.take()
    (app / "src" / "main.py").write_text("fixed\n", encoding="utf-8")
    checkpoints.restore(name)

    assert tree(app / ".git") == own
    assert (app / "src" / "main.py").read_text(encoding="utf-8") == "not staged\n"


def test_the_difference_is_told(app: Path, checkpoints: Checkpoints) -> None:
    before = checkpoints.take()
    (app / "src" / "main.py").write_bytes(b"one\r\n2\n")
    (app / "new").write_text("new\n", encoding="utf-8")
    after = checkpoints.take()

    assert checkpoints.changed(before, after) == ["new", "src/main.py"]
    assert "-two\n+2\n" in checkpoints.diff(before, after)
    assert checkpoints.text(before, "src/main.py") == "one\r\ntwo\n"
    assert checkpoints.text(before, "new") is None


def test_large_files_and_folders_are_left_out(
    app: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mityflow.healing.checkpoints._LARGEST_FILE", 1000)
    monkeypatch.setattr("mityflow.healing.checkpoints._MOST_FILES", 5)
    (app / "[big] *.bin").write_bytes(b"0" * 1001)
    (app / "many").mkdir()
    for number in range(6):
        (app / "many" / str(number)).touch()

    checkpoints.take()

    assert not any(path.startswith(("[big]", "many/")) for path in checkpoints.files())


def test_a_copy_is_worked_on_and_its_changes_are_told(app: Path, checkpoints: Checkpoints, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()

    checkpoints.copy_to(copy)
    (copy / "src" / "main.py").write_text("fixed\n", encoding="utf-8")
    (copy / "new.py").write_text("new\n", encoding="utf-8")
    (copy / ".gitignore").unlink()

    assert (copy / "node_modules" / "out").read_text(encoding="utf-8") == "made"
    assert not (copy / ".env").exists()
    assert checkpoints.changes_in(copy) == {".gitignore": None, "new.py": b"new\n", "src/main.py": b"fixed\n"}
    assert (app / "src" / "main.py").read_bytes() == b"one\r\ntwo\n"


def test_a_link_that_a_program_left_is_not_taken_over(checkpoints: Checkpoints, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    checkpoints.copy_to(copy)
    (copy / "passwords").symlink_to("/etc/passwd")

    with pytest.raises(NotAllowedError, match="link"):
        checkpoints.changes_in(copy)


def test_a_lock_that_a_killed_process_left_is_in_nobodys_way(app: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.git"
    name = Checkpoints(app, store).take()
    (store / "index.lock").touch()

    assert Checkpoints(app, store).take() == name


def test_without_git_it_says_what_to_install(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CheckpointError, match="git is not installed"):
        Checkpoints(app, tmp_path / "store.git").take()


def test_a_store_that_cannot_be_written_is_one_error(app: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(CheckpointError, match="cannot write"):
        Checkpoints(app, tmp_path / "file" / "store.git").take()
