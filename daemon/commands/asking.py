"""Asks a running daemon, at the address that its settings name, for its health and its metrics."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from daemon.config import Config
from daemon.probes import Health
from daemon.secrets import first_line
from daemon.web.settings import HttpFiles

_PATIENCE_S = 5.0
_PAGES = ("live", "ready", "degraded")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a daemon answered."""

    trouble: str = ""
    """Why there is no answer; the rest is then empty."""
    state: Literal["absent", "problem"] = "problem"
    reasons: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By health page: what is not well."""
    samples: tuple[Sample, ...] = ()

    def value(self, name: str) -> float | None:
        """The value of a metric without labels."""
        return next((sample.value for sample in self.samples if sample.name == name), None)

    def by_camera(self, name: str) -> dict[str, float]:
        """A metric's value at each camera."""
        return {sample.labels["camera"]: sample.value for sample in self.samples if sample.name == name}

    def labels(self, name: str, label: str) -> list[str]:
        """The values of a label of a metric."""
        return [sample.labels[label] for sample in self.samples if sample.name == name]


def ask(config: Config) -> Asked:
    """Ask the daemon that runs by these settings."""
    http = config.settings.http
    if not http.enabled or not http.port:
        return Asked("its settings name no [http] port at which it could be asked", "absent")
    host = "127.0.0.1" if http.address in ("0.0.0.0", "::", "") else http.address  # noqa: S104 - asked, not bound
    scheme = "https" if config.http_files.encrypted else "http"
    base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{http.port}"
    try:
        client = _Client(config.http_files)
        reasons = {page: client.reasons(f"{base}/health/{page}") for page in _PAGES}
        return Asked(reasons=reasons, samples=tuple(client.samples(f"{base}/metrics")))
    except urllib.error.HTTPError as error:
        with error:
            return Asked(f"{base} answers {error.code}: does the daemon run by these very settings?")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Asked(f"does not answer at {base} ({reason}): systemctl status vigil; journalctl -u vigil -n 50")


class _Client:
    """Shows what the settings demand of clients, and trusts the certificate that they name, whatever its host."""

    def __init__(self, files: HttpFiles) -> None:
        self._headers: dict[str, str] = {}
        if files.token is not None:
            self._headers["Authorization"] = f"Bearer {first_line(files.token, str(files.token), 'a token')}"
        elif files.password is not None:
            pair = first_line(files.password, str(files.password), "user:password")
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._context: ssl.SSLContext | None = None
        if files.certificate is not None:
            self._context = ssl.create_default_context(cafile=files.certificate)
            self._context.check_hostname = False

    def reasons(self, url: str) -> tuple[str, ...]:
        """What a health page says is not well."""
        health = msgspec.json.decode(self._body(url), type=Health)
        return () if health.ok else health.reasons or (health.reason,)

    def samples(self, url: str) -> Iterator[Sample]:
        """Every sample of a metrics page."""
        for family in text_string_to_metric_families(self._body(url).decode()):
            yield from family.samples

    def _body(self, url: str) -> bytes:
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 - http or https, made above
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S, context=self._context) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            with error:
                return error.read()
