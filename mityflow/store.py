"""Where runs are kept: the folder ``.mity`` of a workspace.

::

    .mity/
      logs/<workflow_id>.json          the latest run of that workflow
      runs/<run_id>/plan.json          what was going to run
      runs/<run_id>/events.jsonl       the journal
      runs/<run_id>/stations/          captured output, a file a step
      lock                             held by the run at work

The journal is the truth; the log in ``logs/`` is its fold, rewritten whole now and then.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.clock import Clock, iso
from mityflow.errors import MityError, StoreError, UsageError
from mityflow.journal import Damage, Journal, JournalWriter, read_journal, write_all
from mityflow.lock import WorkspaceLock, holder
from mityflow.log import ExecutionLog

FOLDER = ".mity"
_SNAPSHOT_SHARE = 20.0
_SNAPSHOT_PAUSE = 1.0
_HEAD = 1024
_CONTENT = ("message", "outputs", "artifacts", "error")
_SYNCED = {"run.started", "step.noted", "step.completed", "step.waiting", "step.answered", "run.ended", "run.resumed"}
_STATE_CHANGES = {"run.started", "step.waiting", "step.answered", "run.ended", "run.resumed"}


class RunSummary(NamedTuple):
    """A line of the list of runs. ``state`` is a state of a log, ``error`` why it failed."""

    run_id: str
    workflow_id: str
    workflow_name: str
    state: str
    started_at: str
    completed_at: str | None
    error: str | None


class Store:
    """The runs of one workspace. Making one touches nothing."""

    def __init__(self, workspace: Path, clock: Clock | None = None) -> None:
        self.workspace = workspace
        self.root = workspace / FOLDER
        self._clock = clock or Clock()

    # Writing

    def prepare(self) -> None:
        """Make the folder. Raises UsageError when something else stands there, StoreError if it can't."""
        if not self.workspace.is_dir():
            raise UsageError(f"the workspace {self.workspace} is no folder")
        with _writing(self.root):
            if self.root.is_symlink() or (self.root.exists() and not self.root.is_dir()):
                raise UsageError(f"{self.root} is not a folder", hint="move it away; mityflow keeps its runs there")
            for folder in (self.root, self.root / "runs", self.root / "logs"):
                if folder.is_symlink():
                    raise UsageError(f"{folder} is a link", hint="remove it; mityflow does not follow it")
                folder.mkdir(exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                write_atomically(ignore, b"*\n")

    def lock(self) -> WorkspaceLock:
        """Take the workspace for a run. Raises LockedError."""
        return WorkspaceLock(self.root / "lock")

    def new_run_id(self) -> str:
        """An id that sorts after every earlier one, also when the clock was set back."""
        run_id = _run_id(round(self._clock.now() * 1_000_000))
        latest = next(iter(self.run_ids()), "")
        return run_id if run_id > latest else _run_id(_micros(latest) + 1)

    def create_run(self, run_id: str, plan: Mapping[str, Any]) -> Path:
        """Make the folder of a new run with its plan."""
        folder = self.run_folder(run_id)
        with _writing(folder):
            (folder / "stations").mkdir(parents=True)
            write_atomically(folder / "plan.json", _object([*_pairs(plan)]), sync=True)
        return folder

    def replace_plan(self, run_id: str, plan: Mapping[str, Any]) -> None:
        """Put another plan in place of that of a run."""
        path = self.run_folder(run_id) / "plan.json"
        with _writing(path):
            write_atomically(path, _object([*_pairs(plan)]), sync=True)

    def recorder(
        self,
        run_id: str,
        log: ExecutionLog,
        *,
        mask: Callable[[Any], Any],
        journal: Journal | None = None,
    ) -> Recorder:
        """What records the events of a run; ``journal`` is what was read of one that goes on."""
        path = self.run_folder(run_id) / "events.jsonl"
        writer = JournalWriter(path, size=journal.size if journal else None)
        if journal is None:
            _sync_folder(path.parent)
            _sync_folder(path.parent.parent)
        return Recorder(self, log, writer, mask, self._clock)

    # Reading

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run."""
        return self.root / "runs" / run_id

    def log_path(self, workflow_id: str) -> Path:
        """The file of a workflow's latest log."""
        return self.root / "logs" / f"{workflow_id}.json"

    def begun(self, run_id: str) -> bool:
        """False for a run that was killed before its first event, and so never was one."""
        return bool(self._first_event(run_id))

    def run_ids(self) -> list[str]:
        """The ids of all run folders, the latest first."""
        try:
            names = os.listdir(self.root / "runs")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self.root / 'runs'}: {error.strerror}") from error
        return sorted((n for n in names if _is_run_id(n)), reverse=True)

    def find(self, ref: str | None) -> str:
        """The run that is meant: an id, a unique prefix of one, a workflow's id, or None for the latest.

        Raises UsageError when there is none, or more than one.
        """
        ids = self.run_ids()
        if ref in ids:
            return ref
        by_prefix = [i for i in ids if i.startswith(ref)] if ref else []
        if len(by_prefix) == 1:
            return by_prefix[0]
        if by_prefix:
            raise UsageError(f"{len(by_prefix)} runs begin with '{ref}'", hint="give more of the id")
        latest = next((i for i in ids if ref in (None, self._workflow_of(i)) and self._workflow_of(i)), None)
        if latest is not None:
            return latest
        if ref is None:
            raise UsageError(f"no run in {self.workspace}", hint="start one with 'mityflow run WORKFLOW'")
        raise UsageError(f"no run '{ref}' in {self.workspace}", hint="'mityflow runs' lists them")

    def plan(self, run_id: str) -> dict[str, Any]:
        """What ``plan.json`` of a run holds. Raises StoreError if it cannot be read."""
        path = self.run_folder(run_id) / "plan.json"
        try:
            data: dict[str, Any] = json.loads(path.read_bytes())
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path} is damaged: {error}") from error
        if not isinstance(data, dict):
            raise StoreError(f"{path} is damaged: it is no mapping")
        return data

    def journal(self, run_id: str) -> Journal:
        """The journal of a run, as it stands."""
        return read_journal(self.run_folder(run_id) / "events.jsonl")

    def load(self, run_id: str) -> ExecutionLog:
        """The log of a run, folded from its journal; ``died`` is set when nobody is at work on it."""
        log = self.fold(run_id, self.journal(run_id))
        if log.unfinished and not self.at_work(run_id):
            log.mark_died()
        return log

    def fold(self, run_id: str, journal: Journal) -> ExecutionLog:
        """The log that a journal makes; where an event is damaged, that of the events before it, and it says so."""
        from mityflow.shapes import check_event

        log = ExecutionLog()
        log.run_id = run_id
        damage = journal.damage
        for number, event in enumerate(journal.events, 1):
            try:
                check_event(event)
                log.apply(event)
            except (KeyError, TypeError, ValueError, AttributeError, MityError) as error:
                damage = Damage(number, f"this event is damaged ({error!r})")
                break
        if damage:
            path = self.run_folder(run_id) / "events.jsonl"
            log.mark_damaged(f"{path}:{damage.line}: {damage.reason}; what came after it is not known")
        if log.workflow_id:
            log.path = self.log_path(log.workflow_id)
        return log

    def at_work(self, run_id: str) -> bool:
        """True while a process is at work on this run."""
        who = holder(self.root / "lock")
        return who is not None and who.get("run_id", run_id) == run_id

    def summary(self, run_id: str) -> RunSummary:
        """A run in one line; a damaged one is ``failed``, and says so."""
        try:
            log = self.load(run_id)
        except StoreError as error:
            first = self._first_event(run_id)
            name, started = first.get("workflow_name", ""), first.get("at", "")
            return RunSummary(run_id, first.get("workflow_id", ""), name, "failed", started, None, error.message)
        data = log.head()
        return RunSummary(
            run_id,
            log.workflow_id,
            log.workflow_name,
            data["state"],
            log.started_at or "",
            log.completed_at,
            log.error,
        )

    def settle_dead_logs(self) -> None:
        """Rewrite logs of runs whose process died, so that no file says that they are running.

        Call it with the lock held: whoever wrote ``running`` is gone then.
        """
        for path in (self.root / "logs").glob("*.json"):
            with open(path, "rb") as file:
                if b'"state": "running"' not in file.read(_HEAD):
                    continue
            run_id = next((i for i in self.run_ids() if self._workflow_of(i) == path.stem), None)
            if run_id is not None:
                log = self.fold(run_id, self.journal(run_id))
                if log.unfinished:
                    log.mark_died()
                write_atomically(path, _snapshot(log, _result_lines(log)))

    def try_settle_dead_logs(self) -> None:
        """The same for those who only read: left undone while a run is at work, or if it cannot be done."""
        if not self.root.is_dir():
            return
        try:
            with self.lock():
                self.settle_dead_logs()
        except (MityError, OSError):
            return

    def _workflow_of(self, run_id: str) -> str:
        return str(self._first_event(run_id).get("workflow_id", ""))

    def _first_event(self, run_id: str) -> dict[str, Any]:
        try:
            with open(self.run_folder(run_id) / "events.jsonl", "rb") as file:
                event = json.loads(file.readline())
        except (OSError, ValueError):
            return {}
        return event if isinstance(event, dict) else {}


