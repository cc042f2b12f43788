"""What is a project's own, as far as the output of a command shows it: names, and the roles of files."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What is nobody's own, wherever a path leads through it.
_FOREIGN = re.compile(
    r"[\\/](?:site-packages|dist-packages|node_modules|\.cargo[\\/]registry|\.rustup|rustlib|\.nuget|\.m2|lib[\\/]python[\d.]+)"
    r"[\\/]|^node:|^internal[\\/]|[\\/]rustc[\\/]|^<frozen |^jar:|^<string>$|^<\w+>$",
    re.IGNORECASE,
)
_CONFIG = re.compile(
    r"(?:^|[\\/])(?:"
    r"package(?:-lock)?\.json|npm-shrinkwrap\.json|[tj]sconfig[\w.-]*\.json|angular\.json|nx\.json|project\.json|components\.json"
    r"|pyproject\.toml|setup\.cfg|gunicorn(?:[._]conf(?:ig)?)?\.py|celeryconfig\.py|requirements[\w.-]*\.(?:txt|in)|constraints[\w.-]*\.txt|Pipfile|tox\.ini|pytest\.ini|mypy\.ini|alembic\.ini"
    r"|\.?ruff\.toml|\.flake8|\.coveragerc|\.pylintrc|uv\.toml|poetry\.toml"
    r"|Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|\.?(?:rustfmt|clippy)\.toml|\.cargo[\\/]config(?:\.toml)?|diesel\.toml|sqlx-data\.json"
    r"|pom\.xml|settings\.xml|[\w.-]+\.(?:cs|fs|vb)proj|[\w.-]+\.slnx?|Directory\.(?:Build|Packages)\.(?:props|targets)|nuget\.config|global\.json"
    r"|build\.gradle(?:\.kts)?|settings\.gradle(?:\.kts)?|gradle\.properties|lombok\.config|checkstyle[\w.-]*\.xml"
    r"|application[\w.-]*\.(?:ya?ml|properties)|bootstrap[\w.-]*\.(?:ya?ml|properties)|appsettings[\w.-]*\.json|launchSettings\.json|xunit\.runner\.json"
    r"|log(?:ging|back|4j2?)[\w.-]*\.(?:ya?ml|json|xml|ini|conf|properties|toml)|[\w.-]+\.runsettings"
    r"|(?:vite|vitest|electron\.vite|electron-builder|rollup|webpack|babel|jest|karma|eslint|prettier|postcss|tailwind|playwright|svelte|nuxt|next|tsup|stylelint|commitlint|metro|craco|cypress)"
    r"[\w.-]*\.(?:config|conf)\.[cm]?[jt]sx?"
    r"|electron-builder\.(?:ya?ml|json5?|toml)|\.(?:eslintrc|prettierrc|babelrc|stylelintrc|oxlintrc|swcrc|browserslistrc|mocharc|nycrc|npmrc|yarnrc)[\w.-]*"
    r"|\.env[\w.-]*|docker-compose[\w.-]*\.ya?ml|(?:[\w.-]+\.)?(?:config|settings)\.(?:ya?ml|json5?|toml|ini|properties)|config[\\/][\w.-]+\.(?:ya?ml|json5?|toml|ini)"
    r")$",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"(?:^|[\\/])(?:tests?|__tests__|e2e|spec)[\\/]|(?:^|[\\/])(?:test_[^\\/]+|conftest)\.py$|[._-](?:test|spec)\.[a-z]+$|Tests?\.(?:java|cs|kt)$"
)
_WORD = re.compile(r"[^\s'\"`(),<>|\[\]{}]+")
_SOURCE = re.compile(r"^((?:[A-Za-z]:)?[^:]*[\\/][^:]*)\.(?:py|java|rs|cs|[cm]?[jt]sx?|vue|kt)(?::|$)")
_NAMES = (
    re.compile(r"\buvicorn\b[^\n]*?\s([A-Za-z_]\w*)(?:\.\w+)*:\w+"),
    re.compile(r"\bgunicorn\b[^\n]*?\s([A-Za-z_]\w*)(?:\.\w+)*:\w+"),
    re.compile(r"\bpython[\d.]* -m ([A-Za-z_]\w*)"),
    re.compile(r"--cov[= ]([A-Za-z_]\w*)"),
    re.compile(r"[\\/]([\w-]+)[\\/]\.?venv[\\/]"),
    re.compile(r"^> (@?[\w./-]+)@[\w.+-]+ \w"),
    re.compile(r"\bCompiling ([\w-]+) v[\w.+-]+ \("),
    re.compile(r"\bChecking ([\w-]+) v[\w.+-]+ \("),
    re.compile(r"could not compile `([\w-]+)`(?! \(build)"),
    re.compile(r"failed to run custom build command for `([\w-]+) v[\w.+-]+ \("),
    re.compile(r"\bpackage `([\w-]+) v[\w.+-]+ \("),
    re.compile(r"^\[INFO\] Building ([\w.-]+) \d"),
    re.compile(r"\[INFO\] -+< ([\w.-]+:[\w.-]+) >-+"),
    re.compile(r"[\\/]([\w.-]+)\.(?:cs|fs)proj\b"),
    re.compile(r"Building editable for ([\w-]+)"),
    re.compile(r"^(?:Obtaining file:|Processing )\S*[\\/]([\w.-]+)$"),
    re.compile(r"[\\/]([\w.-]+)[\\/]\.?venv[\\/]"),
    re.compile(r"^rootdir: \S*[\\/]([\w.-]+)"),
)
_JAVA_SOURCE = re.compile(r"src[\\/](?:main|test)[\\/](?:java|kotlin)[\\/]([\w\\/]+)[\\/]\w+\.(?:java|kt)")
_JAVA_CLASS = re.compile(
    r"^\s+at (?:\S+/)?((?:[a-z_]\w*\.)+[a-z_]\w*)\.[A-Z]\w*\.main\(|\bRunning ((?:[a-z_]\w*\.)+[a-z_]\w*)\.[A-Z]|<<< .* in ((?:[a-z_]\w*\.)+[a-z_]\w*)\.[A-Z]"
    r"|\[[ \w,-]*main\] ((?:[a-z_]\w+\.)+[a-z_]\w+)\.[A-Z]\w*Application"
)
# What authors call their own modules far more often than anybody publishes a package of that name.
_USUAL = frozenset(
    [
        "app",
        "src",
        "main",
        "models",
        "model",
        "schemas",
        "schema",
        "routers",
        "router",
        "routes",
        "api",
        "services",
        "service",
        "core",
        "utils",
        "util",
        "helpers",
        "helper",
        "config",
        "settings",
        "database",
        "db",
        "crud",
        "deps",
        "dependencies",
        "handlers",
        "controllers",
        "controller",
        "repositories",
        "repository",
        "domain",
        "lib",
        "common",
        "conftest",
        "tests",
        "test",
        "factories",
        "fixtures",
        "views",
        "tasks",
        "worker",
        "server",
        "backend",
        "exceptions",
        "errors",
        "constants",
        "types",
        "state",
        "middleware",
    ]
)
_HOSTS = ("com.github.", "io.github.", "com.gitlab.", "net.sourceforge.")
_KNOWN_FOREIGN_JAVA = re.compile(
    r"^(?:java|javax|jakarta|org\.(?:springframework|junit|hibernate|apache|slf4j|mockito|assertj|eclipse)|io\.quarkus|com\.(?:fasterxml|google))\b"
)
_FOREIGN_DOTNET = re.compile(r"(?:System|Microsoft)(?:\.|$)")
_GENERIC = frozenset(
    [
        "home",
        "users",
        "user",
        "root",
        "work",
        "workspace",
        "workspaces",
        "build",
        "src",
        "app",
        "opt",
        "var",
        "tmp",
        "usr",
        "dev",
        "runner",
        "code",
        "projects",
        "project",
        "repo",
        "repos",
        "git",
        "c",
        "d",
    ]
)


# Packages of which modules are imported by their whole path.
_PACKAGES = frozenset(
    ("google", "azure", "aws", "django", "flask", "fastapi", "starlette", "pydantic", "sqlalchemy", "celery", "redis")
)


class Project:
    """The names that are the project's own."""

    def __init__(self, lines: Iterable[str], command: str = "") -> None:
        self._names: set[str] = set()
        self._packages: set[str] = set()
        self._crates: set[str] = set()
        for line in (command, *lines):
            if line:
                self._learn(line)

    def owns_python(self, module: str) -> bool:
        """Whether a Python module is the project's."""
        first, dot, _ = module.partition(".")
        if module.startswith(".") or _plain(first) in self._names or first in _USUAL:
            return True
        # Python names the whole path only where it found the first part of it: a package that is there.
        return bool(dot) and first not in _PACKAGES and any(first in name.split("_") for name in self._names)

    def owns_crate(self, name: str) -> bool:
        """Whether a Rust path begins in the project."""
        first = name.strip("`").split("::")[0]
        return first in ("crate", "super", "self", "") or _plain(first) in self._names

    def owns_js(self, specifier: str) -> bool:
        """Whether an import leads into the project."""
        if specifier.startswith((".", "/", "@/", "~/", "~~/", "#", "src/", "$lib", "file:", "virtual:")):
            return "node_modules" not in specifier
        return bool(re.match(r"[A-Za-z]:[\\/]", specifier)) or (
            re.match(
                r"(?:app|shared|components|pages|lib|features|core|environments|assets|renderer|main|preload|@app|@shared|@core|@lib|@components|@features|@env|@renderer|@main)/",
                specifier,
            )
            is not None
        )

    def owns_java(self, name: str) -> bool:
        """Whether a Java package or class is the project's."""
        name = name.replace("/", ".")
        if _KNOWN_FOREIGN_JAVA.match(name):
            return False
        for own in self._packages:
            parts = own.split(".")
            prefix = ".".join(parts[: 3 if own.startswith(_HOSTS) else 2])
            if name == prefix or name.startswith(prefix + "."):
                return True
        return False

    def owns_dotnet(self, name: str) -> bool:
        """Whether a .NET namespace or type is the project's."""
        if _FOREIGN_DOTNET.match(name):
            return False
        return _plain(name.partition(".")[0]) in self._names or any(
            _plain(name).startswith(own) for own in self._names if len(own) > 3
        )

    def _learn(self, line: str) -> None:
        for pattern in _NAMES:
            found = pattern.search(line)
            if found:
                name = found[1]
                if ":" in name:
                    group, _, name = name.partition(":")
                    self._packages.add(group)
                self._names.add(_plain(name))
                if "." in name:
                    self._names.add(_plain(name.partition(".")[0]))
                self._names.add(_plain(name.rpartition("/")[2]))
        if "/" in line or "\\" in line:
            self._learn_paths(line)
        if "main" in line or "unning " in line or "<<<" in line:
            named = _JAVA_CLASS.search(line)
            package = next(filter(None, named.groups()), None) if named else None
            if package and not _KNOWN_FOREIGN_JAVA.match(package):
                self._packages.add(package)

    def _learn_paths(self, line: str) -> None:
        for word in _WORD.findall(line):
            path = _SOURCE.match(word)
            if path:
                self._learn_path(path[1])
        java = _JAVA_SOURCE.search(line)
        if java:
            self._packages.add(java[1].replace("/", ".").replace("\\", "."))

    def _learn_path(self, path: str) -> None:
        if foreign(path):
            return
        parts = [part for part in re.split(r"[\\/]", path)[:-1] if part and part not in (".", "..")]
        for part in parts[-4:]:
            if part.lower() not in _GENERIC and ":" not in part:
                self._names.add(_plain(part))


def foreign(path: str) -> bool:
    """Whether a file is a third party's, or the language's own."""
    return _FOREIGN.search(path) is not None


def is_config(path: str) -> bool:
    """Whether a file's role is configuration."""
    return not foreign(path) and _CONFIG.search(path) is not None


def is_test(path: str) -> bool:
    """Whether a file's role is to hold tests."""
    return _TEST.search(path) is not None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_").lstrip("@").replace("/", "_")
