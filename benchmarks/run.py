"""Measures how fast mityflow is, beside what it is compared with, interleaved in one call.

``python benchmarks/run.py [--rounds 7] [--write docs/performance.md]`` in a virtual environment with
``mityflow[dev]``. Every figure is a median; times are wall-clock.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import mityflow_stations

import mityflow
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

BIN = Path(sys.executable).parent
NOOP_STATION = """
from mityflow.sdk import Station, StationResult

class Noop(Station):
    name = "noop"
    description = "Does nothing."

    def execute(self, context):
        return StationResult.success("noop")
"""
SCAFFOLD_FILES = 20
STACKS = Path(mityflow_stations.__file__).parent / "stacks"


class Row(NamedTuple):
    """One line of the result: what was measured, beside what, and what it may cost at most."""

    what: str
    figure: str
    beside: str
    ratio: float | None
    limit: float | None

    def cells(self) -> list[str]:
        """The line's cells for a table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        limit = "" if self.limit is None else f"{self.limit:g}"
        verdict = (
            "" if self.ratio is None or self.limit is None else "met" if self.ratio <= self.limit else "**missed**"
        )
        return [self.what, self.figure, self.beside, ratio, limit, verdict]


def seconds(command: list[str], folder: Path) -> float:
    """How long a command takes. Raises CalledProcessError when it fails."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def peak_memory(command: list[str], folder: Path) -> float:
    """The most memory a command had resident, in MiB."""
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024


def interleaved(rounds: int, measures: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each measure, taken in turns so that a slow moment touches all of them."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return {name: statistics.median(values) for name, values in taken.items()}


def start_rows(rounds: int, top: Path) -> list[Row]:
    """Starting up, and a run of one step."""
    folder = top / "start"
    folder.mkdir()
    one = "version: 1\nid: one\nstations:\n  - station: shell\n    with: {command: ['true']}\n"
    (folder / "one.yaml").write_text(one)
    (folder / "dodo.py").write_text("def task_one():\n    return {'actions': ['true'], 'verbosity': 0}\n")
    python, mity, doit = sys.executable, str(BIN / "mityflow"), str(BIN / "doit")

    def first() -> float:
        fresh = Path(tempfile.mkdtemp(dir=top))
        shutil.copy(folder / "one.yaml", fresh)
        return seconds([mity, "run", "one.yaml"], fresh)

    seconds([mity, "run", "one.yaml"], folder)
    m = interleaved(
        rounds,
        {
            "python": lambda: seconds([python, "-c", "pass"], folder),
            "version": lambda: seconds([mity, "--version"], folder),
            "doit": lambda: seconds([doit], folder),
            "again": lambda: seconds([mity, "run", "one.yaml"], folder),
            "first": first,
        },
    )
    fresh = Path(tempfile.mkdtemp(dir=top))
    shutil.copy(folder / "one.yaml", fresh)
    memory_first = peak_memory([mity, "run", "one.yaml"], fresh)
    memory_again = peak_memory([mity, "run", "one.yaml"], fresh)
    memory_doit = peak_memory([doit], folder)
    return [
        Row(
            "`mityflow --version`",
            ms(m["version"]),
            f"`python -c pass` {ms(m['python'])}",
            m["version"] / m["python"],
            3,
        ),
        Row(
            "run of one step, file checked before", ms(m["again"]), f"doit {ms(m['doit'])}", m["again"] / m["doit"], 1.3
        ),
        Row("run of one step, first time", ms(m["first"]), f"doit {ms(m['doit'])}", m["first"] / m["doit"], 2.5),
        Row(
            "peak memory of that run",
            f"{memory_again:.1f} MiB",
            f"45 MiB (doit {memory_doit:.1f} MiB)",
            memory_again / 45,
            1,
        ),
        Row("peak memory, first time", f"{memory_first:.1f} MiB", "45 MiB", memory_first / 45, 1),
    ]


def noop_rows(rounds: int, top: Path) -> list[Row]:
    """What a step costs that does nothing, recorded durably, and how that grows with the run."""
    plugin = top / "plugin"
    (plugin / "noop-1.0.dist-info").mkdir(parents=True)
    (plugin / "noop_station.py").write_text(NOOP_STATION)
    (plugin / "noop-1.0.dist-info" / "entry_points.txt").write_text("[mityflow.stations]\nnoop = noop_station:Noop\n")
    os.environ["PYTHONPATH"] = str(plugin)
    sizes = (100, 1000, 10000)
    folders = {}
    for size in sizes:
        folders[size] = top / f"noop{size}"
        folders[size].mkdir()
        steps = "".join(f"  - {{station: noop, id: s{i}}}\n" for i in range(size))
        (folders[size] / "many.yaml").write_text(f"version: 1\nid: many\nstations:\n{steps}")
    mity = str(BIN / "mityflow")

    def run(size: int) -> float:
        return seconds([mity, "run", "many.yaml"], folders[size])

    def run_first(size: int) -> float:
        shutil.rmtree(folders[size] / ".mity", ignore_errors=True)
        return run(size)

    line = b"x" * 400 + b"\n"

    def loop() -> float:
        fd = os.open(top / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        begun = time.perf_counter()
        for _ in range(1000):
            os.write(fd, line)
            os.fdatasync(fd)
        took = time.perf_counter() - begun
        os.close(fd)
        return took / 1000

    measures = {"loop": loop}
    measures |= {f"first{size}": lambda size=size: run_first(size) for size in sizes}
    measures |= {str(size): lambda size=size: run(size) for size in sizes}
    m = interleaved(rounds, measures)
    rows = []
    for kind, label in (("", "file checked before"), ("first", "first time")):
        low = (m[f"{kind}1000"] - m[f"{kind}100"]) / 900
        high = (m[f"{kind}10000"] - m[f"{kind}1000"]) / 9000
        beside = f"append + fdatasync {us(m['loop'])}"
        rows.append(Row(f"a no-op step, 100 to 1000, {label}", us(low), beside, low / m["loop"], 2.5))
        rows.append(Row(f"a no-op step, 1000 to 10000, {label}", us(high), beside, high / m["loop"], 2.5))
        rows.append(Row(f"growth from 1000 to 10000, {label}", us(high), us(low), high / low, 1.2))
    written = bytes_written([mity, "run", "many.yaml"], folders[10000]) / 10000 / 1000
    rows.append(Row("written a no-op step, of 10000", f"{written:.2f} KB", "10 KB", written / 10, 1))
    return rows


def bytes_written(command: list[str], folder: Path) -> float:
    """How many bytes a command's process wrote to files, as the system counts them."""
    code = (
        "import sys; sys.argv = sys.argv[1:]; from mityflow.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(open('/proc/self/io').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=folder, check=True, capture_output=True, text=True
    )
    io = dict(line.split(": ") for line in done.stderr.splitlines() if ": " in line)
    return float(io["wchar"])


