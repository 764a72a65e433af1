from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest
import zmq
from prometheus_client import CollectorRegistry

from pipelines.errors import PublishError
from pipelines.metrics import Metrics
from pipelines.publish import Publisher, PublishSettings
from tests.pipelines.publishing import rig
from tests.pipelines.verdicts import Camera

LOCAL = "tcp://127.0.0.1:*"


def test_a_subscriber_that_does_not_read_costs_nothing() -> None:
    settings = PublishSettings(endpoint=LOCAL, high_water=5, queue=1000)
    with rig(settings) as made, made.plain_socket(high_water=1) as asleep:
        camera = Camera(size=(640, 360))
        spent = []
        for score in range(200):
            made.publisher.offer(camera.verdict(4 * 1.3 ** (score % 100), after_s=70))
            began = time.perf_counter()
            made.publisher.step()
            spent.append(time.perf_counter() - began)
        assert made.sample("vigil_alerts_published_total", camera="yard", phase="update") == 199
        assert sorted(spent)[190] < 1
        asleep.close(linger=0)


def test_an_address_in_use_is_named_with_what_to_do() -> None:
    with rig() as made:
        second = Publisher(
            PublishSettings(endpoint=made.publisher.endpoint), Metrics(CollectorRegistry()), context=made.context
        )
        with pytest.raises(
            PublishError, match=r"cannot publish on tcp://127\.0\.0\.1:\d+: the address is in use: stop"
        ):
            second.open()
        second.close()


@pytest.mark.parametrize(
    ("endpoint", "hint"),
    [
        ("tcp://192.0.2.1:5557", "no such address"),
        ("tcp://127.0.0.1:port", "write it like tcp://127.0.0.1:5557"),
        ("ipc:///no/such/folder/vigil", "the folder does not exist"),
    ],
)
def test_an_address_that_cannot_be_bound_is_named(endpoint: str, hint: str) -> None:
    publisher = Publisher(PublishSettings(endpoint=endpoint), Metrics(CollectorRegistry()))
    with pytest.raises(PublishError, match=hint) as caught:
        publisher.open()
    publisher.close()
    assert endpoint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("*", True)])
def test_binding_wider_than_this_machine_is_warned_of(
    host: str, *, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(PublishSettings(endpoint=f"tcp://{host}:*"), Metrics(CollectorRegistry()))
    with caplog.at_level("WARNING", "vigil.publish"):
        publisher.open()
    publisher.close()
    assert ("can read alerts" in caplog.text) == warned


def test_it_publishes_over_a_unix_socket_with_a_context_of_its_own(tmp_path: Path) -> None:
    publisher = Publisher(PublishSettings(endpoint=f"ipc://{tmp_path}/vigil"), Metrics(CollectorRegistry()))
    publisher.open()
    assert publisher.step()
    publisher.close()
    publisher.close()


def test_offers_from_many_threads_all_arrive_or_are_counted() -> None:
    names = [f"cam{number}" for number in range(4)]
    with rig(PublishSettings(endpoint=LOCAL, queue=8), names) as made:

        def feed(name: str) -> None:
            camera = Camera(name=name)
            for _ in range(100):
                made.publisher.offer(camera.verdict(1.0))

        threads = [threading.Thread(target=feed, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            made.publisher.step()
        made.publisher.step()
        for thread in threads:
            thread.join()
        for name in names:
            taken = made.sample("vigil_stage_latency_seconds_count", camera=name, stage="handover")
            dropped = made.sample("vigil_frames_dropped_total", camera=name, cause="queue_full")
            assert (taken or 0) + (dropped or 0) == 100


def test_no_linger_is_refused_and_a_hang_up_amid_a_message_is_survived() -> None:
    with pytest.raises(msgspec.ValidationError, match="linger_ms"):
        msgspec.convert({"linger_ms": 0}, PublishSettings)
    for _ in range(20):  # without linger libzmq aborts here sooner or later
        with rig() as made:
            with made.plain_socket():
                made.publisher.offer(Camera(size=(640, 360)).verdict(5.0))
                made.publisher.step()
            made.publisher.close()


def test_junk_from_subscribers_is_ignored() -> None:
    with rig() as made, made.context.socket(zmq.XSUB) as rude:
        rude.connect(made.publisher.endpoint)
        for junk in (b"", b"\x01", b"\x00never", b"\x02strange", b"x" * 10_000):
            rude.send(junk)
        for _ in range(3):
            assert made.publisher.step()
