from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from engines.contract import Situation
from pipelines.regimes import RegimeTracker
from pipelines.types import RegimeEvent, Verdict
from pipelines.wire import AlertMessage, RegimeMessage, decode, encode_regime
from tests.pipelines.publishing import rig
from tests.pipelines.verdicts import Camera

DAY, LAMP = Situation(), Situation(changing=True, suppressed=True)
SWITCH, NIGHT = Situation("infrared", changing=True), Situation("infrared")
UNKNOWN = Situation("infrared", enrolled=False, suppressed=True)


def film(*situations: Situation) -> list[Verdict]:
    camera = Camera()
    return [dataclasses.replace(camera.verdict(1.0), situation=situation) for situation in situations]


def told(verdicts: Iterable[Verdict]) -> list[RegimeEvent]:
    tracker = RegimeTracker("yard", "boot")
    return [event for verdict in verdicts for event in tracker.observe(verdict)]


def test_a_lamp_is_one_event_however_it_flickers() -> None:
    begin, end = told(film(DAY, LAMP, DAY, LAMP, LAMP, DAY, *[DAY] * 8))
    assert (begin.kind, begin.phase, begin.duration_s) == ("transition", "begin", 0)
    assert (end.regime_id, end.phase, end.suppressed) == (begin.regime_id, "end", 3)
    assert end.duration_s > 1.5
    assert end.reason == "the light has settled"


def test_a_switch_to_infrared_says_from_what_to_what() -> None:
    *_, end = told(film(DAY, SWITCH, SWITCH, *[NIGHT] * 8))
    assert (end.before, end.regime, end.reason) == ("day", "infrared", "from daylight to infrared")


def test_a_regime_that_was_never_enrolled_says_what_to_do_and_ends_with_it() -> None:
    begin, end = told(film(DAY, UNKNOWN, UNKNOWN, DAY))
    assert begin.kind == end.kind == "not_enrolled"
    assert "infrared was never enrolled" in begin.reason
    assert "enrol it" in begin.reason
    assert end.suppressed == 2


def test_a_lost_camera_ends_what_goes_on() -> None:
    tracker = RegimeTracker("yard", "boot")
    for verdict in film(DAY, LAMP):
        list(tracker.observe(verdict))
    assert [event.phase for event in tracker.close()] == ["end"]
    assert list(tracker.close()) == []


def test_a_frame_that_was_not_judged_says_nothing_of_the_light() -> None:
    lit = film(DAY, LAMP)
    assert told([lit[0], dataclasses.replace(lit[1], unfit="black")]) == []


def test_comes_over_the_wire_as_it_was_told() -> None:
    begin = told(film(DAY, UNKNOWN))[0]
    message = decode(encode_regime(begin, "boot"))
    assert isinstance(message, RegimeMessage)
    assert (message.header.kind, message.header.reason) == (begin.kind, begin.reason)


def test_a_subscriber_hears_of_the_light_and_gets_no_alert() -> None:
    with rig() as made, made.subscriber() as subscriber:
        for verdict in film(DAY, LAMP, LAMP, *[DAY] * 8):
            made.publisher.offer(verdict)
        heard = made.until(subscriber, lambda m: isinstance(m, RegimeMessage) and m.header.phase == "end")
        assert [m.header.phase for m in heard if isinstance(m, RegimeMessage)] == ["begin", "end"]
        assert not [m for m in heard if isinstance(m, AlertMessage)]
        assert made.sample("vigil_light_transitions_total", camera="yard") == 1
