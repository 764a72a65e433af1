from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import zmq

from pipelines.errors import SubscribeError, SubscribeTimeout, WireError
from pipelines.headers import AlertHeader
from pipelines.publish import PublishSettings
from pipelines.subscribe import Gap, Subscriber, save_message
from pipelines.wire import AlertMessage
from tests.pipelines.publishing import drain, only_alerts, rig, status
from tests.pipelines.verdicts import Camera


def test_one_camera_only_whatever_the_others_are_called() -> None:
    with rig(cameras=("cam1", "cam10", "cam")) as made, made.subscriber("cam1") as subscriber:
        for name in ("cam10", "cam1", "cam"):
            made.publisher.offer(Camera(name=name).verdict(5.0))
            made.publisher.report(status(name, "live"))
        made.publisher.step()
        assert {message.header.camera for message in drain(subscriber, 1.0)} == {"cam1"}


def test_other_cameras_alerts_are_no_gap() -> None:
    with rig(cameras=("yard", "gate")) as made, made.subscriber("yard") as subscriber:
        yard, gate = Camera(), Camera(name="gate")
        for score in (5, 8, 12):
            made.publisher.offer(gate.verdict(score))
            made.publisher.offer(yard.verdict(score))
        made.alerts(subscriber, 3)
        assert made.gaps == []


def test_what_a_slow_subscriber_lost_is_told() -> None:
    settings = PublishSettings(endpoint="tcp://127.0.0.1:*", high_water=1, queue=1000)
    with rig(settings) as made, made.context.socket(zmq.SUB) as _:
        slow = Subscriber(made.publisher.endpoint, on_gap=made.gaps.append, high_water=1, context=made.context)
        with slow:
            made.until(slow, lambda message: True)
            camera, count = Camera(size=(1280, 720)), 80
            for number in range(count):
                made.publisher.offer(camera.verdict(4 * 1.3 ** (number % 40), after_s=70))
                made.publisher.step()
            arrived = only_alerts(drain(slow, 0.2))
            assert len(arrived) < count
            made.publisher.report(status("yard", "live"))
            made.publisher.step()
            drain(slow, 0.2)
        assert len(arrived) + sum(gap.missed for gap in made.gaps) == count


def test_the_tail_of_a_gap_is_told_by_the_next_status() -> None:
    gaps: list[Gap] = []
    with rig() as made, made.subscriber() as subscriber:
        made.publisher._seq = 4  # as if four alerts had gone by
        made.publisher.report(status("yard", "live"))
        made.until(subscriber, lambda message: True)
        gaps = made.gaps
    assert gaps == [Gap("boot1", None, 1, 4)]
    assert str(gaps[0]) == "4 alerts missed: numbers 1 to 4 of run boot1"


def test_a_new_run_of_the_daemon_starts_the_numbers_anew() -> None:
    gaps: list[Gap] = []
    with rig() as first, Subscriber(first.publisher.endpoint, on_gap=gaps.append) as subscriber:
        first.until(subscriber, lambda message: True)
        first.publisher.offer(Camera().verdict(5))
        first.until(subscriber, lambda message: isinstance(message, AlertMessage))
        endpoint = first.publisher.endpoint
        first.publisher.close()
        with rig(PublishSettings(endpoint=endpoint), ["gate"], "boot2") as second:
            second.until(subscriber, lambda message: message.header.boot_id == "boot2")
            second.publisher.offer(Camera(name="gate").verdict(5))
            (alert,) = second.alerts(subscriber, 1)
            assert (alert.header.boot_id, alert.header.seq) == ("boot2", 1)
    assert gaps == []


def test_what_came_before_the_first_message_is_not_missed() -> None:
    with rig() as made:
        made.publisher.offer(Camera().verdict(5))
        made.publisher.step()
        with made.subscriber() as subscriber:
            made.publisher.offer(Camera().verdict(50))
            made.alerts(subscriber, 1)
        assert made.gaps == []


