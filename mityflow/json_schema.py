"""The validator of JSON Schema, loaded quickly."""

from __future__ import annotations

import sys

# What jsonschema checks IRIs by, where it happens to be installed, takes a second to load; no other format needs it.
_SLOW = "rfc3987_syntax"
_held = _SLOW not in sys.modules
if _held:
    sys.modules[_SLOW] = None  # type: ignore[assignment]
try:
    from jsonschema import Draft202012Validator
finally:
    if _held:
        del sys.modules[_SLOW]

__all__ = ["Draft202012Validator"]
