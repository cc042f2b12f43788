"""A server that knows the advisories of one package, as npm, pip-audit and OSV ask for them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADVISORY = "GHSA-aaaa-bbbb-cccc"
OSV = {
    "id": ADVISORY,
    "summary": "Badlib runs what it is sent",
    "aliases": ["CVE-2026-0001"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"name": "badlib", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            "versions": ["1.0"],
        }
    ],
}


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        self.server.asked.append((self.path, body))
        if self.server.refuses:
            self.send_error(405)
        elif self.path == "/v1/query":
            self._answer({"vulns": [OSV]} if body["package"]["name"] == "badlib" else {})
        elif self.path == "/v1/querybatch":
            hits = ["badlib" in query["package"]["purl"] for query in body["queries"]]
            self._answer({"results": [{"vulns": [{"id": ADVISORY}]} if hit else {} for hit in hits]})
        elif self.path == "/-/npm/v1/security/advisories/bulk":
            known = {
                "id": 1,
                "url": f"https://example.org/advisories/{ADVISORY}",
                "title": OSV["summary"],
                "severity": "moderate",
                "vulnerable_versions": "<2.0.0",
            }
            self._answer({"badlib": [known]} if "badlib" in body else {})
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        if self.path == f"/v1/vulns/{ADVISORY}":
            self._answer(OSV)
        else:
            self.send_error(404)

    def _answer(self, data: Any) -> None:
        text = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    refuses: bool
    asked: list[tuple[str, Any]]


@contextmanager
def advisories(*, refuses: bool = False) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """The server's address, and what it is asked; one that ``refuses`` answers 405, as some mirrors do."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.refuses, server.asked = refuses, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
