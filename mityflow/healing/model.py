"""A talk with a language model, through pydantic-ai: bounded in time, tokens and cost, recorded and played back.

Loaded only where a model is asked.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Mapping

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelRetry, ToolOutput, UsageLimits
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    UserError,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from mityflow.healing.agents import AgentSettings, Means, within_budget
from mityflow.healing.bench import Bench
from mityflow.healing.briefing import first_sentence, one_line
from mityflow.healing.case import AgentError, CapReachedError, Cost
from mityflow.healing.cassettes import Tape
from mityflow.healing.exchange import answered, asked, player
from mityflow.healing.hands import Hands
from mityflow.healing.private_loop import run_private
from mityflow.healing.provider import make_model, price

BACKOFF = 0.5
_TRIES = 4
_CORRECTIONS = 3
_HOW = """\
Look at the files with your tools, change them with `edit_file`, and make a new file only where one is missing. A
call that is refused changed nothing. When the change is made, call `done`; where you know no fix, undo nothing and
call `give_up`. You cannot run programs.
"""


class Done(BaseModel):
    """The change is made."""

    title: str = Field(min_length=1, max_length=200, description="One sentence: what was changed.")
    explanation: str = Field("", description="Why this is the cause.")


class GiveUp(BaseModel):
    """There is no fix that could be made with these tools."""

    reason: str = Field(min_length=1, description="One sentence: why not.")


class Talk:
    """One talk, to a change or to none. ``cost`` is what it has used up so far."""

    def __init__(self, settings: AgentSettings, means: Means, spent: Cost, limit: float, tape: Tape | None) -> None:
        self.cost = Cost()
        self.tape = tape
        self.settings = settings
        self.spent = spent
        self.requests = 0
        self._mask = means.mask
        self._env = means.env
        self._limit = limit
        self._end = time.monotonic() + limit

    def hold(self, rules: str, facts: str, output: str, hands: Hands) -> str | None:
        """Let the model work with ``hands``; what it says that it has done, None where it gives up.

        Raises AgentError, with what it cost, for whatever else it ends with; CapReachedError where it makes no
        sense to try again.
        """
        try:
            return run_private(self._held(rules, facts, output, hands))
        except AgentError as error:
            error.cost = self.cost
            raise
        except TimeoutError as error:
            raise self._failed(f"gave no whole answer within {self._limit:.0f} s") from error
        except ModelAPIError as error:
            raise self._provider_failed(error) from error
        except (AgentRunError, UserError) as error:
            raise self._failed(f"gave no answer that can be used: {first_sentence(error)}") from error

    def seconds_left(self) -> float:
        """How much time there is."""
        return self._end - time.monotonic()

    def count(self, response: ModelResponse) -> None:
        """Add up what an answer cost."""
        usage = response.usage
        self.cost += Cost(usage.input_tokens, usage.output_tokens, price(response))

    async def _held(self, rules: str, facts: str, output: str, hands: Hands) -> str | None:
        replaying = self.tape is not None and self.tape.replaying
        inner = player(self.tape, facts) if self.tape and replaying else make_model(self.settings, self._env)
        model = inner if replaying else _Gate(inner, self, facts)
        options: ModelSettings = {"max_retries": 0, "parallel_tool_calls": False}
        if self.settings.max_tokens is not None:
            options["max_tokens"] = self.settings.max_tokens
        agent: Agent[None, Done | GiveUp] = Agent(
            model,
            output_type=[ToolOutput(Done, name="done"), ToolOutput(GiveUp, name="give_up")],
            instructions=f"{rules}\n{_HOW}",
            tools=Bench(hands, self._mask).tools(),
            retries=_CORRECTIONS,
            model_settings=options,
        )

        @agent.output_validator
        async def _changed(said: Done | GiveUp) -> Done | GiveUp:
            if isinstance(said, Done) and not hands.changes:
                raise ModelRetry("Nothing was changed. Change the files with the tools first, or call give_up.")
            return said

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            async with asyncio.timeout(self._limit), model:
                answer = await agent.run(f"{facts}\n\n{output}", usage_limits=UsageLimits(request_limit=None))
        return answer.output.title if isinstance(answer.output, Done) else None

    def _failed(self, what: str) -> AgentError:
        return AgentError(self._mask(f"{self.settings.model} {what}"), cost=self.cost)

    def _provider_failed(self, error: ModelAPIError) -> AgentError:
        if isinstance(error, ModelHTTPError):
            what = f"HTTP {error.status_code}{_told(error.body)}"
        elif isinstance(error, ModelConnectionError):
            what = f"cannot be reached: {_root(error)}"
        else:
            what = f"failed: {first_sentence(error)}"
        if isinstance(error, ModelAuthenticationError | ModelNotFoundError | ModelQuotaExceededError):
            message = self._mask(f"{self.settings.model} cannot be used: {what}")
            return CapReachedError("agents", message, cost=self.cost)
        return self._failed(f"answers with {what}" if what.startswith("HTTP") else what)


class _Gate(WrapperModel):
    """What each request passes: limits before it, further tries where they may help, a look at the answer."""

    def __init__(self, wrapped: Model, talk: Talk, facts: str) -> None:
        super().__init__(wrapped)
        self._talk = talk
        self._facts = facts

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        talk = self._talk
        if talk.requests >= talk.settings.max_requests:
            raise AgentError(f"{talk.settings.model} has been asked {talk.requests} times, and has not come to an end")
        within_budget(talk.settings, talk.spent + talk.cost)
        talk.requests += 1
        response = await self._answered(messages, model_settings, model_request_parameters)
        talk.count(response)
        if talk.tape:
            talk.tape.add(asked(messages, self._facts), answered(response))
        if response.finish_reason == "length":
            raise AgentError(f"the answer of {talk.settings.model} was cut off at its limit of tokens")
        if response.finish_reason == "content_filter":
            raise AgentError(f"{talk.settings.model} refused to answer")
        return response

    async def _answered(
        self, messages: list[ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters
    ) -> ModelResponse:
        for attempt in range(_TRIES):
            try:
                return await self.wrapped.request(messages, settings, parameters)
            except ModelAPIError as error:
                pause = error.retry_after if error.retry_after is not None else BACKOFF * 2**attempt
                if attempt + 1 == _TRIES or not _passing(error) or pause >= self._talk.seconds_left():
                    raise
            await asyncio.sleep(max(0.0, pause))
        raise AssertionError("unreachable")


def _passing(error: ModelAPIError) -> bool:
    """Whether it may be gone when the same is asked again."""
    if isinstance(error, ModelQuotaExceededError):
        return False
    if isinstance(error, ModelHTTPError):
        return error.status_code in (408, 409, 425, 429) or error.status_code >= 500
    return isinstance(error, ModelConnectionError)


def _told(body: object) -> str:
    """The message in the body of a provider's answer."""
    for _ in range(2):
        if isinstance(body, Mapping):
            body = body.get("message") or body.get("error") or ""
    return f": {one_line(body)}" if isinstance(body, str) and body else ""


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return first_sentence(error) or type(error).__name__
