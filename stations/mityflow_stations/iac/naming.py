"""What an application is called in a cloud, where names are short and hold little but letters and digits."""

from __future__ import annotations

import hashlib
import re

LONGEST = 18
"""Characters: with an environment's name and what resources add, all clouds take it."""


def short_name(app_name: str) -> str:
    """A name of lower-case letters, digits and single hyphens that begins with a letter; the same for the same app.

    >>> short_name("My.Shop_2")
    'my-shop-2'
    """
    words = re.findall("[a-z0-9]+", app_name.lower())
    if not words or words[0][0].isdigit():
        words.insert(0, "app")
    name = "-".join(words)
    if len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(app_name.encode()).hexdigest()[:4]
    return f"{name[: LONGEST - 5].rstrip('-')}-{mark}"
