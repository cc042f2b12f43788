"""Agents of kind ``command``: real programs, well-behaved and others."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from agentkit import MENDED, SECRET, SOURCE, Desk, processes_with

from mityflow.errors import UsageError
from mityflow.healing.case import AgentError, CapReachedError, Cost, NotAllowedError, Proposal, Tried
from mityflow.healing.cassettes import key_of

MEND = "p = 'calc.py'; t = open(p).read(); open(p, 'w').write(t.replace('a - b', 'a + b'))\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def propose(desk: Desk, program: str, *args: str, **settings: Any) -> Proposal | None:
    command = [sys.executable, "-c", f"import json, os, sys, time\n{program}", *args]
    return desk.agent("command", command=command, **settings).propose(desk.case, desk.hands())


def leftovers(desk: Desk) -> list[str]:
    work = desk.workspace / ".mity" / "work"
    return [path.name for path in work.iterdir()] if work.exists() else []


def test_what_a_program_changed_is_taken_over(desk: Desk) -> None:
    proposal = propose(desk, MEND)

    assert proposal is not None
    assert proposal.title == f"{Path(sys.executable).name} changed calc.py"
    assert proposal.cost == Cost(0, 0, None)
    assert desk.source == MENDED
    assert leftovers(desk) == []


def test_it_may_say_what_it_did_and_what_it_cost(desk: Desk) -> None:
    answer = {"title": f"add\x1b[31m adds\nnow, {SECRET}", "input_tokens": 7, "output_tokens": 3, "usd": 0.25}
    proposal = propose(desk, f"{MEND}json.dump({answer!r}, open(os.environ['MITY_ANSWER_FILE'], 'w'))")

    assert proposal is not None
    assert (proposal.title, proposal.cost) == ("add adds now, ***", Cost(7, 3, 0.25))


@pytest.mark.parametrize(
    "answer",
    ["", "[", "[]", "null", '{"title": 1}', '{"usd": "x", "input_tokens": -1}', '{"usd": NaN}', "[" * 100_000],
)
def test_an_answer_that_is_none_costs_nothing_but_the_title(desk: Desk, answer: str) -> None:
    proposal = propose(desk, f"{MEND}open(os.environ['MITY_ANSWER_FILE'], 'w').write({answer!r})")

    assert proposal is not None
    assert proposal.cost == Cost(0, 0, None)
    assert proposal.title.endswith("changed calc.py")


def test_it_gets_its_task_in_a_file_outside_of_the_copy_and_nothing_to_read(desk: Desk) -> None:
    desk.instructions = "Look at the sign."
    desk.output = f"E assert -1 == 3 ({SECRET})\n"
    seen = desk.workspace / "seen.json"
    program = (
        "facts = {'task': open(sys.argv[1]).read(), 'path': sys.argv[1], 'copy': sys.argv[2], 'cwd': os.getcwd(),"
        " 'stdin': sys.stdin.read(), 'files': sorted(os.listdir('.'))}\n"
        f"json.dump(facts, open({str(seen)!r}, 'w'))"
    )
    assert propose(desk, program, "{{ task_file }}", "{{workspace}}") is None

    facts = json.loads(seen.read_text(encoding="utf-8"))
    for part in ("You find out why tests fail.", "class: TestFailure", "Look at the sign.", "`tests/**`", SOURCE):
        assert part in facts["task"]
    assert "E assert -1 == 3 (***)" in facts["task"]
    assert facts["copy"] == facts["cwd"] != str(desk.root)
    assert not Path(facts["path"]).is_relative_to(facts["copy"])
    assert (facts["stdin"], facts["files"]) == ("", ["calc.py", "tests"])
    assert leftovers(desk) == []


def test_no_change_is_no_fix(desk: Desk) -> None:
    assert propose(desk, "print('I know nothing')") is None
    assert b"I know nothing" in desk.printed


def test_a_program_that_fails_fails_the_attempt_and_nothing_is_taken_over(desk: Desk) -> None:
    answer = "json.dump({'usd': 0.5}, open(os.environ['MITY_ANSWER_FILE'], 'w'))\n"
    with pytest.raises(AgentError, match="ended with exit code 3") as raised:
        propose(desk, f"{MEND}{answer}sys.exit(3)")
    assert raised.value.cost == Cost(0, 0, 0.5)
    assert desk.source == SOURCE
    assert leftovers(desk) == []


def test_a_program_that_hangs_is_ended_with_its_children(desk: Desk) -> None:
    mark = f"time.sleep(300) # {desk.workspace.name}-{time.time_ns()}"
    program = f"{MEND}import subprocess\nsubprocess.run([sys.executable, '-c', 'import time\\n{mark}'])"
    begun = time.monotonic()
    with pytest.raises(AgentError, match="took longer than 2 s"):
        propose(desk, program, timeout_secs=2)
    assert time.monotonic() - begun < 20
    assert processes_with(mark) == []
    assert desk.source == SOURCE


def test_it_has_no_more_time_than_the_session(desk: Desk) -> None:
    desk.seconds = 1
    with pytest.raises(AgentError, match="took longer than 1 s"):
        propose(desk, "time.sleep(60)", timeout_secs=50)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("open('tests/test_calc.py', 'w').write('')", "'tests/test_calc.py' is protected by"),
        ("os.remove('tests/test_calc.py')", "'tests/test_calc.py' is protected by"),
        ("os.rename('tests', 'checks')", "is protected by"),
        ("os.symlink('/etc/passwd', 'link')", "is a link"),
        ("os.remove('calc.py'); os.symlink('/etc/passwd', 'calc.py')", "is a link"),
        ("open('large.bin', 'wb').write(b'x' * 1_500_000)", "would be larger than"),
        pytest.param("open('huge.bin', 'wb').truncate(10**9)", "is larger than", marks=pytest.mark.slow),
    ],
)
def test_a_change_that_is_not_allowed_refuses_them_all(desk: Desk, program: str, why: str) -> None:
    before = (desk.root / "tests" / "test_calc.py").read_bytes()
    with pytest.raises(NotAllowedError, match=why):
        propose(desk, MEND + program)
    assert (desk.root / "tests" / "test_calc.py").read_bytes() == before
    assert not any((desk.root / name).exists() for name in ("large.bin", "huge.bin", "link", "checks"))
    assert leftovers(desk) == []


def test_a_binary_file_may_be_part_of_a_change(desk: Desk) -> None:
    proposal = propose(desk, "open('icon.png', 'wb').write(bytes(range(256)))")
    assert proposal is not None
    assert (desk.root / "icon.png").read_bytes() == bytes(range(256))


def test_its_own_repository_in_the_copy_is_not_taken_over(desk: Desk) -> None:
    program = f"import subprocess\nsubprocess.run(['git', 'init', '-q', '.'], check=True)\n{MEND}"
    assert propose(desk, program) is not None
    assert not (desk.root / ".git").exists()


def test_the_same_change_has_the_same_id_and_is_not_tried_twice(desk: Desk) -> None:
    first = propose(desk, MEND)
    assert first is not None
    (desk.root / "calc.py").write_text(SOURCE, encoding="utf-8")
    desk.tried = (Tried(desk.signature, "python", first.fix, "", "same", ""),)
    with pytest.raises(AgentError, match="tried before"):
        propose(desk, MEND)


def test_the_limit_of_cost(desk: Desk) -> None:
    desk.spent = Cost(usd=2.0)
    with pytest.raises(CapReachedError, match=r"\$2.0000 of \$1.5 are spent"):
        propose(desk, MEND, max_cost_usd=1.5)
    desk.spent = Cost(usd=None)
    with pytest.raises(CapReachedError, match="what was spent so far is not known"):
        propose(desk, MEND, max_cost_usd=1.5)


@pytest.mark.parametrize("program", ["no-such-agent", "./no/such/agent", "/no/such/agent", "."])
def test_a_program_that_is_not_there_is_named(desk: Desk, program: str) -> None:
    with pytest.raises(UsageError) as raised:
        desk.agent("command", command=[program])
    assert f"the agent of 'tester' cannot be started: there is no program '{program}'" in raised.value.message


def test_a_program_of_the_workspace_is_found_from_there(desk: Desk) -> None:
    script = desk.workspace / "tools" / "agent.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nsed -i.bak 's/a - b/a + b/' calc.py && rm calc.py.bak\n", encoding="utf-8")
    script.chmod(0o755)
    proposal = desk.agent("command", command=["tools/agent.sh"]).propose(desk.case, desk.hands())
    assert proposal is not None
    assert (proposal.title, desk.source) == ("agent.sh changed calc.py", MENDED)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("{{ taskfile }}", "'taskfile' stands for nothing in a command"),
        ("{{ task_file", "holds braces that are no placeholder"),
        ("workspace }}", "holds braces that are no placeholder"),
        ("{{ task_file | upper }}", "holds braces that are no placeholder"),
    ],
)
def test_a_wrong_placeholder_is_refused(desk: Desk, part: str, why: str) -> None:
    with pytest.raises(UsageError, match=why.replace("{", r"\{")):
        desk.agent("command", command=[sys.executable, part])


def test_braces_that_are_nobody_s_are_left_alone(desk: Desk) -> None:
    seen = desk.workspace / "seen"
    propose(desk, f"open({str(seen)!r}, 'w').write(sys.argv[1])", '{"a": {"b": 1}}')
    assert seen.read_text(encoding="utf-8") == '{"a": {"b": 1}}'


# Cassettes.


def record(desk: Desk, program: str, mode: str = "record") -> Proposal | None:
    desk.guardrails = {"cassettes": {"folder": "tapes", "mode": mode}}
    return propose(desk, program)


def test_what_a_program_did_is_recorded_and_played_back_without_it(desk: Desk) -> None:
    more = "open('new.py', 'w').write('x = 1\\n')\n"
    first = record(desk, MEND + more)
    (tape,) = (desk.workspace / "tapes").iterdir()
    (desk.root / "calc.py").write_text(SOURCE, encoding="utf-8")
    (desk.root / "new.py").unlink()

    desk.guardrails["cassettes"]["mode"] = "replay"
    command = [Path(sys.executable).name, "no-such-script"]
    second = desk.agent("command", command=command).propose(desk.case, desk.hands())

    assert first is not None
    assert second is not None
    assert second == first._replace(cost=Cost())
    assert (desk.source, (desk.root / "new.py").read_text(encoding="utf-8")) == (MENDED, "x = 1\n")
    assert '"new": "    return a + b\\n"' in tape.read_text(encoding="utf-8")


def test_that_a_program_knew_nothing_is_played_back_too(desk: Desk) -> None:
    assert record(desk, "pass") is None
    assert record(desk, MEND, "replay") is None
    assert desk.source == SOURCE


def test_a_change_of_other_files_is_not_forced_upon_them(desk: Desk) -> None:
    record(desk, MEND)
    (tape,) = (desk.workspace / "tapes").iterdir()
    data = json.loads(tape.read_text(encoding="utf-8"))
    with pytest.raises(CapReachedError, match=r"there is no cassette|does not fit the files"):
        record(desk, MEND, "replay")
    (desk.root / "calc.py").write_text(SOURCE, encoding="utf-8")
    data["exchanges"][0]["answered"]["edits"][0]["old"] = "nowhere"
    tape.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(CapReachedError, match="does not fit the files"):
        record(desk, MEND, "replay")
    assert desk.source == SOURCE


def test_a_cassette_cannot_touch_what_no_fix_may_touch(desk: Desk) -> None:
    record(desk, MEND)
    (tape,) = (desk.workspace / "tapes").iterdir()
    data = json.loads(tape.read_text(encoding="utf-8"))
    (desk.root / "calc.py").write_text(SOURCE, encoding="utf-8")
    for path in ("../evil", "/tmp/evil", "tests/evil.py"):
        data["exchanges"][0]["answered"]["edits"] = [{"path": path, "new": "x"}]
        tape.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(NotAllowedError):
            record(desk, MEND, "replay")


@pytest.mark.parametrize("edits", [None, 1, [1], [{}], [{"path": "calc.py", "old": 1}], [{"path": "a", "x": "b"}]])
def test_damaged_edits_are_told(desk: Desk, edits: Any) -> None:
    record(desk, MEND)
    (tape,) = (desk.workspace / "tapes").iterdir()
    data = json.loads(tape.read_text(encoding="utf-8"))
    (desk.root / "calc.py").write_text(SOURCE, encoding="utf-8")
    data["exchanges"][0]["answered"]["edits"] = edits
    tape.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(CapReachedError, match="does not fit"):
        record(desk, MEND, "replay")


def test_what_is_no_text_cannot_be_recorded(desk: Desk) -> None:
    with pytest.raises(AgentError, match="cannot be recorded"):
        record(desk, "open('icon.png', 'wb').write(bytes(range(256)))")


def test_what_changes_by_itself_does_not_change_a_key() -> None:
    one = "at 2026-01-02 10:11:12 in /home/a/app/x.py:12 took 1.5 s"
    assert key_of(one) == key_of("at 2025-12-31 23:59:59 in /srv/b/c/y.py:7 took 22 s")
    assert key_of(one) != key_of(one.replace("took", "lasted"))
