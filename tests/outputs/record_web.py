"""Break a Node.js project in known ways, run its commands, and keep all that they print.

    python tests/outputs/record_web.py frontend-react [NAME...]

reads `breakages/<stack>.yaml`, prepares each base once (a rendered application, or an empty project with
packages), and for each case applies its edits, runs its command with no standard input, and puts everything
back. What was printed goes to `<stack>/<name>.txt`; the exit code to `<stack>/labels.yaml`, whose labels are
written by a person who has read the output.
"""

import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
REGISTRY = re.compile(r"registry\.(npmjs\.org|yarnpkg\.com)")
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/home/dev",
    "CI": "1",
    "NO_COLOR": "1",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    "NPM_CONFIG_FETCH_RETRIES": "0",
    "NPM_CONFIG_AUDIT": "false",
    "NPM_CONFIG_FUND": "false",
    "NG_CLI_ANALYTICS": "false",
}


def prepare(base: dict[str, Any]) -> None:
    """The base's folder, rendered and installed, as a git repository whose state can be brought back."""
    folder = Path(base["folder"])
    if (folder / ".git").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if "stack" in base:
        render(base["stack"], folder)
        shell("npm ci", folder)
    else:
        (folder / "package.json").write_text(json.dumps({"name": folder.name, "private": True, **base["package"]}))
    if "packages" in base:
        shell("npm install --ignore-scripts --legacy-peer-deps " + " ".join(base["packages"]), folder)
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write("\nnode_modules\n")
    shell("git init -q && git add -A && git -c user.name=dev -c user.email=dev@example.org commit -qm base", folder)


def render(stack_id: str, folder: Path) -> None:
    from mityflow_stations._rendering import render as files_of

    from mityflow.stackfile import read_stack

    stack = read_stack(PROJECT / "stations/mityflow_stations/stacks" / stack_id, "mityflow")
    for file in files_of(stack, stack.template_values(folder.name, {})):
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)


def shell(command: str, folder: Path) -> None:
    subprocess.run(command, shell=True, cwd=folder, env=ENVIRONMENT, check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def broken(folder: Path, case: dict[str, Any]) -> Iterator[None]:
    """The base with the case's edits; afterwards it is as it was, what the command made included."""
    deleted = case.get("delete", [])
    touched = sorted({*case.get("write", {}), *case.get("append", {}), *case.get("replace", {}), *deleted})
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        kept = {folder / name: Path(aside, str(number)) for number, name in enumerate(touched)}
        for place, copy in kept.items():
            if place.is_file():
                shutil.copy2(place, copy)
            elif place.exists():
                place.rename(copy)
        try:
            edit(folder, case)
            yield
        finally:
            for place, copy in kept.items():
                remove(place)
                if copy.exists():
                    copy.rename(place)
            shell("git clean -fdq -e node_modules && git checkout -q . && rm -rf dist .angular out coverage", folder)


def edit(folder: Path, case: dict[str, Any]) -> None:
    for name in case.get("delete", []):
        remove(folder / name)
    for name, text in case.get("write", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, changes in case.get("replace", {}).items():
        text = (folder / name).read_text()
        for old, new in changes.items():
            if old not in text:
                raise SystemExit(f"{name} has no {old!r}")
            text = text.replace(old, new)
        (folder / name).write_text(text)
    for name, text in case.get("append", {}).items():
        with (folder / name).open("a") as file:
            file.write(text)
    if "setup" in case:
        shell(case["setup"], folder)


def remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextlib.contextmanager
def held(ports: list[int]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for port in ports:
            listener = stack.enter_context(
                socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            )
            listener.listen()
        yield


def run(folder: Path, case: dict[str, Any]) -> tuple[str, int]:
    """What the case's command prints, both streams in the order they came, and its exit code."""
    argv = ["bash", "-c", case["command"]]
    if case.get("tty"):
        argv = ["script", "--quiet", "--flush", "--return", "--command", case["command"], "/dev/null"]
    argv = [*case.get("wrap", []), *argv]
    if "user" in case:
        argv = ["setpriv", f"--reuid={case['user']}", f"--regid={case['user']}", "--clear-groups", *argv]
    if case.get("offline"):
        argv = ["unshare", "--net", *argv]
    environment = {**ENVIRONMENT, **case.get("env", {})}
    environment = {name: value for name, value in environment.items() if value is not None}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(case.get("limit", 120))
        except subprocess.TimeoutExpired:
            code = 124
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    return anonymous(text), 128 - code if code < 0 else code


def anonymous(text: str) -> str:
    """The text without the name of this machine, its system's version, and the registry."""
    text = REGISTRY.sub("registry.example", text).replace(platform.release(), "6.8.0-45-generic")
    return text.replace(f'"hostname":"{socket.gethostname()}"', '"hostname":"dev-laptop"')


def main(stack_id: str, names: list[str]) -> None:
    breakages = yaml.safe_load((HERE / "breakages" / f"{stack_id}.yaml").read_text())
    labels_file = HERE / stack_id / "labels.yaml"
    labels_file.parent.mkdir(exist_ok=True)
    for name, case in breakages["cases"].items():
        if names and name not in names:
            continue
        base = breakages["bases"][case["base"]]
        prepare(base)
        folder = Path(base["folder"])
        with broken(folder, case), held(case.get("hold", [])):
            text, code = run(folder, case)
        text = text.replace(str(folder), base.get("place", str(folder)))
        (labels_file.parent / f"{name}.txt").write_text(text)
        note_exit_code(labels_file, name, code)
        print(f"{code:4d} {len(text):7d} {name}", flush=True)


def note_exit_code(labels_file: Path, name: str, code: int) -> None:
    labels = (yaml.safe_load(labels_file.read_text()) if labels_file.exists() else None) or {}
    labels.setdefault(name, {})["exit_code"] = code
    labels_file.write_text(yaml.safe_dump(labels, sort_keys=False, allow_unicode=True, width=110))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
