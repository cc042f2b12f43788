"""What a cassette keeps of a talk with a model, and how it is played back. Loaded only where a model is asked."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel

from mityflow.healing.case import AgentError
from mityflow.healing.cassettes import Tape


def asked(messages: list[ModelMessage], facts: str) -> str:
    """What is new in a request: the facts of the case in the first, then what the tools answered.

    The rules and the output of the command are left out: the former are ours and may change, the latter is never
    quite the same.
    """
    answers = [i for i, message in enumerate(messages) if isinstance(message, ModelResponse)]
    if not answers:
        return facts
    new = [message for message in messages[answers[-1] + 1 :] if isinstance(message, ModelRequest)]
    return "\n".join(_part(part) for message in new for part in message.parts)


def _part(part: Any) -> str:
    name, content = getattr(part, "tool_name", None), getattr(part, "content", "")
    text = content if isinstance(content, str) else repr(content)
    return f"[{name or part.part_kind}] {text}"


def answered(response: ModelResponse) -> dict[str, Any]:
    """What a cassette keeps of an answer; what a model thought is not kept."""
    parts: list[dict[str, Any]] = []
    for part in response.parts:
        if isinstance(part, TextPart):
            parts.append({"text": part.content})
        elif isinstance(part, ToolCallPart):
            parts.append({"tool": part.tool_name, "args": part.args})
    return {"parts": parts, "finish_reason": response.finish_reason}


def player(tape: Tape, facts: str) -> Model:
    """A model that answers what is on a cassette."""

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:  # noqa: ARG001 - its signature
        data = tape.next(asked(messages, facts))
        try:
            parts = [_part_of(part) for part in data["parts"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise tape.misfit() from error
        if data.get("finish_reason") == "length":
            raise AgentError("the recorded answer was cut off at its limit of tokens")
        if data.get("finish_reason") == "content_filter":
            raise AgentError("the recorded answer is a refusal")
        return ModelResponse(parts=parts)

    return FunctionModel(answer)


def _part_of(data: Any) -> TextPart | ToolCallPart:
    if isinstance(data.get("text"), str):
        return TextPart(data["text"])
    tool, args = data["tool"], data["args"]
    if not isinstance(tool, str) or not isinstance(args, str | dict | None):
        raise TypeError("a call has the name of a tool and its arguments")
    return ToolCallPart(tool, args)
