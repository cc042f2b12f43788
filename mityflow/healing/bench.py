"""The tools of a model: what it may do with an application's files. It is told why a call was not done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic_ai import ToolFailed

from mityflow.errors import MityError
from mityflow.healing.case import AgentError, NotAllowedError
from mityflow.healing.hands import Hands

_MOST_PATHS = 500
_MOST_LINES = 400
_LONGEST = 24_000
_MOST_REFUSED = 12

T = TypeVar("T")


class Bench:
    """Tools over an application's files. Their docstrings are what the model reads.

    A call that cannot be done raises ToolFailed, and AgentError once that was so too often.
    """

    def __init__(self, hands: Hands, mask: Callable[[str], str]) -> None:
        self._hands = hands
        self._mask = mask
        self._refused = 0

    def tools(self) -> list[Callable[..., Awaitable[str]]]:
        """All of them."""
        return [
            self.list_files,
            self.read_file,
            self.search,
            self.edit_file,
            self.create_file,
            self.delete_file,
        ]

    async def list_files(self, pattern: str = "**") -> str:
        """List the paths of the project's files that match a pattern, such as `src/**` or `*.py`.

        Args:
            pattern: `*` stays within a name, `**` spans folders.
        """
        paths = self._do(lambda: self._hands.files(pattern))
        more = [f"... and {len(paths) - _MOST_PATHS} more; use a narrower pattern"] if len(paths) > _MOST_PATHS else []
        return self._mask("\n".join([*paths[:_MOST_PATHS], *more])) or "no file matches"

    async def read_file(self, path: str, first_line: int = 1, lines: int = _MOST_LINES) -> str:
        """Read lines of a file. The first line of the answer says which these are; the others are as in the file.

        Args:
            path: As in the list of files.
            first_line: The number of the first line that is wanted, from 1.
            lines: How many lines, at most 400.
        """
        whole = self._do(lambda: self._hands.read(path)).splitlines(keepends=True)
        first = max(1, first_line)
        wanted = whole[first - 1 : first - 1 + max(0, min(lines, _MOST_LINES))]
        text, end = "", first - 1
        for line in wanted:
            if text and len(text) + len(line) > _LONGEST:
                break
            text, end = text + line, end + 1
        return f"lines {first} to {end} of {len(whole)}:\n{self._mask(text[:_LONGEST])}"

    async def search(self, text: str, pattern: str = "**") -> str:
        """Find the lines that hold a text, as `path:line: text`, at most 200.

        Args:
            text: What is searched for, letter by letter.
            pattern: Only in files that match it.
        """
        found = self._do(lambda: self._hands.search(text, pattern)) if text else []
        return self._mask("\n".join(f"{m.path}:{m.line}: {m.text}" for m in found)[:_LONGEST]) or "no line holds it"

    async def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace a text in a file. It must stand there exactly once: take as many lines as make it so.

        Args:
            path: As in the list of files.
            old: The text as it stands in the file, with its white space.
            new: What takes its place.
        """
        self._do(lambda: self._hands.replace(path, old, new))
        return f"{path} is changed"

    async def create_file(self, path: str, text: str) -> str:
        """Make a file that is not there yet.

        Args:
            path: Relative to the project, with `/`.
            text: The whole text of the file.
        """
        self._do(lambda: self._create(path, text))
        return f"{path} is made"

    async def delete_file(self, path: str) -> str:
        """Delete a file.

        Args:
            path: As in the list of files.
        """
        self._do(lambda: self._hands.delete(path))
        return f"{path} is deleted"

    def _create(self, path: str, text: str) -> None:
        if self._hands.exists(path):
            raise NotAllowedError(f"'{path}' is there already; change it with edit_file")
        self._hands.write(path, text)

    def _do(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except (MityError, OSError, ValueError) as error:
            self._refused += 1
            if self._refused > _MOST_REFUSED:
                raise AgentError(
                    f"the model tried {self._refused} things that are not possible or not allowed"
                ) from error
            raise ToolFailed(self._mask(error.message if isinstance(error, MityError) else str(error))) from error
