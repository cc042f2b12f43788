"""The report of ``secure`` as one page that needs nothing else: no script, no address, and every text escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mityflow_stations._security import Judged, rule_of

_TEMPLATE = Path(__file__).with_name("security_page.html.j2")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_TITLES = {
    "secrets": "Secrets",
    "code": "Code",
    "dependencies": "Dependencies",
    "sbom": "SBOM",
    "licences": "Licences",
    "policies": "Policies",
}


def page(about: Mapping[str, Any], found: Judged, outputs: Mapping[str, Any]) -> str:
    """The page; ``about`` says which application it is, and when it was looked at."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = shown
    environment.filters["rule"] = rule_of
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    over = set(found.over)
    return template.render(
        about=about,
        found=found,
        over=over,
        counts=outputs["findings_count"],
        scans=outputs["scans"],
        policies=outputs["policies"],
        licences=outputs["licences"],
        titles=_TITLES,
    )


def shown(text: Any) -> str:
    """A text with what cannot be seen, or turns the writing round, as its number."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", str(text))
