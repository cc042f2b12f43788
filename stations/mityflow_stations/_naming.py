"""Where an application's new modules and tests belong, and how its tests are called."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mityflow_stations._analysis.words import plain_words

_LONGEST = 12
_SOURCES = ("Python", "TypeScript", "JavaScript", "Vue", "Java", "C#", "Rust")
_OF_STACKS = {
    "python": "Python",
    "java": "Java",
    "dotnet": "C#",
    "rust": "Rust",
    "frontend": "TypeScript",
    "electron": "TypeScript",
}


class Layout(NamedTuple):
    """Where things belong: folders from the application on, empty for its own."""

    language: str
    modules: str
    tests: str
    form: str
    """How a file of tests is called: ``{snake}``, ``{kebab}`` and ``{pascal}`` are the feature's name."""

    def test_file(self, slug: str) -> str:
        """The file for the tests of a feature."""
        words = slug.split("-")
        forms = {"snake": "_".join(words), "kebab": slug, "pascal": "".join(map(str.capitalize, words))}
        return posixpath.join(self.tests, self.form.format(**forms))

    def test_names(self, sentences: Sequence[str]) -> list[str]:
        """A name for a test of each sentence, each once."""
        found: list[str] = []
        for number, sentence in enumerate(sentences, 1):
            name = _NAMES.get(self.language, _titled)(sentence, number)
            found.append(name if name not in found else _again(name, number, self.language))
        return found


def layout_of(analysis: Mapping[str, Any], near: Sequence[str] = ()) -> Layout:
    """What the application's own files show; ``near`` are modules that the new ones are to be beside."""
    language = _language(analysis)
    modules = [each["path"] for each in analysis["modules"] if each["language"] == language]
    served = [route["file"] for route in analysis["routes"] if not route["file"].endswith(".html")]
    folder = _most_common(near[:1] or served or [path for path in modules if "/" in path] or modules)
    tests = [each["path"] for each in analysis["tests"]]
    return Layout(language, folder, *_tests(language, folder, tests, near, analysis))


def _language(analysis: Mapping[str, Any]) -> str:
    """The language of the stack, else the one with most modules."""
    own = _OF_STACKS.get(str(analysis["stack"] or "").partition("-")[0])
    counts = Counter(each["language"] for each in analysis["modules"] if each["language"] in _SOURCES)
    if own == "TypeScript" and not counts["TypeScript"] and counts["JavaScript"]:
        return "JavaScript"
    return own or (counts.most_common(1)[0][0] if counts else "")


def _most_common(paths: Iterable[str]) -> str:
    counts = Counter(posixpath.dirname(path) for path in paths)
    return min(counts, key=lambda folder: (-counts[folder], folder), default="")


def _tests(
    language: str, folder: str, tests: Sequence[str], near: Sequence[str], analysis: Mapping[str, Any]
) -> tuple[str, str]:
    """The folder for a new file of tests, and how it is called."""
    if language == "Python":
        return _most_common(path for path in tests if path.endswith(".py")) or "tests", "test_{snake}.py"
    if language == "Rust":
        own = next((path for path in tests if "/tests/" in f"/{path}"), "tests/x")
        return posixpath.dirname(own), "{snake}.rs"
    if language == "Java":
        own = _most_common(path for path in tests if path.endswith(".java"))
        return own or folder.replace("src/main/", "src/test/", 1) or "src/test/java", "{pascal}Test.java"
    if language == "C#":
        return _most_common(path for path in tests if path.endswith(".cs")) or "tests", "{pascal}Tests.cs"
    return _of_scripts(language, folder, tests, near, analysis)


def _of_scripts(
    language: str, folder: str, tests: Sequence[str], near: Sequence[str], analysis: Mapping[str, Any]
) -> tuple[str, str]:
    """Beside the tests of the nearest module; where tests are beside what they test, beside new modules."""
    suffix = "js" if language == "JavaScript" else "ts"
    covering = [each["path"] for path in near for each in analysis["tests"] if path in each["covers"]]
    word = "spec" if sum(".spec." in path for path in tests) * 2 > len(tests) else "test"
    form = f"{{kebab}}.{word}.{suffix}"
    beside = any(posixpath.dirname(test) == posixpath.dirname(path) for test in covering[:1] for path in near[:1])
    if beside:
        return folder, form
    return _most_common(covering[:1] or tests) or "tests", form


def _snake(sentence: str, number: int) -> str:
    return "_".join(plain_words(sentence, _LONGEST)) or f"criterion_{number}"


def _camel(sentence: str, number: int) -> str:
    words = plain_words(sentence, _LONGEST) or ["criterion", str(number)]
    name = words[0] + "".join(map(str.capitalize, words[1:]))
    return name if name[0].isalpha() else f"criterion{name}"


def _pascal(sentence: str, number: int) -> str:
    name = _camel(sentence, number)
    return name[0].upper() + name[1:]


def _function(sentence: str, number: int) -> str:
    name = _snake(sentence, number)
    return name if name[0].isalpha() else f"criterion_{name}"


def _titled(sentence: str, number: int) -> str:  # noqa: ARG001 - as all of them
    return sentence.rstrip(".")


def _again(name: str, number: int, language: str) -> str:
    """A name that is taken, with the number of its criterion."""
    if language in ("Python", "Rust"):
        return f"{name}_{number}"
    return f"{name}{number}" if language in ("Java", "C#") else f"{name} ({number})"


_NAMES: dict[str, Callable[[str, int], str]] = {
    "Python": lambda sentence, number: f"test_{_snake(sentence, number)}",
    "Rust": _function,
    "Java": _camel,
    "C#": _pascal,
}
