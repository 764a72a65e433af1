from __future__ import annotations

import json
import time
from dataclasses import replace

import cv2
import jsonschema
import msgspec
import numpy as np
import pytest

from pipelines.events import EventSettings
from pipelines.publish import PublishSettings
from pipelines.schema import wire_schema
from pipelines.types import HealthEvent
from pipelines.wire import HealthMessage, StatusMessage
from tests.pipelines.publishing import drain, only_alerts, only_statuses, rig, status
from tests.pipelines.verdicts import SECOND, Camera

LOCAL = "tcp://127.0.0.1:*"


def test_an_event_is_published_from_begin_to_end() -> None:
    with rig() as made, made.subscriber() as subscriber:
        camera = Camera()
        for score in [1.0, 5.0, 9.0, *[1.0] * 11]:
            assert made.publisher.offer(camera.verdict(score))
        begin, update, end = made.alerts(subscriber, 3)
        assert [m.header.phase for m in (begin, update, end)] == ["begin", "update", "end"]
        assert [m.header.seq for m in (begin, update, end)] == [1, 2, 3]
        assert {m.header.event_id for m in (begin, update, end)} == {"boot1-yard-1"}
        assert (begin.header.profile_id, begin.header.model_id) == ("profile-1", "0123456789ab")
        assert (end.header.peak_score, end.header.frames, end.header.end_reason) == (9.0, 2, "calm")
        assert end.header.duration_s == pytest.approx(0.2)
        assert end.header.latency_ms is not None


def test_an_alert_leaves_in_the_step_that_took_its_verdict() -> None:
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.offer(Camera().verdict(5.0))
        made.publisher.step()
        (alert,) = only_alerts(drain(subscriber, 1))
        assert alert.header.latency_ms is not None
        assert alert.header.latency_ms.capture_to_publish < 2000


def test_a_plain_socket_gets_five_parts_that_fit_the_schema() -> None:
    """As docs/alerts.md tells a stranger to do it."""
    with rig() as made, made.plain_socket() as plain:
        plain.unsubscribe(b"status.")
        plain.recv_multipart()
        made.publisher.offer(Camera().verdict(5.0))
        made.publisher.step()
        assert plain.poll(10_000)
        topic, header, overlay, clean, heatmap = plain.recv_multipart()
        assert topic == b"alert.yard"
        jsonschema.Draft202012Validator(wire_schema()).validate(json.loads(header))
        for picture in (overlay, clean, heatmap):
            assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED) is not None


def test_numbers_run_without_gaps_over_all_cameras_and_for_each() -> None:
    with rig(cameras=("yard", "gate")) as made, made.subscriber() as subscriber:
        yard, gate = Camera(), Camera(name="gate")
        for score in (5, 7, 9, 12):
            made.publisher.offer(yard.verdict(score))
            made.publisher.offer(gate.verdict(score))
        seen = [(m.header.seq, m.header.camera, m.header.camera_seq) for m in made.alerts(subscriber, 8)]
        assert [seq for seq, _, _ in seen] == list(range(1, 9))
        assert [own for _, camera, own in seen if camera == "gate"] == [1, 2, 3, 4]
        assert made.gaps == []


def test_a_newcomer_hears_at_once_how_every_camera_is() -> None:
    with rig(cameras=("yard", "gate")) as made:
        made.publisher.report(status("gate", "lost", "no data for 3 s", reconnects=2))
        made.publisher.step()
        with made.plain_socket() as plain:
            told = {}
            while plain.poll(200):
                _, header = plain.recv_multipart()
                told[json.loads(header)["camera"]] = json.loads(header)
        assert (told["yard"]["state"], told["yard"]["reason"]) == ("starting", "no frame yet")
        assert (told["gate"]["state"], told["gate"]["reconnects"]) == ("lost", 2)
        jsonschema.Draft202012Validator(wire_schema()).validate(told["gate"])


def test_heartbeats_come_at_their_interval() -> None:
    settings = PublishSettings(endpoint=LOCAL, heartbeat_s=0.2)
    with rig(settings) as made, made.subscriber() as subscriber:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            made.publisher.step()
        beats = only_statuses(drain(subscriber))
        assert 2 <= len(beats) <= 7
        assert all(beat.header.heartbeat_s == 0.2 for beat in beats)


def test_a_change_of_state_is_told_at_once() -> None:
    with rig() as made, made.subscriber() as subscriber:
        for state in ("live", "lost", "live"):
            made.publisher.report(status("yard", state))
            made.publisher.step()
        assert [s.header.state for s in only_statuses(drain(subscriber))] == ["live", "lost", "live"]


def test_a_status_tells_the_event_and_the_last_numbers() -> None:
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.report(status("yard", "live"))
        made.publisher.offer(Camera().verdict(5.0))
        made.publisher.step()
        made.publisher.report(status("yard", "live", "picture is dark"))
        made.publisher.step()
        last = only_statuses(drain(subscriber))[-1].header
        assert (last.event_id, last.last_seq, last.last_camera_seq, last.score) == ("boot1-yard-1", 1, 1, 5.0)


def test_a_lost_camera_ends_its_event() -> None:
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.offer(Camera().verdict(5.0))
        made.publisher.report(status("yard", "lost", "no data"))
        _, end = made.alerts(subscriber, 2)
        assert (end.header.phase, end.header.end_reason, end.header.latency_ms) == ("end", "camera", None)
        assert made.sample("vigil_event_open", camera="yard") == 0


