"""The HTTP stage: ``/metrics`` for Prometheus, the pages under ``/health`` for whoever watches."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

import msgspec
from prometheus_client import CollectorRegistry, make_wsgi_app

from daemon.web.access import Access
from daemon.web.answer import Answering, Application
from daemon.web.front import Front
from daemon.web.settings import HttpFiles, HttpSettings
from engines.errors import VigilError
from pipelines.guard.refusals import Refusals
from pipelines.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Health", "Http", "HttpSettings"]

_log = logging.getLogger("vigil.http")

LISTENER = "http"
"""What refusals and connections are counted under."""
_PAGES = b'{"pages":["/metrics","/health/live","/health/ready","/health/degraded"]}'
_WAIT_S = 0.1
_BACKLOG = 128


class Health(msgspec.Struct, frozen=True):
    """What the health pages say."""

    ok: bool
    reason: str = ""
    reasons: tuple[str, ...] = ()
    """Where there may be several; `reason` has them all."""


class Http:
    """A stage that answers requests; owns its listening socket and every connection."""

    name = "http"

    def __init__(  # noqa: PLR0913 - three pages, and what they are served by
        self,
        settings: HttpSettings,
        registry: CollectorRegistry,
        live: Callable[[], Health],
        ready: Callable[[], Health],
        degraded: Callable[[], Health] = lambda: Health(ok=True),
        *,
        files: HttpFiles | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Serve by `settings` and the `files` that they name; `metrics` counts clients and refusals."""
        self._settings = settings
        self._metrics = metrics
        self._access = Access(files or HttpFiles())
        pages = {"/health/live": live, "/health/ready": ready, "/health/degraded": degraded}
        self._refusals = Refusals(LISTENER, lambda _: None) if metrics is None else Refusals.of(metrics, LISTENER)
        self._answer = Answering(_application(registry, pages), self._access, self._turned_away)
        self._front: Front | None = None
        self.port = settings.port
        """The port that is listened on, once open."""

    def open(self) -> None:
        """Bind and listen; raises `VigilError` when the address cannot be had."""
        address, port = self._settings.address, self._settings.port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            self._access.load()
            listener = socket.create_server((address, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error.strerror
            raise VigilError(f"{address}:{port} cannot be listened on ({reason}); set [http] port") from error
        self.port = int(listener.getsockname()[1])
        count = (lambda _: None) if self._metrics is None else self._metrics.connections.labels(LISTENER).set
        self._front = Front(listener, self._answer, self._access, self._refusals, count)
        scheme = "http" if self._access.tls is None else "https"
        _log.info("metrics at %s://%s:%d/metrics", scheme, address, self.port)

    def step(self) -> bool:
        """See to requests, or return after a tenth of a second."""
        assert self._front is not None
        self._access.refresh()
        self._front.step(_WAIT_S)
        return True

    def close(self) -> None:
        """Stop listening and hang up."""
        if self._front is not None:
            self._front.close()

    def _turned_away(self, who: str, told: str) -> None:
        self._refusals.note("unauthorised", who, told)


def _application(registry: CollectorRegistry, pages: dict[str, Callable[[], Health]]) -> Application:
    metrics = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return cast("Iterable[bytes]", metrics(environ, start_response))
        page = pages.get(path)
        health = None if page is None else page()
        status = "404 Not Found" if health is None else "200 OK" if health.ok else "503 Service Unavailable"
        body = msgspec.json.encode(health) if health else _PAGES
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    return answer