def shell_rows(rounds: int, top: Path) -> list[Row]:
    """What a step costs that runs a program."""
    folders = {}
    for size in (20, 220):
        folders[size] = top / f"shell{size}"
        folders[size].mkdir()
        steps = "".join(f"  - {{station: shell, id: s{i}, with: {{command: ['true']}}}}\n" for i in range(size))
        (folders[size] / "many.yaml").write_text(f"version: 1\nid: many\nstations:\n{steps}")
        seconds([str(BIN / "mityflow"), "run", "many.yaml"], folders[size])
    loop = "import subprocess\nfor _ in range({}): subprocess.run(['true'], check=True)"

    def slope(command: Callable[[int], list[str]]) -> float:
        small, large = (seconds(command(size), folders[size]) for size in (20, 220))
        return (large - small) / 200

    m = interleaved(
        rounds,
        {
            "mityflow": lambda: slope(lambda _: [str(BIN / "mityflow"), "run", "many.yaml"]),
            "loop": lambda: slope(lambda size: [sys.executable, "-c", loop.format(size)]),
        },
    )
    beside = f"`subprocess.run` {us(m['loop'])}"
    return [Row("a `shell` step", us(m["mityflow"]), beside, m["mityflow"] / m["loop"], 1.4)]


def scaffold_rows(rounds: int, top: Path) -> list[Row]:
    """Rendering an application of twenty files, the whole command."""
    ours, theirs = top / "ours", top / "theirs"
    stack = ours / "templates" / "bench"
    for folder, name in (
        (stack / "template", "{{ app_name }}"),
        (theirs / "{{ cookiecutter.app_name }}", "{{ cookiecutter.app_name }}"),
    ):
        folder.mkdir(parents=True)
        for i in range(SCAFFOLD_FILES):
            body = "".join(f"line {n} of {name}\n" for n in range(40))
            (folder / f"file{i}.txt").write_text(body)
    (stack / "stack.yaml").write_text("version: 1\nid: bench\nname: Bench\ndescription: Twenty files.\ncommands: {}\n")
    (ours / "make.yaml").write_text(
        "version: 1\nid: make\nstations: [scaffold]\ninputs:\n"
        "  app_name: {type: string, default: app}\n  stack: {type: string, default: bench}\n"
    )
    (theirs / "cookiecutter.json").write_text('{"app_name": "app"}')
    command = [str(BIN / "cookiecutter"), "--no-input", "--overwrite-if-exists", "-o", "out", "."]

    def scaffold() -> float:
        shutil.rmtree(ours / "app", ignore_errors=True)
        return seconds([str(BIN / "mityflow"), "run", "make.yaml"], ours)

    def cookiecutter() -> float:
        shutil.rmtree(theirs / "out", ignore_errors=True)
        return seconds(command, theirs)

    scaffold()
    m = interleaved(rounds, {"scaffold": scaffold, "cookiecutter": cookiecutter})
    beside = f"cookiecutter {ms(m['cookiecutter'])}"
    return [Row("scaffolding 20 files", ms(m["scaffold"]), beside, m["scaffold"] / m["cookiecutter"], 0.5)]


