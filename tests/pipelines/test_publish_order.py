"""Whatever happens to cameras, what goes over the wire is numbered without gaps and tells whole events."""

from __future__ import annotations

import time
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.publish import PublishSettings
from pipelines.wire import AlertMessage, Message
from tests.pipelines.publishing import Rig, drain, only_alerts, rig, status
from tests.pipelines.verdicts import Camera

NAMES = ("yard", "gate")
happening = st.one_of(
    st.tuples(st.just("frame"), st.sampled_from(NAMES), st.sampled_from([0.5, 2.6, 4.0, 9.0]), st.floats(0.1, 3)),
    st.tuples(st.sampled_from(["lost", "live", "remove", "add", "step"]), st.sampled_from(NAMES), st.none(), st.none()),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(happening, min_size=5, max_size=40))
def test_events_are_whole_and_numbers_have_no_gaps(story: list[tuple[str, str, float, float]]) -> None:
    chosen = PublishSettings(endpoint="tcp://127.0.0.1:*", queue=200)
    with rig(chosen, NAMES) as made, made.subscriber() as subscriber:
        cameras = {name: Camera(name=name, size=(64, 48), now_ns=time.monotonic_ns()) for name in NAMES}
        messages: list[Message] = []
        for what, name, score, after_s in story:
            _happen(made, cameras[name], what, score, after_s)
            messages += drain(subscriber, 0)
        made.publisher.close()
        messages += drain(subscriber, 0.1)
        assert made.gaps == []
    _check(only_alerts(messages))


def _happen(made: Rig, camera: Camera, what: str, score: float, after_s: float) -> None:
    match what:
        case "frame":
            made.publisher.offer(camera.verdict(score, after_s=after_s))
        case "lost":
            made.publisher.report(status(camera.name, "lost", "no data"))
        case "live":
            made.publisher.report(status(camera.name, "live"))
        case "add":
            made.publisher.add(made.camera(camera.name))
        case "remove":
            made.publisher.remove(camera.name)
        case _:
            made.publisher.step()


def _check(alerts: list[AlertMessage]) -> None:
    assert [alert.header.seq for alert in alerts] == list(range(1, len(alerts) + 1))
    own: dict[str, list[int]] = defaultdict(list)
    events: dict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        own[alert.header.camera].append(alert.header.camera_seq)
        events[alert.header.event_id].append(alert.header.phase)
    for numbers in own.values():
        assert numbers == list(range(1, len(numbers) + 1))
    for phases in events.values():
        assert phases == ["begin", *["update"] * (len(phases) - 2), "end"]
