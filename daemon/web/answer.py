"""A request's head -> a whole answer, by a WSGI application."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from daemon.web.access import Access
from daemon.web.call import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Application = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]


class Answering:
    """Answers who may ask, and what can be asked; calls `unauthorised` with the address of who may not."""

    def __init__(self, application: Application, access: Access, unauthorised: Callable[[str, str], None]) -> None:
        self._application = application
        self._access = access
        self._unauthorised = unauthorised

    def __call__(self, head: bytes, who: str) -> bytes:
        """The answer, from status line to body. Raises Refused for what is no request."""
        environ = _environ(head)
        shown = environ.get("HTTP_AUTHORIZATION")
        if not self._access.admits(shown):
            self._unauthorised(who, "a wrong token or password" if shown else "no token or password")
            return _whole("401 Unauthorized", self._access.challenge(), b"", body_too=True)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _whole("405 Method Not Allowed", [("Allow", "GET, HEAD")], b"", body_too=True)
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            told[:] = [status, headers]
            return lambda _: None

        body = b"".join(self._application(environ, cast("StartResponse", start_response)))
        return _whole(told[0], told[1], body, body_too=environ["REQUEST_METHOD"] == "GET")


def _environ(head: bytes) -> WSGIEnvironment:
    line, _, rest = head.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused("malformed", "does not speak HTTP/1")
    fields, _, more = rest.partition(b"\r\n\r\n") if rest != b"\r\n" else (b"", b"", b"")
    try:
        headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    except (http.client.HTTPException, ValueError):
        raise Refused("malformed", "sends headers that cannot be read") from None
    if more or headers.get("Content-Length", "0").strip() != "0" or "Transfer-Encoding" in headers:
        raise Refused("too_long", "sends a body, where there is only something to read")
    path, _, query = words[1].partition("?")
    environ: dict[str, Any] = {"REQUEST_METHOD": words[0], "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return environ


def _whole(status: str, headers: list[tuple[str, str]], body: bytes, *, body_too: bool) -> bytes:
    own = [("Content-Length", str(len(body))), ("Connection", "close")]
    kept = [each for each in headers if each[0].lower() not in {"content-length", "connection"}]
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (*kept, *own))]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body if body_too else b"")
