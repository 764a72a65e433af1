from __future__ import annotations

import pytest

from daemon.liveness import Vitals, ailment

NOW = 1_000_000_000_000


def ago(seconds: float) -> int:
    return NOW - int(seconds * 1e9)


def vitals(
    infer: float = 0.1, capture: float | None = 0.1, live: float | None = 100, analysed: float | None = 0.2
) -> Vitals:
    return Vitals(
        now_ns=NOW,
        essential=[("publish", ago(0.1)), ("infer", ago(infer))],
        captures=[] if capture is None else [("capture-a", ago(capture)), ("capture-b", ago(capture))],
        live_since_ns=None if live is None else ago(live),
        analysed_ns=0 if analysed is None else ago(analysed),
    )


@pytest.mark.parametrize(
    "well",
    [
        vitals(),
        vitals(live=None, analysed=900),  # every camera is down
        vitals(live=None, analysed=None, capture=None),  # every capture thread waits for its restart
        vitals(live=5, analysed=900),  # cameras are just back
        vitals(live=5, analysed=None),
    ],
)
def test_a_daemon_that_works_or_has_nothing_to_do_is_well(well: Vitals) -> None:
    assert ailment(well, stall_s=20) is None


@pytest.mark.parametrize(
    ("ill", "why"),
    [
        (vitals(infer=30), "infer has not completed a step for 30 s"),
        (vitals(analysed=30), "no frame was analysed for 30 s"),
        (vitals(analysed=None), "no frame was analysed for 100 s"),
        (vitals(live=None, analysed=900, capture=30), "no capture thread has completed a step"),
        (vitals(live=None, analysed=900, infer=21), "infer has not completed"),
    ],
)
def test_a_daemon_that_should_work_and_does_not_is_ill(ill: Vitals, why: str) -> None:
    assert why in str(ailment(ill, stall_s=20))


def test_one_wedged_capture_thread_does_not_end_the_process() -> None:
    one = Vitals(
        now_ns=NOW,
        essential=[],
        captures=[("capture-a", ago(900)), ("capture-b", ago(1))],
        live_since_ns=None,
        analysed_ns=0,
    )
    assert ailment(one, stall_s=20) is None
