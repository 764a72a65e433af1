from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from daemon.probes import Health, Http, HttpSettings
from daemon.worker import Worker
from engines.errors import VigilError
from pipelines.metrics import Metrics, process_metrics
from tests.daemon.stages import until


class Ill:
    """A daemon whose health changes."""

    def __init__(self) -> None:
        self.health = Health(ok=True)

    def __call__(self) -> Health:
        return self.health


@contextmanager
def serving(registry: CollectorRegistry, live: Ill | None = None) -> Iterator[Http]:
    http_stage = Http(HttpSettings(port=0), registry, live or Ill(), Ill())
    worker = Worker(http_stage, "http")
    worker.start()
    until(lambda: worker.opened)
    try:
        yield http_stage
    finally:
        worker.stop()
        assert worker.join(3.0)
        assert worker.error is None


def get(stage: Http, path: str) -> tuple[int, str]:
    link = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=5)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def test_metrics_are_served_in_prometheus_own_format() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    process_metrics(registry)
    metrics.camera("gate").analysed.inc(3)
    with serving(registry) as stage:
        status, text = get(stage, "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {s.name: s for s in families["vigil_frames_analysed"].samples}
    assert status == 200
    assert samples["vigil_frames_analysed_total"].value == 3
    assert samples["vigil_frames_analysed_total"].labels == {"camera": "gate"}
    assert {"process_resident_memory_bytes", "process_threads", "process_open_fds"} <= set(families)
    assert {"vigil_cpu_seconds", "vigil_memory_bytes", "vigil_processes"} <= set(families)


def test_health_is_told_by_status_and_reason() -> None:
    ill = Ill()
    with serving(CollectorRegistry(), ill) as stage:
        assert get(stage, "/health/live") == (200, '{"ok":true,"reason":"","reasons":[]}')
        ill.health = Health(ok=False, reason="infer is wedged")
        status, body = get(stage, "/health/live")
        assert (status, json.loads(body)["reason"]) == (503, "infer is wedged")
        assert get(stage, "/health/ready")[0] == 200
        assert get(stage, "/elsewhere")[0] == 404


def test_a_silent_client_holds_up_neither_the_others_nor_the_stop() -> None:
    with serving(CollectorRegistry()) as stage:
        silent = [socket.create_connection(("127.0.0.1", stage.port)) for _ in range(2)]
        assert get(stage, "/health/live")[0] == 200
        began = time.monotonic()
    assert time.monotonic() - began < 1.5
    for link in silent:
        link.close()


def test_an_address_in_use_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stage = Http(HttpSettings(port=taken.getsockname()[1]), CollectorRegistry(), Ill(), Ill())
        with pytest.raises(VigilError, match=r"cannot be listened on \(Address already in use\)"):
            stage.open()
        stage.close()
