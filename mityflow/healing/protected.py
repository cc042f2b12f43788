from fnmatch import fnmatch
from pathlib import Path

from mityflow.errors import UsageError


def protected(path, patterns):
    return next(
        (p for p in patterns if fnmatch(path, p) or ("/" not in p and fnmatch(path.rpartition("/")[2], p))), None
    )


def resolved(root, path):
    place = Path(root, path)
    if not place.resolve().is_relative_to(Path(root).resolve()):
        raise UsageError(f"'{path}' is outside")
    return place
