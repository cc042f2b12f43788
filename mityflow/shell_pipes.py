"""Which values of a bash script may reach the standard input of a program that runs what it reads.

A value is meant by its offset here, and of several the first stands for all: one is enough to refuse.
"""

from __future__ import annotations

from collections.abc import Sequence

from mityflow.shell_commands import Command, reads_code, refuse


class Frame:
    """Where the reading of a list of commands stands.

    ``command`` is the current one; ``pipeline`` are those before it in its pipeline, and ``written`` is
    a value that these may write. ``opened`` has, for each compound command that is being read, how many
    values stood before it; ``piped`` is a value that comes to these through a pipe.
    """

    __slots__ = ("_inherited", "command", "opened", "piped", "pipeline", "written")

    def __init__(self, piped: int | None) -> None:
        self.command = Command()
        self.pipeline: list[Command] = []
        self.written: int | None = None
        self.opened: list[int] = []
        self.piped = self._inherited = piped

    @property
    def read_from_pipe(self) -> int | None:
        """A value that the current command may read from a pipe."""
        return _first(self.piped, self.written)

    @property
    def goes_on(self) -> bool:
        """Whether a line break here ends nothing, since it follows a pipe."""
        return bool(self.pipeline) and self.command.begins and not self.command.compound

    def end_command(self, *, piped: bool) -> None:
        """The current command has ended; ``piped`` when what follows reads from it."""
        self.pipeline.append(self.command)
        self.written = _first(self.written, self.command.value)
        self.command = Command()
        if not piped:
            self.pipeline = []
            self.written = None
            if not self.opened:
                self.piped = self._inherited


class Pipes:
    """Follows values through pipes, redirections, compound commands and functions.

    Functions are judged at the end, when all are known: any that is given a value to read, in a script
    where something runs what it reads, and any whose output such a program reads.
    """

    def __init__(self) -> None:
        self._runner: str | None = None
        self._functions: set[str] = set()
        self._fed: dict[str, int] = {}
        self._writers: set[str] = set()

    def define(self, function: str | None) -> None:
        """The script defines this function."""
        self._functions.add(function or "")

    def command_ends(self, frame: Frame) -> None:
        """Judge the frame's current command, which is complete."""
        command = frame.command
        read = _first(command.fed, frame.read_from_pipe)
        program = reads_code(command)
        if program:
            self._runner = program
            self._writers |= {earlier.name for earlier in frame.pipeline if earlier.name}
            _refuse(read, program)
        if command.name and read is not None:
            self._fed.setdefault(command.name, read)

    def feed(self, command: Command, value: int | None) -> None:
        """The command's standard input holds the value."""
        command.fed = _first(command.fed, value)
        if value is None:
            return
        if command.name:
            self._fed.setdefault(command.name, value)
        if command.compound and self._runner:
            _refuse(value, self._runner)

    def feed_document(self, frame: Frame, command: Command, pipeline: Sequence[Command], value: int | None) -> None:
        """The command's here-document, which follows the line that it stands on, holds the value."""
        self.feed(command, value)
        if pipeline is frame.pipeline:
            frame.written = _first(frame.written, value)
        after = pipeline[pipeline.index(command) :] if command in pipeline else [command]
        for reader in after:
            program = reads_code(reader)
            if program:
                _refuse(value, program)

    def script_ends(self, value: int | None) -> None:
        """Judge the functions; ``value`` is any value of the script."""
        if self._runner:
            for name in self._functions & self._fed.keys():
                _refuse(self._fed[name], self._runner)
            if self._functions & self._writers:
                _refuse(value, self._runner)


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def _refuse(value: int | None, program: str) -> None:
    if value is not None:
        refuse(value, f"in what '{program}' reads and runs")
