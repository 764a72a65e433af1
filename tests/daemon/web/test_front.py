"""What a client may not do, over real sockets."""

from __future__ import annotations

import base64
import contextlib
import http.client
import logging
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from daemon.errors import SettingsError
from daemon.probes import Health, Http
from daemon.web import call, front
from daemon.web.access import Access
from daemon.web.answer import Answering
from daemon.web.call import Refused
from daemon.web.settings import HttpFiles, HttpSettings, find_files
from daemon.worker import Worker
from pipelines.metrics import Metrics
from tests.certificates import make_certificate
from tests.daemon.stages import until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class Served:
    def __init__(self, stage: Http, registry: CollectorRegistry) -> None:
        self.stage = stage
        self._registry = registry

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.stage.port), timeout=10)

    def refused(self, reason: str) -> float:
        labels = {"listener": "http", "reason": reason}
        return self._registry.get_sample_value("vigil_refused_total", labels) or 0.0

    def status(self, headers: dict[str, str] | None = None, trust: ssl.SSLContext | None = None) -> int:
        where = ("127.0.0.1", self.stage.port)
        link = (
            http.client.HTTPConnection(*where, timeout=10)
            if trust is None
            else http.client.HTTPSConnection(*where, timeout=10, context=trust)
        )
        with contextlib.closing(link):
            time.sleep(0.01)  # the rate of connections is bounded
            link.request("GET", "/metrics", headers=headers or {})
            answer = link.getresponse()
            answer.read()
            return answer.status


@contextmanager
def served(files: HttpFiles | None = None) -> Iterator[Served]:
    registry = CollectorRegistry()

    def well() -> Health:
        return Health(ok=True)

    stage = Http(HttpSettings(port=0), registry, well, well, files=files, metrics=Metrics(registry))
    worker = Worker(stage, "http")
    worker.start()
    until(lambda: worker.opened)
    try:
        yield Served(stage, registry)
    finally:
        worker.stop()
        assert worker.join(5.0)
        assert worker.error is None


def certificate(folder: Path, name: str) -> HttpFiles:
    files = HttpFiles(certificate=folder / f"{name}.pem", certificate_key=folder / f"{name}.key")
    assert files.certificate is not None
    assert files.certificate_key is not None
    make_certificate(files.certificate, files.certificate_key, name)
    return files


def test_a_slow_loris_is_cut_off_and_named_while_others_are_answered(caplog: pytest.LogCaptureFixture) -> None:
    with served() as made:
        slow = [made.connect() for _ in range(20)]
        for link in slow:
            link.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        end = time.monotonic() + 20
        while made.refused("too_slow") < 20 and time.monotonic() < end:
            assert made.status() == 200
            for link in slow:
                with contextlib.suppress(OSError):
                    link.send(b"x")
            time.sleep(0.1)
        assert made.refused("too_slow") == 20
        assert "http: refused 127.0.0.1: no whole request within 2 s" in caplog.text
        for link in slow:
            link.close()


def test_who_does_not_read_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_WHOLE_S", 0.3)
    with served() as made, socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        link.connect(("127.0.0.1", made.stage.port))
        monkeypatch.setattr(made.stage._front, "_answer", lambda _head, _who: bytes(16 << 20))
        link.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        until(lambda: made.refused("too_slow") == 1)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET /metrics HTTP/1.1\r\n" + b"X-Y: " + b"z" * 100_000, "too_long"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n", "too_long"),
        (b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "too_long"),
        (b"GET /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "too_long"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "malformed"),
        (b"GET /metrics\r\n\r\n", "malformed"),
        (b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", "malformed"),
    ],
)
def test_what_is_no_modest_request_is_cut_off(sent: bytes, reason: str) -> None:
    with served() as made, made.connect() as link:
        with contextlib.suppress(OSError):
            link.sendall(sent)
        until(lambda: made.refused(reason) == 1)
        with contextlib.suppress(ConnectionError):
            assert link.recv(100) == b""
        assert made.status() == 200


def test_a_body_of_100_mb_is_not_taken_in() -> None:
    with served() as made, made.connect() as link:
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it happens
            link.sendall(b"POST /metrics HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n" + bytes(100 << 20))
        until(lambda: made.refused("too_long") == 1)


def test_of_many_connections_the_idle_make_room(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "_BURST", 100_000.0)
    with served() as made:
        links = [made.connect() for _ in range(300)]
        for _ in range(10):
            assert made.status() == 200
        until(lambda: made.refused("too_many") >= 300 - front.MOST_CONNECTIONS)
        assert "http: refused 127.0.0.1: 64 connections are the most" in caplog.text
        for link in links:
            link.close()