def stack_rows(rounds: int, top: Path) -> list[Row]:
    """Rendering every stack's real template, the whole command, beside cookiecutter with the same files."""
    rows = []
    for name in sorted(path.parent.name for path in STACKS.glob("*/stack.yaml")):
        ours, theirs = top / f"{name}-ours", top / f"{name}-theirs"
        files = _cookiecutter_template(read_stack(STACKS / name, "mityflow"), theirs)
        ours.mkdir()
        (ours / "make.yaml").write_text(
            "version: 1\nid: make\nstations: [scaffold]\ninputs:\n"
            f"  app_name: {{type: string, default: app}}\n  stack: {{type: string, default: {name}}}\n"
        )

        def scaffold(ours: Path = ours) -> float:
            shutil.rmtree(ours / "app", ignore_errors=True)
            return seconds([str(BIN / "mityflow"), "run", "make.yaml"], ours)

        def cookiecutter(theirs: Path = theirs) -> float:
            shutil.rmtree(theirs / "out", ignore_errors=True)
            return seconds([str(BIN / "cookiecutter"), "--no-input", "--overwrite-if-exists", "-o", "out", "."], theirs)

        scaffold()
        m = interleaved(rounds, {"scaffold": scaffold, "cookiecutter": cookiecutter})
        beside = f"cookiecutter {ms(m['cookiecutter'])}"
        what = f"rendering {name}, {files} files"
        rows.append(Row(what, ms(m["scaffold"]), beside, m["scaffold"] / m["cookiecutter"], 0.5))
    return rows


def _cookiecutter_template(stack: Stack, folder: Path) -> int:
    """Write a stack's template as one of cookiecutter's; the number of its files."""
    values = {key: value for key, value in stack.template_values("app", {}).items() if isinstance(value, str)}

    def converted(text: str) -> str:
        return re.sub(r"\{\{ *(\w+) *\}\}", r"{{ cookiecutter.\1 }}", text)

    count, verbatim = 0, []
    for place in sorted(path for path in stack.template.rglob("*") if path.is_file()):
        count += 1
        path = place.relative_to(stack.template).as_posix().replace("_folders }}", " }}").replace("_folders}}", "}}")
        target = folder / "{{ cookiecutter.app_name }}" / converted(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = place.read_bytes()
        if any(fnmatchcase(path, pattern) for pattern in stack.copy_without_rendering):
            verbatim.append(f"*{Path(path).name}")
            target.write_bytes(data)
        else:
            target.write_bytes(converted(data.decode()).encode())
    (folder / "cookiecutter.json").write_text(json.dumps({**values, "_copy_without_render": verbatim}))
    return count


def ms(value: float) -> str:
    """Seconds as milliseconds."""
    return f"{value * 1e3:.1f} ms"


def us(value: float) -> str:
    """Seconds as microseconds."""
    return f"{value * 1e6:.0f} µs"


def markdown(rows: list[Row], rounds: int) -> str:
    """The table, with what it was measured on."""
    head = ["what", "figure", "beside", "ratio", "at most", ""]
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()};"
        f" medians of {rounds}, interleaved.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row.cells()) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and put the table between the marks of a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each thing is measured (7)")
    parser.add_argument("--only", choices=["start", "noop", "shell", "scaffold", "stacks"], help="measure only this")
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- table --> and <!-- end -->")
    options = parser.parse_args()
    for package in (mityflow, mityflow_stations):  # as an installation leaves them
        compileall.compile_dir(Path(package.__file__ or "").parent, quiet=1, rx=re.compile("/template/"))
    groups = {
        "start": start_rows,
        "noop": noop_rows,
        "shell": shell_rows,
        "scaffold": scaffold_rows,
        "stacks": stack_rows,
    }
    with tempfile.TemporaryDirectory(prefix="mityflow-bench-", dir=Path.cwd()) as folder:
        rows = [
            row
            for name, measure in groups.items()
            if options.only in (None, name)
            for row in measure(options.rounds, Path(folder))
        ]
    table = markdown(rows, options.rounds)
    sys.stdout.write(table)
    if options.write:
        before, _, rest = options.write.read_text().partition("<!-- table -->\n")
        after = rest.partition("<!-- end -->")[2]
        options.write.write_text(f"{before}<!-- table -->\n{table}<!-- end -->{after}")


if __name__ == "__main__":
    main()