def test_the_last_frame_of_a_lost_camera_still_alarms_but_leaves_no_event_open() -> None:
    with rig() as made, made.subscriber() as subscriber:
        camera = Camera(now_ns=time.monotonic_ns() - SECOND)
        made.publisher.report(status("yard", "lost", "no data"))
        made.publisher.offer(camera.verdict(5.0))
        assert [m.header.phase for m in made.alerts(subscriber, 2)] == ["begin", "end"]
        camera.now_ns = time.monotonic_ns() + SECOND  # it is back, though nobody has said so yet
        made.publisher.offer(camera.verdict(5.0))
        made.publisher.step()
        assert [m.header.phase for m in only_alerts(drain(subscriber))] == ["begin"]


def test_metrics_follow_the_events() -> None:
    with rig() as made, made.subscriber() as subscriber:
        camera = Camera()
        assert made.sample("vigil_alerts_published_total", camera="yard", phase="begin") == 0
        for score in (1.0, 5.0, 9.0):
            made.publisher.offer(camera.verdict(score))
        assert made.sample("vigil_queue_depth", queue="publish") == 4 - 1
        made.alerts(subscriber, 2)
        assert made.sample("vigil_events_total", camera="yard") == 1
        assert made.sample("vigil_event_open", camera="yard") == 1
        assert made.sample("vigil_alerts_published_total", camera="yard", phase="update") == 1
        assert made.sample("vigil_capture_to_publish_seconds_count", camera="yard") == 2
        assert made.sample("vigil_queue_depth", queue="publish") == 0
        counts = {
            stage: made.sample("vigil_stage_latency_seconds_count", camera="yard", stage=stage)
            for stage in ("handover", "render", "send")
        }
        assert counts == {"handover": 3, "render": 2, "send": 2}


def test_what_does_not_fit_into_the_queue_is_counted() -> None:
    with rig(PublishSettings(endpoint=LOCAL, queue=2)) as made:
        camera = Camera()
        assert [made.publisher.offer(camera.verdict(5)) for _ in range(2)] == [True, True]
        assert not made.publisher.offer(camera.verdict(1))
        assert made.publisher.offer(camera.verdict(5))
        assert made.sample("vigil_frames_dropped_total", camera="yard", cause="queue_full") == 2


def test_a_stop_ends_events_and_says_farewell() -> None:
    with rig(PublishSettings(endpoint=LOCAL)) as made, made.subscriber() as subscriber:
        made.publisher.offer(Camera().verdict(5.0))
        made.publisher.close()
        messages = drain(subscriber, 1)
        phases = [(m.header.phase, m.header.end_reason) for m in only_alerts(messages)]
        assert phases == [("begin", None), ("end", "stopped")]
        farewell = messages[-1]
        assert isinstance(farewell, StatusMessage)
        assert (farewell.header.state, farewell.header.reason) == ("ended", "Vigil stopped")


def test_cameras_come_and_go() -> None:
    with rig() as made, made.subscriber() as subscriber:
        yard, gate = Camera(), Camera(name="gate")
        made.publisher.offer(gate.verdict(5.0))  # not known yet: left alone
        made.publisher.add(made.camera("gate", profile="profile-2"))
        made.publisher.offer(gate.verdict(5.0))
        made.publisher.offer(yard.verdict(5.0))
        made.publisher.remove("gate")
        made.publisher.offer(gate.verdict(9.0))
        messages = made.until(subscriber, lambda m: isinstance(m, StatusMessage) and m.header.state == "ended")
        alerts = [(m.header.camera, m.header.phase, m.header.end_reason) for m in only_alerts(messages)]
        assert alerts == [("gate", "begin", None), ("yard", "begin", None), ("gate", "end", "camera")]
        assert only_alerts(messages)[0].header.profile_id == "profile-2"

        made.publisher.add(made.camera("gate"))
        made.publisher.offer(gate.verdict(5.0))
        (again,) = made.alerts(subscriber, 1)
        assert (again.header.event_id, again.header.camera_seq) == ("boot1-gate-2", 3)


def test_new_settings_of_a_camera_leave_its_event_alone() -> None:
    with rig() as made, made.subscriber() as subscriber:
        camera = Camera()
        made.publisher.offer(camera.verdict(5.0))
        made.publisher.add(made.camera("yard", profile="profile-9", events=EventSettings(peak_ratio=1.01)))
        made.publisher.offer(camera.verdict(5.1))
        begin, update = made.alerts(subscriber, 2)
        assert begin.header.event_id == update.header.event_id
        assert update.header.profile_id == "profile-9"


def test_faults_are_published_on_a_topic_of_their_own() -> None:
    fault = HealthEvent("yard", "black", "begin", 1, "the picture is black", False, 1.8e9, 1.8e9, 0.0)
    with rig() as made, made.subscriber() as subscriber:
        made.publisher.fault(fault)
        made.publisher.fault(replace(fault, phase="end", wall_s=1.8e9 + 7, duration_s=7.0))
        told: list[HealthMessage] = []
        while len(told) < 2:
            heard = made.until(subscriber, lambda message: isinstance(message, HealthMessage))
            told += [message for message in heard if isinstance(message, HealthMessage)]
    begin, end = (message.header for message in told)
    assert (begin.kind, begin.phase, begin.cause, begin.judged) == ("black", "begin", "the picture is black", False)
    assert (end.phase, end.duration_s, end.fault_id) == ("end", 7.0, "boot1-yard-fault-1")
    assert begin.fault_id == end.fault_id
    for header in (begin, end):
        jsonschema.Draft202012Validator(wire_schema()).validate(json.loads(msgspec.json.encode(header)))
