"""What stands between braces in the command of an agent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mityflow.errors import nearest

NAMES = ("task_file", "workspace")
_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}")
_BRACES = re.compile(rf"\{{\{{|\b(?:{'|'.join(NAMES)}) *\}}\}}")


def command_problems(part: str) -> Iterator[tuple[str, str | None]]:
    """What is wrong with an argument, as sentences, each with the name that was meant."""
    for name in _PLACEHOLDER.findall(part):
        if name not in NAMES:
            yield f"'{name}' stands for nothing in a command, only {' and '.join(NAMES)} do", nearest(name, NAMES)
    if _BRACES.search(_PLACEHOLDER.sub("", part)):
        yield f"{part!r} holds braces that are no placeholder; write {{{{ task_file }}}} or {{{{ workspace }}}}", None


def filled(part: str, values: Mapping[str, str]) -> str:
    """An argument with the values of its placeholders."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], part)