class Recorder:
    """Records the events of one run: in the log, the journal, and now and then the log's file.

    What is recorded is masked first, and the log holds what was recorded: a run that goes on in
    another process sees the same. The file is rewritten at every change of state, and in between
    only as often as keeps its cost a small share of the run's time.
    """

    def __init__(
        self, store: Store, log: ExecutionLog, writer: JournalWriter, mask: Callable[[Any], Any], clock: Clock
    ) -> None:
        self.log = log
        self._store = store
        self._writer = writer
        self._mask = mask
        self._clock = clock
        self._lines = _result_lines(log)
        self._next_snapshot = 0.0
        self._behind = False

    def record(self, event: str, **data: Any) -> dict[str, Any]:
        """Record an event, and return it as it was recorded. Raises StoreError when that failed."""
        whole = _masked({"event": event, "at": iso(self._clock.now()), **data}, self._mask)
        self._writer.append(whole, sync=event in _SYNCED)
        self.log.apply(whole)
        self._behind = True
        if event in ("step.completed", "step.waiting"):
            self._lines[whole["step"]] = _result_line(whole["step"], whole["result"])
        if event in ("run.resumed", "step.answered"):
            self._lines = {k: v for k, v in self._lines.items() if k in self.log.results}
        if event in _STATE_CHANGES or (event == "step.completed" and time.perf_counter() >= self._next_snapshot):
            self._write_snapshot()
        return whole

    def catch_up(self) -> None:
        """Write the log's file if it lacks what was recorded last; for a wait that may take days."""
        if self._behind:
            self._write_snapshot()

    def close(self) -> None:
        """Close the journal."""
        self._writer.close()

    def _write_snapshot(self) -> None:
        self._behind = False
        path = self.log.path = self._store.log_path(self.log.workflow_id)
        begun = time.perf_counter()
        with _writing(path):
            write_atomically(path, _snapshot(self.log, self._lines))
        ended = time.perf_counter()
        self._next_snapshot = ended + max(_SNAPSHOT_PAUSE, _SNAPSHOT_SHARE * (ended - begun))