def test_the_rate_of_connections_is_bounded_for_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "_BURST", 5.0)
    monkeypatch.setattr(front, "_MOST_PER_S", 0.0)
    with served() as made:
        for _ in range(10):
            with contextlib.suppress(OSError, http.client.HTTPException):
                made.status()
        until(lambda: made.refused("too_many") == 5)


def test_a_token_or_a_password_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "token").write_text("tok3n\n")
    (tmp_path / "password").write_text("prometheus:s3cret\n")
    basic = {"Authorization": "Basic " + base64.b64encode(b"prometheus:s3cret").decode()}
    with (
        caplog.at_level(logging.DEBUG),
        served(HttpFiles(token=tmp_path / "token", password=tmp_path / "password")) as made,
    ):
        assert made.status() == 401
        assert made.status({"Authorization": "Bearer tok3"}) == 401
        assert made.status({"Authorization": "Basic ====="}) == 401
        assert made.status({"Authorization": "Bearer tok3n"}) == 200
        assert made.status(basic) == 200
        assert made.refused("unauthorised") == 3
        (tmp_path / "token").write_text("another\n")
        until(lambda: made.status({"Authorization": "Bearer another"}) == 200)
        assert made.status({"Authorization": "Bearer tok3n"}) == 401
    assert "127.0.0.1: no token or password" in caplog.text
    for secret in ("tok3", "s3cret", "another", basic["Authorization"]):
        assert secret not in caplog.text


def test_a_token_file_that_becomes_empty_keeps_the_former(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "token").write_text("tok3n")
    with served(HttpFiles(token=tmp_path / "token")) as made:
        assert made.status({"Authorization": "Bearer tok3n"}) == 200
        (tmp_path / "token").write_text("")
        until(lambda: "the former stay in force" in caplog.text)
        assert made.status({"Authorization": "Bearer tok3n"}) == 200
        assert made.status({"Authorization": "Bearer "}) == 401


def test_https_with_a_certificate_that_is_changed_at_work(tmp_path: Path) -> None:
    files, later = certificate(tmp_path, "one"), certificate(tmp_path, "two")
    assert files.certificate is not None
    assert later.certificate is not None
    old, new = (ssl.create_default_context(cafile=str(f.certificate)) for f in (files, later))
    with served(files) as made, made.connect() as silent, made.connect() as plain:
        assert made.status(trust=old) == 200
        plain.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        until(lambda: made.refused("handshake") == 1)
        for name in ("key", "pem"):
            shutil.copy(tmp_path / f"two.{name}", tmp_path / f"one.{name}")

        def renewed() -> bool:
            with contextlib.suppress(ssl.SSLError):
                return made.status(trust=new) == 200
            return False

        until(renewed)
        until(lambda: made.refused("too_slow") == 1)
        silent.close()


def find(settings: HttpSettings, folder: Path) -> HttpFiles:
    return find_files(settings, folder, "vigil.toml", {})


def test_an_address_is_not_opened_to_all_unawares(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tok3n")
    certificate(tmp_path, "one")
    wide = HttpSettings(address="0.0.0.0")
    tls = msgspec.structs.replace(wide, certificate="one.pem", certificate_key="one.key")
    for some, missing in (
        (wide, "certificate and certificate_key and token_file"),
        (tls, "token_file"),
        (msgspec.structs.replace(wide, token_file="token"), "set certificate"),
    ):
        with pytest.raises(SettingsError, match=missing):
            find(some, tmp_path)
    assert find(msgspec.structs.replace(tls, token_file="token"), tmp_path).guarded
    assert not find(msgspec.structs.replace(wide, open_to_all=True), tmp_path).guarded


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (HttpSettings(certificate="one.pem"), "together"),
        (HttpSettings(certificate="none", certificate_key="none"), "No such file"),
        (HttpSettings(certificate="empty", certificate_key="empty"), "no PEM pair"),
        (HttpSettings(token_file="empty"), "expected a token"),
        (HttpSettings(password_file="token"), "got no colon"),
        (HttpSettings(token_file="$CREDENTIALS_DIRECTORY/x"), "set by systemd only"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_one_line(tmp_path: Path, settings: HttpSettings, told: str) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "token").write_text("tok3n")
    with pytest.raises(SettingsError, match=told) as caught:
        find(settings, tmp_path)
    assert "tok3n" not in str(caught.value)


@given(st.binary(max_size=300) | st.text(st.sampled_from("GET /m?:\r\n HTTP/1.1a"), max_size=80).map(str.encode))
def test_whatever_the_head_is_it_is_answered_or_refused(junk: bytes) -> None:
    def application(_: object, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x"]

    answering = Answering(application, Access(HttpFiles()), lambda *_: None)
    for head in (junk, b"GET / HTTP/1.1\r\n" + junk, b"GET / HTTP/1.1\r\nX: " + junk):
        with contextlib.suppress(Refused):
            assert answering(head + b"\r\n\r\n", "x").startswith(b"HTTP/1.1 ")
