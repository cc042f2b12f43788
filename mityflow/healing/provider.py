"""The model that a team chose, with its key and address from the run's environment, and what it costs.

Loaded only where a model is asked.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider, infer_provider_class
from pydantic_ai.usage import RequestUsage

from mityflow.errors import UsageError
from mityflow.healing.agents import AgentSettings
from mityflow.healing.briefing import first_sentence

_ENVIRONMENT = threading.Lock()


def check(settings: AgentSettings, env: Mapping[str, str]) -> None:
    """Raises UsageError where the model cannot be asked: it is not known, its key or its price is not there."""
    model = make_model(settings, env)
    if settings.max_cost_usd is not None and price(_sample(model)) is None:
        raise UsageError(
            "its price is not known, so the limit of cost cannot hold",
            hint="leave 'max_cost_usd' out; 'max_tokens' and 'max_requests' bound what it uses",
        )


def make_model(settings: AgentSettings, env: Mapping[str, str]) -> Model:
    """The model as the settings name it. Raises UsageError where there is none, or its key is missing."""

    def provider(name: str) -> Provider[Any]:
        if not settings.base_url:
            return infer_provider(name)
        try:
            return infer_provider_class(name)(base_url=settings.base_url)  # type: ignore[call-arg]
        except TypeError as error:
            raise UserError(f"the provider '{name}' takes no 'base_url'") from error

    try:
        with _environment(env):
            return infer_model(settings.model, provider_factory=provider)
    except ImportError as error:
        raise UsageError(f"a library is missing: {first_sentence(error)}") from error
    except (UserError, ValueError) as error:
        names = re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", str(error))
        if names:
            needed = " and ".join(dict.fromkeys(names))
            raise UsageError(f"{needed} is not set", hint="set it in the environment of the run") from error
        raise UsageError(first_sentence(error)) from error
    except Exception as error:
        raise UsageError(f"{type(error).__name__}: {first_sentence(error)}") from error


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    """While a provider reads its key and address, the environment of the process is the run's."""
    with _ENVIRONMENT:
        before = dict(os.environ)
        os.environ.update(env)
        try:
            yield
        finally:
            for name in env:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    os.environ.pop(name, None)


def _sample(model: Model) -> ModelResponse:
    usage = RequestUsage(input_tokens=1000, output_tokens=1000)
    return ModelResponse(
        parts=[], usage=usage, model_name=model.model_name, provider_name=model.system, provider_url=model.base_url
    )


def price(response: ModelResponse) -> float | None:
    """What an answer cost in US dollars; None where the price is not known."""
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError, AssertionError):
        return None
