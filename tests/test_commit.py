"""The commit station: exactly the run's files, in the right repository, and nothing of the user's touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations.commit import Commit
from stationkit import context, execute

from mityflow.settings import check_settings
from mityflow.station import Answer, StationContext, StationResult


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    for name in (
        "GIT_DIR",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "EMAIL",
    ):
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@x", *arguments],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def application(workspace: Path, *files: str) -> Path:
    app = workspace / "my-app"
    for path in files:
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(f"content of {path}\n", encoding="utf-8")
    return app


def given(workspace: Path, files: Sequence[object], key: str = "scaffolded_files", **values: Any) -> StationContext:
    return context(Commit(), workspace, "my-app", "small", outputs={key: list(files)}, **values)


def commit(workspace: Path, files: Sequence[object], key: str = "scaffolded_files", **values: Any) -> StationResult:
    return execute(Commit(), given(workspace, files, key, **values))


def committed(repository: Path, rev: str = "HEAD") -> list[str]:
    return [path for path in git(repository, "ls-tree", "-r", "-z", "--name-only", rev).split("\0") if path]


def changed(repository: Path, rev: str = "HEAD") -> list[str]:
    return git(repository, "diff-tree", "--no-commit-id", "--name-only", "-r", "--root", rev).split()


def user_repository(folder: Path) -> Path:
    """A repository with a history and work in every state."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "trunk")
    for name in ("tracked", "staged", "half", "deleted"):
        (folder / name).write_text("old\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    (folder / "tracked").write_text("changed\n", encoding="utf-8")
    (folder / "staged").write_text("staged\n", encoding="utf-8")
    (folder / "half").write_text("staged half\n", encoding="utf-8")
    (folder / "added").write_text("added\n", encoding="utf-8")
    git(folder, "add", "staged", "half", "added")
    git(folder, "rm", "--quiet", "deleted")
    (folder / "half").write_text("more\n", encoding="utf-8")
    (folder / "untracked").write_text("untracked\n", encoding="utf-8")
    return folder


def work(repository: Path) -> str:
    """The user's staged and unstaged work, in full."""
    return git(repository, "status", "--porcelain") + git(repository, "diff") + git(repository, "diff", "--cached")


# The repository


def test_a_new_repository_is_made_in_the_application(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "src/b", "secret.log")

    result = commit(tmp_path, ["a", "src/b"])

    assert result.success, result.message
    assert committed(app) == ["a", "src/b"]
    assert result.outputs == {"commit_hash": git(app, "rev-parse", "HEAD").strip()}
    assert git(app, "branch", "--show-current") == "main\n"
    assert git(app, "status", "--porcelain") == "?? secret.log\n"
    assert git(app, "log", "--format=%an <%ae>|%cn <%ce>|%s") == (
        "mityflow <mityflow@localhost>|mityflow <mityflow@localhost>|Create my-app from small\n"
    )
    assert result.message == f"committed 2 files as {result.outputs['commit_hash'][:12]}"


def test_the_applications_own_repository_is_used(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    user_repository(tmp_path)
    application(tmp_path, "a")
    before = git(tmp_path, "rev-parse", "HEAD")

    assert commit(tmp_path, ["a"]).success

    assert changed(app) == ["a"]
    assert git(tmp_path, "rev-parse", "HEAD") == before


def test_the_workspaces_repository_is_used_when_the_application_has_none(tmp_path: Path) -> None:
    user_repository(tmp_path)
    app = application(tmp_path, "a", "b/c")

    assert commit(tmp_path, ["a", "b/c"]).success

    assert changed(tmp_path) == ["my-app/a", "my-app/b/c"]
    assert not (app / ".git").exists()
    assert git(tmp_path, "branch", "--show-current") == "trunk\n"


def test_a_workspace_that_is_the_application_commits_to_its_own_top(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    where = context(Commit(), app, None, None, outputs={"changed_files": ["a"]})

    assert execute(Commit(), where).success

    assert committed(app) == ["a"]
    assert git(app, "log", "--format=%s") == "Change my-app\n"


def test_a_repository_further_up_is_never_touched(tmp_path: Path) -> None:
    outer = user_repository(tmp_path)
    workspace = outer / "deep" / "workspace"
    app = application(workspace, "a")
    before = (git(outer, "rev-parse", "HEAD"), git(outer, "diff"), git(outer, "diff", "--cached"))

    assert commit(workspace, ["a"]).success

    assert committed(app) == ["a"]
    assert (git(outer, "rev-parse", "HEAD"), git(outer, "diff"), git(outer, "diff", "--cached")) == before


@pytest.mark.parametrize("damaged", ["file", "folder"])
def test_a_damaged_repository_does_not_lead_to_one_further_up(tmp_path: Path, damaged: str) -> None:
    outer = user_repository(tmp_path)
    app = application(outer, "a")
    before = git(outer, "rev-parse", "HEAD")
    if damaged == "file":
        (app / ".git").write_text("gitdir: nowhere\n", encoding="utf-8")
    else:
        (app / ".git").mkdir()

    result = commit(outer, ["a"])

    assert result.status == "failed"
    assert "not a git repository" in result.message
    assert git(outer, "rev-parse", "HEAD") == before


def test_a_linked_worktree_is_a_repository(tmp_path: Path) -> None:
    main = user_repository(tmp_path / "main")
    git(main, "worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "my-app"))
    app = application(tmp_path, "a")

    assert commit(tmp_path, ["a"]).success

    assert changed(app) == ["a"]
    assert git(main, "rev-parse", "topic") == git(app, "rev-parse", "HEAD")


def test_git_variables_of_the_environment_do_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = user_repository(tmp_path / "other")
    before = (git(other, "rev-parse", "HEAD"), work(other))
    app = application(tmp_path, "a")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))

    result = commit(tmp_path, ["a"])
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)

    assert result.success, result.message
    assert committed(app) == ["a"]
    assert (git(other, "rev-parse", "HEAD"), work(other)) == before


# The files


def test_the_users_staged_and_unstaged_work_stays_as_it_is(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    before = work(app)
    application(tmp_path, "ours", "src/ours")

    assert commit(tmp_path, ["ours", "src/ours"]).success

    assert changed(app) == ["ours", "src/ours"]
    assert work(app) == before


def test_files_that_are_not_listed_are_not_committed(tmp_path: Path) -> None:
    app = application(tmp_path, "ours", "mine", "ours.bak")

    commit(tmp_path, ["ours"])

    assert committed(app) == ["ours"]


def test_changed_and_deleted_files_are_committed(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "b", "c")
    commit(tmp_path, ["a", "b", "c"])
    (app / "a").write_text("new\n", encoding="utf-8")
    (app / "b").unlink()

    result = commit(tmp_path, ["a", "b"], "changed_files")

    assert result.success
    assert committed(app) == ["a", "c"]
    assert git(app, "show", "HEAD:a") == "new\n"
    assert git(app, "log", "-1", "--format=%s") == "Change my-app\n"
    assert git(app, "status", "--porcelain") == ""


def test_both_lists_are_committed_together(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "b")
    where = context(
        Commit(), tmp_path, "my-app", "small", outputs={"scaffolded_files": ["a"], "changed_files": ["b", "a"]}
    )

    assert execute(Commit(), where).success

    assert committed(app) == ["a", "b"]


def test_a_listed_file_that_was_never_committed_and_is_gone_does_not_matter(tmp_path: Path) -> None:
    app = application(tmp_path, "a")

    assert commit(tmp_path, ["a", "gone"]).success

    assert committed(app) == ["a"]


def test_odd_names_are_taken_literally(tmp_path: Path) -> None:
    names = ["a b", "-x", "--all", ":(top)x", "*.txt", "[ab]", "ü/ß", "new\nline", '"quoted"', "a\\b", "#x"]
    app = application(tmp_path, *names, "other.txt", "a")

    assert commit(tmp_path, names).success

    assert committed(app) == sorted(names)


def test_executable_files_and_links_are_committed_as_such(tmp_path: Path) -> None:
    app = application(tmp_path, "run")
    (app / "run").chmod(0o755)
    (app / "link").symlink_to("/etc/passwd")

    assert commit(tmp_path, ["run", "link"]).success

    modes = [line.split()[0] for line in git(app, "ls-tree", "HEAD").splitlines()]
    assert modes == ["120000", "100755"]


@pytest.mark.slow
def test_ten_thousand_files_are_committed(tmp_path: Path) -> None:
    app = tmp_path / "my-app"
    app.mkdir()
    names = [f"a-file-with-quite-a-long-name-to-fill-up-the-command-line-{number:05}" for number in range(10_000)]
    for name in names:
        (app / name).touch()

    result = commit(tmp_path, names)

    assert result.success, result.message
    assert len(committed(app)) == 10_000


def test_ignored_files_are_left_out_and_named(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "x.lock", "out/b")
    (app / ".gitignore").write_text("*.lock\nout/\n", encoding="utf-8")

    result = commit(tmp_path, ["a", "x.lock", ".gitignore", "out/b"])

    assert result.success
    assert committed(app) == [".gitignore", "a"]
    assert result.message.endswith("; left out, as git ignores it: x.lock, out/b")


def test_an_ignored_file_that_is_tracked_is_committed(tmp_path: Path) -> None:
    app = application(tmp_path, "x.lock")
    commit(tmp_path, ["x.lock"])
    (app / ".gitignore").write_text("*.lock\n", encoding="utf-8")
    (app / "x.lock").write_text("new\n", encoding="utf-8")

    assert commit(tmp_path, ["x.lock"]).success

    assert git(app, "show", "HEAD:x.lock") == "new\n"


def test_when_every_file_is_ignored_it_is_a_failure(tmp_path: Path) -> None:
    app = application(tmp_path, "x.lock")
    (app / ".gitignore").write_text("*.lock\n", encoding="utf-8")

    assert commit(tmp_path, ["x.lock"]).message == "git ignores every file to commit: x.lock"


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", ".git/config", "a/.GIT/x", "", "a//b", "./a", "a\0b", 3, None]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, path: object) -> None:
    app = application(tmp_path, "a")
    (tmp_path / "x").touch()

    result = commit(tmp_path, ["a", path])

    assert result.status == "failed"
    assert "is no path inside the application" in result.message
    assert not (app / ".git").exists()


def test_a_path_through_a_link_is_refused(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret", encoding="utf-8")
    (app / "link").symlink_to(outside)

    result = commit(tmp_path, ["a", "link/secret"])

    assert result.status == "failed"
    assert "beyond a symbolic link" in result.message


def test_a_path_inside_another_repository_is_refused(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    commit(tmp_path, ["a"])
    inner = user_repository(app / "inner")
    git(app, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    git(app, "commit", "--quiet", "--message", "inner")
    (inner / "new").touch()

    result = commit(tmp_path, ["inner/new"])

    assert result.status == "failed"
    assert "ubmodule" in result.message or "inner" in result.message


def test_without_any_file_it_is_skipped_and_no_success(tmp_path: Path) -> None:
    app = application(tmp_path, "a")

    result = commit(tmp_path, [])

    assert (result.status, result.success) == ("skipped", False)
    assert not (app / ".git").exists()


def test_when_no_listed_file_is_there_it_is_a_failure(tmp_path: Path) -> None:
    application(tmp_path, "a")

    assert commit(tmp_path, ["gone"]).message == "none of the files to commit is there: gone"


def test_a_missing_application_is_a_failure(tmp_path: Path) -> None:
    assert "there is no application folder" in commit(tmp_path, ["a"]).message


# Doing it again


def test_what_is_committed_already_is_a_success_with_that_commit(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    first = commit(tmp_path, ["a"])

    again = commit(tmp_path, ["a"])

    assert again.success
    assert again.outputs == first.outputs
    assert again.message == "nothing to commit: all is committed already"
    assert git(app, "rev-list", "--count", "HEAD") == "1\n"


def test_after_a_kill_between_commit_and_index_the_index_is_brought_up_to_date(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "b")
    commit(tmp_path, ["a", "b"])
    git(app, "rm", "--cached", "--quiet", "a")

    assert commit(tmp_path, ["a", "b"]).message == "nothing to commit: all is committed already"

    assert git(app, "status", "--porcelain") == ""


def test_what_a_killed_run_left_beside_the_index_does_not_matter(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    git(app, "init", "--quiet")
    (app / ".git" / "mityflow-index").write_bytes(b"half")
    (app / ".git" / "mityflow-index.lock").write_bytes(b"")

    assert commit(tmp_path, ["a"]).success

    assert not list((app / ".git").glob("mityflow-index*"))


# States of the repository


def test_a_detached_head_is_fine(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    git(app, "checkout", "--quiet", "--detach")
    application(tmp_path, "a")

    assert commit(tmp_path, ["a"]).success

    assert changed(app) == ["a"]


def _conflict(app: Path) -> None:
    """Branches that cannot be merged without a person."""
    app.mkdir()
    git(app, "init", "--quiet", "--initial-branch", "main")
    for branch, text in (("main", "base"), ("other", "theirs"), ("main", "ours")):
        if text != "base":
            git(app, "checkout", "--quiet", *(["-b"] if branch == "other" else []), branch)
        (app / "file").write_text(text, encoding="utf-8")
        git(app, "add", "file")
        git(app, "commit", "--quiet", "--message", text)


@pytest.mark.parametrize(
    ("command", "what"),
    [("merge", "a merge"), ("cherry-pick", "a cherry-pick"), ("rebase", "a rebase")],
)
def test_in_the_middle_of_something_it_is_a_failure(tmp_path: Path, command: str, what: str) -> None:
    app = tmp_path / "my-app"
    _conflict(app)
    with pytest.raises(subprocess.CalledProcessError):
        git(app, command, "other")
    head = git(app, "rev-parse", "HEAD")
    application(tmp_path, "a")

    result = commit(tmp_path, ["a"])

    assert result.message == f"the repository is in the middle of {what}; finish or abort it first"
    assert git(app, "rev-parse", "HEAD") == head


# Who commits, and with which words


def test_gits_own_identity_is_used(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    git(app, "init", "--quiet")
    git(app, "config", "user.name", "Ada L")
    git(app, "config", "user.email", "ada@example.org")

    assert commit(tmp_path, ["a"]).success

    assert git(app, "log", "--format=%an <%ae>|%cn <%ce>") == "Ada L <ada@example.org>|Ada L <ada@example.org>\n"


def test_half_an_identity_is_filled_up(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    git(app, "init", "--quiet")
    git(app, "config", "user.name", "Ada L")

    assert commit(tmp_path, ["a"]).success

    assert git(app, "log", "--format=%an <%ae>") == "Ada L <mityflow@localhost>\n"


def test_the_environments_identity_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(tmp_path, "a")
    for name, value in (
        ("AUTHOR_NAME", "Env"),
        ("AUTHOR_EMAIL", "env@x"),
        ("COMMITTER_NAME", "Bot"),
        ("COMMITTER_EMAIL", "bot@x"),
    ):
        monkeypatch.setenv(f"GIT_{name}", value)

    assert commit(tmp_path, ["a"]).success

    assert git(app, "log", "--format=%an <%ae>|%cn <%ce>") == "Env <env@x>|Bot <bot@x>\n"


def test_the_settings_go_before_any_other_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(tmp_path, "a")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Env")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "env@x")

    assert commit(tmp_path, ["a"], author_name="Grace H", author_email="grace@x").success

    assert git(app, "log", "--format=%an <%ae>|%cn <%ce>") == "Grace H <grace@x>|Grace H <grace@x>\n"


def test_the_message_is_taken_as_it_is(tmp_path: Path) -> None:
    app = application(tmp_path, "a")

    assert commit(tmp_path, ["a"], message="#1: ünï\n\n# not a comment\n-m x").success

    assert git(app, "log", "--format=%B").strip() == "#1: ünï\n\n# not a comment\n-m x"


@pytest.mark.parametrize(
    "values", [{"message": ""}, {"message": " \n"}, {"author_name": "a <b"}, {"author_email": ""}, {"author_name": " "}]
)
def test_settings_git_could_not_use_are_refused(values: dict[str, str]) -> None:
    assert check_settings(Commit(), values)


# Hooks and signatures


def _hook(app: Path, name: str, script: str) -> None:
    if not (app / ".git").exists():
        git(app, "init", "--quiet")
    hook = app / ".git" / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    hook.chmod(0o755)


def test_a_hook_that_fails_is_a_failure_with_its_words_and_leaves_the_index_alone(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    application(tmp_path, "a")
    _hook(app, "pre-commit", "echo 'secrets found in a' >&2; exit 1")
    before = (git(app, "rev-parse", "HEAD"), work(app))

    result = commit(tmp_path, ["a"])

    assert result.status == "failed"
    assert result.message == "git commit failed: secrets found in a"
    assert (git(app, "rev-parse", "HEAD"), work(app)) == before
    assert not list((app / ".git").glob("mityflow-index*"))


def test_a_hook_sees_exactly_the_files_that_are_committed(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    application(tmp_path, "a")
    _hook(app, "pre-commit", "git diff --cached --name-only > .git/seen")

    assert commit(tmp_path, ["a"]).success

    assert (app / ".git" / "seen").read_text(encoding="utf-8") == "a\n"


def test_a_hook_may_rewrite_what_is_committed(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    _hook(app, "pre-commit", "echo formatted > a; git add a")

    assert commit(tmp_path, ["a"]).success

    assert git(app, "show", "HEAD:a") == "formatted\n"
    assert git(app, "status", "--porcelain") == ""


def test_a_hook_that_drops_a_file_makes_it_a_failure(tmp_path: Path) -> None:
    app = application(tmp_path, "a", "b")
    _hook(app, "pre-commit", "git rm --cached --quiet b")

    result = commit(tmp_path, ["a", "b"])

    assert result.status == "failed"
    assert result.message.endswith("does not hold b")


def test_a_commit_that_cannot_be_signed_is_a_failure(tmp_path: Path) -> None:
    app = application(tmp_path, "a")
    git(app, "init", "--quiet")
    git(app, "config", "commit.gpgsign", "true")
    git(app, "config", "gpg.program", "/bin/false")

    result = commit(tmp_path, ["a"])

    assert result.status == "failed"
    assert "gpg failed to sign" in result.message


def test_an_editor_or_a_question_is_never_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(tmp_path, "a")
    _hook(app, "prepare-commit-msg", '"$GIT_EDITOR" "$1" && read answer; true')
    monkeypatch.setenv("GIT_EDITOR", "sleep 300 #")

    assert commit(tmp_path, ["a"]).success


def test_an_index_that_is_locked_is_told_after_the_commit(tmp_path: Path) -> None:
    app = user_repository(tmp_path / "my-app")
    application(tmp_path, "a")
    (app / ".git" / "index.lock").touch()

    result = commit(tmp_path, ["a"])
    assert result.status == "failed"
    assert "index.lock" in result.message

    (app / ".git" / "index.lock").unlink()
    assert commit(tmp_path, ["a"]).success
    assert changed(app) == ["a"]


def test_without_git_it_is_a_failure_that_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    application(tmp_path, "a")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert commit(tmp_path, ["a"]).message == "git not found; get it from https://git-scm.com/downloads"


# A branch, and a person's approval.


@pytest.fixture
def based(tmp_path: Path) -> Path:
    """An application with a commit, and a file more."""
    app = application(tmp_path, "a.py")
    git(app, "init", "-q", "-b", "main")
    git(app, "add", "a.py")
    git(app, "commit", "-qm", "base")
    application(tmp_path, "b.py")
    return app


def test_a_branch_is_made_where_the_repository_stands(tmp_path: Path, based: Path) -> None:
    application(tmp_path, "mine.txt")
    git(based, "add", "mine.txt")
    base = git(based, "rev-parse", "main")
    result = commit(tmp_path, ["b.py"], "changed_files", branch="feature/b", message="feat: b")
    assert result.success, result.message
    assert git(based, "branch", "--show-current").strip() == "feature/b"
    assert git(based, "rev-parse", "main") == base
    assert committed(based) == ["a.py", "b.py"]
    assert git(based, "diff", "--cached", "--name-only").split() == ["mine.txt"]
    assert commit(tmp_path, ["b.py"], "changed_files", branch="feature/b").success, "once more makes nothing"


def test_a_branch_that_is_elsewhere_is_left_alone(tmp_path: Path, based: Path) -> None:
    git(based, "switch", "-qc", "feature/b")
    git(based, "commit", "-qm", "theirs", "--allow-empty")
    git(based, "switch", "-q", "main")
    result = commit(tmp_path, ["b.py"], "changed_files", branch="feature/b")
    assert result.status == "failed"
    assert "branch 'feature/b' is there already" in result.message
    assert git(based, "branch", "--show-current").strip() == "main"


@pytest.mark.parametrize("branch", ["a..b", "-x", "a b", "@{-1}"])
def test_a_branch_must_have_a_name_that_git_takes(tmp_path: Path, based: Path, branch: str) -> None:
    assert commit(tmp_path, ["b.py"], "changed_files", branch=branch).status == "failed"
    assert git(based, "branch", "--format=%(refname:short)").split() == ["main"]


def test_a_branch_of_a_new_repository(tmp_path: Path) -> None:
    app = application(tmp_path, "a.py")
    assert commit(tmp_path, ["a.py"], branch="feature/a").success
    assert git(app, "branch", "--show-current").strip() == "feature/a"


def asked(workspace: Path, answer: Answer | None, notes: Sequence[Mapping[str, Any]]) -> tuple[StationResult, Any]:
    where = given(workspace, ["b.py"], "changed_files", approve=True)
    where.answer, where.notes = answer, notes
    return execute(Commit(), where), [*notes, *where._runtime.notes]  # type: ignore[attr-defined]


def test_a_person_sees_what_is_committed(tmp_path: Path, based: Path) -> None:
    result, notes = asked(tmp_path, None, [])
    assert result.question is not None
    assert "+content of b.py" in result.question.text
    assert committed(based) == ["a.py"]
    (based / "b.py").write_text("other\n", encoding="utf-8")
    again, notes = asked(tmp_path, Answer("approve"), notes)
    assert again.question is not None, "what was approved is not what is there now"
    assert "+other" in again.question.text
    done, _ = asked(tmp_path, Answer("approve"), notes)
    assert done.success
    assert committed(based) == ["a.py", "b.py"]


def test_what_a_person_rejects_is_not_committed(tmp_path: Path, based: Path) -> None:
    _, notes = asked(tmp_path, None, [])
    result, _ = asked(tmp_path, Answer("reject", "not now"), notes)
    assert result.status == "failed"
    assert result.message == "a person did not approve the commit: not now; the files stay as they are"
    assert committed(based) == ["a.py"]
    assert (based / "b.py").exists()
