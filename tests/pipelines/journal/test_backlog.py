from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.journal.backlog import Backlog, Waiting
from pipelines.journal.store import Lost
from tests.pipelines.journal.alerts import alert


def test_pictures_are_given_up_before_alerts_and_the_oldest_first() -> None:
    backlog = Backlog(most_alerts=4, most_bytes=10_000)
    for seq in range(1, 5):
        backlog.put(alert(seq, picture=3000))
    items = backlog.take(10)
    assert [bool(item.message.overlay_jpeg) for item in items] == [False, True, True, True]
    assert (backlog.stripped, backlog.given_up) == (1, 0)


def test_the_newest_are_kept_and_what_went_is_written_down() -> None:
    backlog = Backlog(most_alerts=3)
    for seq in range(1, 9):
        backlog.put(alert(seq))
    assert [item.message.header.seq for item in backlog.take(10)] == [6, 7, 8]
    assert backlog.lost == [Lost("boot1", 1, 5, "the journal could not be written")]


def test_what_is_being_written_is_left_alone() -> None:
    backlog = Backlog(most_alerts=3, most_bytes=10_000)
    for seq in range(1, 4):
        backlog.put(alert(seq))
    taken = backlog.take(2)
    for seq in range(4, 8):
        backlog.put(alert(seq))
    backlog.done(taken, [])
    assert [item.message.header.seq for item in backlog.take(10)] == [7]
    assert backlog.lost == [Lost("boot1", 3, 6, "the journal could not be written")]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["put", "put", "put", "take", "done", "fail"]), max_size=80))
def test_every_alert_is_kept_or_written_down_as_lost_in_order(story: list[str]) -> None:
    backlog = Backlog(most_alerts=5, most_bytes=12_000)
    seq, kept, told = 0, [], []
    taken: list[Waiting] = []
    for what in story:
        if what == "put":
            seq += 1
            backlog.put(alert(seq))
        elif what == "take" and not taken:
            taken, lost = backlog.take(3), list(backlog.lost)
        elif what == "done" and taken:
            backlog.done(taken, lost)
            kept += [item.message.header.seq for item in taken]
            told += [number for gap in lost for number in range(gap.first, gap.last + 1)]
            taken = []
        elif what == "fail" and taken:
            backlog.untake()
            taken = []
    waiting = [item.message.header.seq for item in backlog.take(100)]
    told += [number for gap in backlog.lost for number in range(gap.first, gap.last + 1)]
    assert kept == sorted(kept)
    assert sorted(kept + told + waiting) == list(range(1, seq + 1))
