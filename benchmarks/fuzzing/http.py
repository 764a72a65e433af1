"""The head of an HTTP request, as the page of metrics and health takes it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, make_wsgi_app

from benchmarks.fuzzing.mutate import spoil_text
from benchmarks.fuzzing.target import Target, Workshop, require
from daemon.web.access import Access
from daemon.web.answer import Answering
from daemon.web.call import MOST_HEAD_BYTES, Refused
from daemon.web.settings import HttpFiles

_TOKEN = b"a-token-of-some-length"
_END = b"\r\n\r\n"


def http_target(workshop: Workshop) -> Target:
    """`daemon.web.answer.Answering`: whoever does not show the token gets nothing."""
    file = workshop.folder / "token"
    file.write_bytes(_TOKEN)
    access = Access(HttpFiles(token=file))
    access.load()
    answering = Answering(make_wsgi_app(CollectorRegistry()), access, lambda _who, _why: None)

    def check(data: bytes) -> bool:
        if _END not in data or len(data) > MOST_HEAD_BYTES:
            return False  # the connection waits for more, or is cut off
        try:
            answer = answering(data, "10.0.0.9")
        except Refused:
            return False
        head, _, body = answer.partition(_END)
        status = head.split(b" ", 2)[1]
        require(head.startswith(b"HTTP/1.1 "), f"an answer that begins with {head[:40]!r}")
        require(status in {b"200", b"401", b"405"}, f"status {status!r}")
        require(head.lower().count(b"content-length:") == 1, "not one length")
        require(b"evil" not in head.lower(), "the answer repeats what was asked")
        require(status != b"200" or _TOKEN in data, "let in without the token")
        require(status == b"200" or not body, "a body for who may not ask")
        return status == b"200"

    asked = b"GET /metrics?evil=1 HTTP/1.1\r\nHost: 10.0.0.7:9464\r\nAccept: text/plain\r\nX-Evil: evil\r\n"
    seeds = [
        asked + b"Authorization: Bearer " + _TOKEN + _END,
        asked.replace(b"GET", b"HEAD") + b"Authorization: Bearer " + _TOKEN + _END,
        asked + b"Authorization: Basic dXNlcjpwYXNz" + _END,
        b"GET / HTTP/1.0" + _END,
    ]
    return Target("http", seeds, spoil_text, check)
