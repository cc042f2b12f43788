"""Words of names and sentences, and which modules are nearest to those of a feature."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ENDING = re.compile(r"(?:ies|ing|es|ed|s|y)$")
# Said in every sentence, or in every source file.
_NO_MEANING = frozenset(
    (*("an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "each", "for", "from", "get", "has",
       "have", "if", "in", "into", "is", "it", "its", "more", "must", "new", "no", "not", "of", "on", "one", "or",
       "other", "should", "so", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to",
       "two", "up", "use", "used", "was", "we", "when", "where", "which", "who", "will", "with", "would", "you"),
     *("test", "tests", "src", "app", "main", "index", "py", "ts", "tsx", "js", "java", "cs", "rs", "com", "org", "mod",
       "lib", "true", "false", "null", "none", "class", "def", "function", "public", "return", "static", "void"))
)  # fmt: skip


class Near(NamedTuple):
    """A module with words of the feature, those that count most first."""

    path: str
    words: tuple[str, ...]
    score: float


def words(*texts: str) -> Counter[str]:
    """The words that mean something, without their endings, and how often they are there."""
    found = [word.lower() for text in texts for word in _WORD.findall(_BREAK.sub(" ", text).replace("_", " "))]
    return Counter(stem(word) for word in found if word not in _NO_MEANING)


def stem(word: str) -> str:
    """A word without what its number or its time adds, so that ``items`` is ``item``."""
    return _ENDING.sub("", word) if len(word) > 3 else word


def nearest(wanted: Mapping[str, int], analysis: Mapping[str, Any], most: int) -> list[Near]:
    """The modules that share words with a feature: in their names, what they give, their routes.

    The rarer the words, the nearer is the module.
    """
    known = {module["path"]: _words_of(module, analysis["routes"]) for module in analysis["modules"]}
    spread = Counter(word for own in known.values() for word in own)
    found = []
    for path, own in known.items():
        weights = {word: wanted[word] * math.log(1 + len(known) / spread[word]) for word in own if word in wanted}
        weights |= {word: 2 * weights[word] for word in _named(path) if word in weights}
        if weights:
            shared = sorted(weights, key=lambda word: (-weights[word], word))
            found.append(Near(path, tuple(shared), round(sum(weights.values()), 3)))
    return sorted(found, key=lambda near: (-near.score, near.path))[:most]


def _words_of(module: Mapping[str, Any], routes: Iterable[Mapping[str, Any]]) -> set[str]:
    served = [f"{route['path']} {route['handler']}" for route in routes if route["file"] == module["path"]]
    return {*_named(module["path"]), *words(*module["defines"], *served)}


def _named(path: str) -> set[str]:
    """The words of a file's own name."""
    return set(words(path.rpartition("/")[2].partition(".")[0]))


def plain_words(sentence: str, most: int) -> Sequence[str]:
    """The words of a sentence that a name can be made of, in lower case."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", sentence).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", plain.replace("'", ""))[:most]
