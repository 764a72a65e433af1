from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from pipelines.inbox import Inbox, Remove, Report
from pipelines.types import Verdict
from tests.pipelines.publishing import status
from tests.pipelines.verdicts import Camera


def inbox(size: int) -> tuple[Inbox[str], list[Verdict]]:
    dropped: list[Verdict] = []
    return Inbox(size, dropped.append), dropped


def drained(box: Inbox[str]) -> list[object]:
    items: list[object] = []
    while (item := box.take(0)) is not None:
        items.append(item)
    return items


def test_items_come_out_in_the_order_they_went_in() -> None:
    box, _ = inbox(4)
    camera = Camera()
    items = [camera.verdict(1), Report(status("yard", "lost"), 0), camera.verdict(4), Remove("yard")]
    assert box.offer(items[0])  # type: ignore[arg-type]  # a list of mixed items
    box.report(items[1])  # type: ignore[arg-type]
    assert box.offer(items[2])  # type: ignore[arg-type]
    box.order(items[3])  # type: ignore[arg-type]
    assert drained(box) == items


def test_when_full_the_oldest_unflagged_verdict_goes() -> None:
    box, dropped = inbox(3)
    camera = Camera()
    flagged, calm, calmer, late = (camera.verdict(score) for score in (5, 1, 1, 5))
    for verdict in (flagged, calm, calmer):
        box.offer(verdict)
    assert box.offer(late)
    assert dropped == [calm]
    assert drained(box) == [flagged, calmer, late]


def test_an_unflagged_verdict_does_not_push_out_a_flagged_one() -> None:
    box, dropped = inbox(1)
    camera = Camera()
    flagged, calm = camera.verdict(5), camera.verdict(1)
    assert box.offer(flagged)
    assert not box.offer(calm)
    assert dropped == [calm]
    assert drained(box) == [flagged]


def test_a_noisy_camera_pushes_out_its_own_verdicts_first() -> None:
    box, dropped = inbox(3)
    quiet, noisy = Camera(name="quiet"), Camera(name="noisy")
    rare = quiet.verdict(5)
    many = [noisy.verdict(5) for _ in range(5)]
    box.offer(rare)
    for verdict in many:
        assert box.offer(verdict)
    assert dropped == many[:3]
    assert drained(box) == [rare, *many[3:]]


def test_reports_are_not_dropped_but_replaced_by_later_ones() -> None:
    box, _ = inbox(1)
    reports = [
        Report(status("yard", state), number)  # type: ignore[arg-type]  # spelt out
        for number, state in enumerate(["lost", "live", "lost", "live", "lost"])
    ]
    for report in reports:
        box.report(report)
    assert drained(box) == reports[3:]


def test_taking_waits_for_what_comes() -> None:
    box, _ = inbox(1)
    verdict = Camera().verdict(1)
    threading.Timer(0.05, box.offer, (verdict,)).start()
    assert box.take(5) is verdict
    began = time.monotonic()
    assert box.take(0.05) is None
    assert time.monotonic() - began < 1


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_nothing_is_lost_without_being_counted(size: int, offers: list[tuple[str, bool]]) -> None:
    box, dropped = inbox(size)
    cameras = {name: Camera(name=name) for name in "abc"}
    offered = [cameras[name].verdict(5 if flagged else 1) for name, flagged in offers]
    refused = [verdict for verdict in offered if not box.offer(verdict)]
    kept = drained(box)
    assert len(kept) == min(size, len(offered))
    assert {id(v) for v in kept} | {id(v) for v in dropped} == {id(v) for v in offered}
    assert len(kept) + len(dropped) == len(offered)
    assert set(map(id, refused)) <= set(map(id, dropped))
    flagged = sum(verdict.flagged for verdict in offered)
    assert sum(v.flagged for v in kept if isinstance(v, Verdict)) == min(flagged, size)
