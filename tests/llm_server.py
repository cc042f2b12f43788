"""A small server on this machine that speaks the protocols of model providers, with answers that a test writes.

It knows the chat completions of OpenAI and the messages of Anthropic, and keeps every request it gets.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Says(NamedTuple):
    """An answer of the model: calls of tools, or a text; ``cut`` when its limit of tokens was reached."""

    calls: tuple[tuple[str, Any], ...] = ()
    text: str | None = None
    cut: bool = False
    refusal: bool = False
    tokens: tuple[int, int] = (1000, 100)


class Status(NamedTuple):
    """An answer of the server in place of the model's."""

    code: int
    body: Any = {"error": {"message": "something is wrong"}}
    headers: Mapping[str, str] = {}


class Raw(NamedTuple):
    """Any bytes, as a success."""

    body: bytes


class Silence(NamedTuple):
    """No answer at all, until the server is stopped."""


def call(tool: str, **args: Any) -> Says:
    return Says(((tool, args),))


def done(title: str = "mended it") -> Says:
    return call("done", title=title)


class ModelServer:
    """The answers in their order; the last one is given for ever. ``requests`` are those that came."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def text(self) -> str:
        """All that was sent to the model."""
        return json.dumps(self.requests, ensure_ascii=False)

    def sent(self, number: int) -> str:
        """The text of the messages of one request."""
        messages = self.requests[number]["messages"]
        return "\n".join(m["content"] if isinstance(m.get("content"), str) else json.dumps(m) for m in messages)

    def next(self, headers: Mapping[str, str], body: dict[str, Any]) -> Any:
        with self._lock:
            self.requests.append(body)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model_server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = model_server.next(self.headers, body)
                if isinstance(answer, Silence):
                    model_server.stopped.wait(60)
                    self.close_connection = True
                elif isinstance(answer, Status):
                    self.send(answer.code, json.dumps(answer.body).encode(), answer.headers)
                elif isinstance(answer, Raw):
                    self.send(200, answer.body, {})
                elif body.get("stream"):
                    self.send(200, anthropic_stream(anthropic(answer, body)), {"Content-Type": "text/event-stream"})
                else:
                    form = anthropic if self.path.endswith("/messages") else openai
                    self.send(200, json.dumps(form(answer, body)).encode(), {})

            def send(self, code: int, data: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(code)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def openai(answer: Says, request: Mapping[str, Any]) -> dict[str, Any]:
    calls = [
        {"id": f"call-{i}", "type": "function", "function": {"name": name, "arguments": _arguments(args)}}
        for i, (name, args) in enumerate(answer.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.refusal:
        message["refusal"] = "I cannot help with that."
    if calls:
        message["tool_calls"] = calls
    reason = "length" if answer.cut else "tool_calls" if calls else "stop"
    sent, given = answer.tokens
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given},
    }


def anthropic(answer: Says, request: Mapping[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": args}
        for i, (name, args) in enumerate(answer.calls)
    ]
    reason = "max_tokens" if answer.cut else "refusal" if answer.refusal else "tool_use" if answer.calls else "end_turn"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": answer.tokens[0], "output_tokens": answer.tokens[1]},
    }


def anthropic_stream(message: Mapping[str, Any]) -> bytes:
    """The same answer in pieces."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            start, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": _arguments(block["input"])}
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": message["usage"]})
    events.append({"type": "message_stop"})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def _arguments(args: Any) -> str:
    return args if isinstance(args, str) else json.dumps(args)


@contextmanager
def model_server(*answers: Any) -> Iterator[ModelServer]:
    server = ModelServer(list(answers))
    try:
        yield server
    finally:
        server.stop()