def _masked(event: dict[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    """The event without secrets in what users and stations put into it; its frame stays as it is."""
    for key in ("outputs", "error", "reason"):
        if key in event:
            event[key] = masked_values(event[key], mask)
    if "result" in event:
        result = event["result"]
        event["result"] = {**result, **{k: masked_values(result[k], mask) for k in _CONTENT if k in result}}
        if "question" in result:
            event["result"]["question"] = _masked_question(result["question"], mask)
    if "answer" in event:
        answer = event["answer"]
        given = {key: masked_values(answer[key], mask) for key in ("message", "values") if key in answer}
        event["answer"] = {**answer, **given}
    if "note" in event:
        event["note"] = {k: v if k == "kind" else _masked_texts(v, mask) for k, v in event["note"].items()}
    if "context" in event:
        event["context"] = masked_context(event["context"], mask)
    return event


def _masked_texts(value: Any, mask: Callable[[Any], Any]) -> Any:
    """Data without secrets in its texts; its keys, and numbers that are counted with, stay."""
    if isinstance(value, dict):
        return {key: _masked_texts(part, mask) for key, part in value.items()}
    if isinstance(value, list):
        return [_masked_texts(part, mask) for part in value]
    return mask(value) if isinstance(value, str) else value


def masked_values(value: Any, mask: Callable[[Any], Any]) -> Any:
    """Data without secrets, the keys of a mapping left as the names they are."""
    return {k: mask(v) for k, v in value.items()} if isinstance(value, dict) else mask(value)


def masked_context(context: Mapping[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    """A context's data without secrets in what was given to it."""
    given = {key: masked_values(context[key], mask) for key in ("inputs", "metadata", "app_name", "stack")}
    name = given["app_name"]
    path = os.path.join(context["workspace"], name) if name else context["workspace"]
    return {**context, **given, "output_path": path}


def _masked_question(question: Mapping[str, Any], mask: Callable[[Any], Any]) -> dict[str, Any]:
    """A question without secrets; what answers refer to stays."""
    options = [{**o, "label": mask(o["label"]), "description": mask(o["description"])} for o in question["options"]]
    masked = {**question, "text": mask(question["text"]), "options": options}
    if "form" in question:
        from mityflow.forms import masked_form

        masked["form"] = masked_form(question["form"], mask)
    return masked


def _result_lines(log: ExecutionLog) -> dict[str, str]:
    return {id_: _result_line(id_, result.to_data()) for id_, result in log.results.items()}


def _result_line(step: str, result: Mapping[str, Any]) -> str:
    return json.dumps({"station": step, "result": result})


def _snapshot(log: ExecutionLog, result_lines: Mapping[str, str]) -> bytes:
    """The log as JSON, a key a line and a result a line; results are encoded once, not every time."""
    results = "[\n" + ",\n".join(result_lines[i] for i in log.ordered_results()) + "\n]" if log.results else "[]"
    return _object([*_pairs(log.head()), f'"results": {results}'])


def _pairs(data: Mapping[str, Any]) -> Iterator[str]:
    return (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items())


def _object(pairs: list[str]) -> bytes:
    """A JSON object with a line for each key: readable, and quicker to make than an indented one."""
    return ("{\n" + ",\n".join(pairs) + "\n}\n").encode()


def write_atomically(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Put a whole file in place of another, or leave that as it was. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        try:
            write_all(fd, data)
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write {error.filename or path}: {error.strerror}") from error


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _run_id(micros: int) -> str:
    """The id of a run that began so many microseconds after 1970: ``20261122T083000.000001Z``."""
    t = time.gmtime(micros // 1_000_000)
    return f"{t[0]:04}{t[1]:02}{t[2]:02}T{t[3]:02}{t[4]:02}{t[5]:02}.{micros % 1_000_000:06}Z"


def _micros(run_id: str) -> int:
    """The moment in a run id."""
    import calendar

    year, month, day = int(run_id[:4]), int(run_id[4:6]), int(run_id[6:8])
    seconds = calendar.timegm((year, month, day, int(run_id[9:11]), int(run_id[11:13]), int(run_id[13:15])))
    return seconds * 1_000_000 + int(run_id[16:22])


_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")


def _is_run_id(name: str) -> bool:
    return _RUN_ID.fullmatch(name) is not None