def test_gaps_are_logged_unless_somebody_asks_for_them(caplog: pytest.LogCaptureFixture) -> None:
    with rig() as made, Subscriber(made.publisher.endpoint, "yard", context=made.context) as subscriber:
        made.until(subscriber, lambda message: True)
        made.publisher._desks["yard"].alerts = 2
        made.publisher.report(status("yard", "live"))
        with caplog.at_level(logging.WARNING, "vigil.subscribe"):
            made.until(subscriber, lambda message: True)
    assert "2 alerts of yard missed: numbers 1 to 2 of run boot1" in caplog.text


def test_silence_is_an_error() -> None:
    began = time.monotonic()
    with (
        Subscriber("tcp://127.0.0.1:9", timeout_s=0.2) as subscriber,
        pytest.raises(SubscribeTimeout, match=r"within 0\.2 s"),
    ):
        next(subscriber)
    assert time.monotonic() - began < 2


def test_a_namesake_does_not_break_the_silence_of_a_camera() -> None:
    context = zmq.Context()
    with context.socket(zmq.PUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        with Subscriber(f"tcp://127.0.0.1:{port}", "cam1", context=context) as subscriber:
            end = time.monotonic() + 0.5

            def chatter() -> None:
                while time.monotonic() < end + 0.5:
                    publisher.send_multipart([b"alert.cam10", b"hello"])
                    time.sleep(0.02)

            thread = threading.Thread(target=chatter)
            thread.start()
            with pytest.raises(SubscribeTimeout):
                subscriber.receive(0.5)
            assert time.monotonic() < end + 0.4
            thread.join()
    context.term()


def test_foreign_messages_are_refused_and_the_next_is_read() -> None:
    context = zmq.Context()
    with context.socket(zmq.PUB) as foreign:
        port = foreign.bind_to_random_port("tcp://127.0.0.1")
        with Subscriber(f"tcp://127.0.0.1:{port}", context=context) as subscriber:
            time.sleep(0.3)
            foreign.send_multipart([b"alert.yard", b"hello"])
            foreign.send_multipart([b"status.yard", b"hello"])
            with pytest.raises(WireError, match=r"vigil\.alert/1"):
                subscriber.receive(2)
            with pytest.raises(WireError, match=r"vigil\.status/1"):
                subscriber.receive(2)
    context.term()


@pytest.mark.parametrize("endpoint", ["nowhere", "tcp://127.0.0.1", "gopher://127.0.0.1:70"])
def test_an_endpoint_that_is_none_is_named(endpoint: str) -> None:
    with pytest.raises(SubscribeError, match=f"cannot listen to {endpoint}"), Subscriber(endpoint):
        pass


def test_it_is_used_in_a_with_statement() -> None:
    with pytest.raises(SubscribeError, match="with statement"):
        Subscriber("tcp://127.0.0.1:9").receive(0.1)


def test_an_alert_is_saved_as_four_files(tmp_path: Path) -> None:
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.offer(Camera().verdict(5.0))
        (alert,) = made.alerts(subscriber, 1)
    paths = save_message(alert, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        "boot1_000001_yard_begin.overlay.jpg",
        "boot1_000001_yard_begin.clean.jpg",
        "boot1_000001_yard_begin.heatmap.png",
        "boot1_000001_yard_begin.json",
    ]
    assert paths[0].read_bytes() == alert.overlay_jpeg
    assert json.loads(paths[3].read_text())["event_id"] == "boot1-yard-1"


def test_file_names_are_safe_whatever_a_camera_is_called(tmp_path: Path) -> None:
    with rig(cameras=("../../etc/x\n入口",)) as made, made.subscriber() as subscriber:
        made.publisher.offer(Camera(name="../../etc/x\n入口").verdict(5.0))
        (alert,) = made.alerts(subscriber, 1)
    folder = tmp_path / "saved"
    for path in save_message(alert, folder):
        assert path.resolve().parent == folder.resolve()
    long = replace(alert, header=_renamed(alert, "x" * 5000))
    assert all(path.exists() for path in save_message(long, folder))


def test_a_status_has_nothing_to_save(tmp_path: Path) -> None:
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.report(status("yard", "live"))
        (message,) = made.until(subscriber, lambda message: True)
    assert save_message(message, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def _renamed(alert: AlertMessage, camera: str) -> AlertHeader:
    return msgspec.structs.replace(alert.header, camera=camera)
