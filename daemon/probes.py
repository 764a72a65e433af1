"""The HTTP address: ``/metrics`` for Prometheus, the pages under ``/health`` for whoever watches."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import msgspec
from prometheus_client import CollectorRegistry, make_wsgi_app

from engines.errors import VigilError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger("vigil.http")

_CLIENTS = 4
"""Requests answered at a time; one more is turned away."""
_PAGES = b'{"pages":["/metrics","/health/live","/health/ready","/health/degraded"]}'
_PATIENCE_S = 2.0
"""How long a client may keep a socket waiting."""


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where metrics and health are served."""

    enabled: bool = True
    address: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 9464
    """0 takes a free port, which the log names."""


class Health(msgspec.Struct, frozen=True):
    """What the health pages say."""

    ok: bool
    reason: str = ""
    reasons: tuple[str, ...] = ()
    """Where there may be several; `reason` has them all."""


class Http:
    """A stage that answers requests; owns its listening socket."""

    name = "http"

    def __init__(
        self,
        settings: HttpSettings,
        registry: CollectorRegistry,
        live: Callable[[], Health],
        ready: Callable[[], Health],
        degraded: Callable[[], Health] = lambda: Health(ok=True),
    ) -> None:
        self._settings = settings
        pages = {"/health/live": live, "/health/ready": ready, "/health/degraded": degraded}
        self._app = _application(registry, pages)
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, once open."""
        return self._settings.port if self._server is None else self._server.server_port

    def open(self) -> None:
        """Bind and listen; raises `VigilError` when the address cannot be had."""
        where = f"{self._settings.address}:{self._settings.port}"
        try:
            self._server = _Server((self._settings.address, self._settings.port), _Handler)
        except OSError as error:
            raise VigilError(f"{where} cannot be listened on ({error.strerror}); set [http] port") from error
        self._server.set_app(self._app)
        self._server.timeout = 0.25
        _log.info("metrics at http://%s:%d/metrics", self._settings.address, self._server.server_port)

    def step(self) -> bool:
        """Hand the next request to an answering thread, or return after a quarter of a second."""
        assert self._server is not None
        self._server.handle_request()
        return True

    def close(self) -> None:
        """Stop listening and let answers in progress end."""
        if self._server is not None:
            self._server.server_close()


def _application(registry: CollectorRegistry, pages: dict[str, Callable[[], Health]]) -> Any:
    metrics = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return cast("Iterable[bytes]", metrics(environ, start_response))
        page = pages.get(path)
        health = None if page is None else page()
        status = "404 Not Found" if health is None else "200 OK" if health.ok else "503 Service Unavailable"
        body = msgspec.json.encode(health) if health else _PAGES
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


class _Server(WSGIServer):
    """Answers on a few threads, and turns away what is more."""

    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, *arguments: Any) -> None:
        self._pool = ThreadPoolExecutor(_CLIENTS, thread_name_prefix="http")
        self._free = threading.BoundedSemaphore(_CLIENTS)
        self._links: set[socket.socket] = set()
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host's name that the base class makes, which can hang."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread of the pool, when one is free."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._links.add(request)
        self._pool.submit(self._answer, request, client_address)

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError as error:
            _log.debug("a client went away: %s", error)
        finally:
            self._links.discard(request)
            self.shutdown_request(request)
            self._free.release()

    def server_close(self) -> None:
        """Close the listening socket, hang up on clients and join the answering threads."""
        super().server_close()
        for link in tuple(self._links):
            with contextlib.suppress(OSError):  # it may have hung up meanwhile
                link.shutdown(socket.SHUT_RDWR)
        self._pool.shutdown(wait=True, cancel_futures=False)


class _Handler(WSGIRequestHandler):
    """One request a connection, with a bound on waiting and no line on stderr."""

    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log at debug level instead of writing to stderr."""
        _log.debug(format, *args)
