"""What one run left open, the next one ends, and no number is ever given twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import SubscribeTimeout
from pipelines.journal.sqlite import DATABASE
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage
from tests.pipelines.journalled import Site, hear, run, wait_until


@contextmanager
def nothing_kept(folder: Path) -> Iterator[None]:
    """Somebody else holds the database."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def an_end(subscriber: Subscriber) -> AlertMessage:
    found: list[AlertMessage] = []

    def ended() -> bool:
        try:
            message = subscriber.receive(0.5)
        except SubscribeTimeout:
            return False
        if isinstance(message, AlertMessage) and message.header.phase == "end":
            found.append(message)
        return bool(found)

    wait_until(ended)
    return found[0]


def test_the_end_takes_no_number_that_went_out_while_the_disk_kept_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.subscriber() as listener:
        with run(site, kill=True) as killed:
            listener.receive(20)  # a status: it listens by now
            killed.raise_alerts(4)
            heard = hear(listener, lambda heard: len(heard) == 4)
            with nothing_kept(tmp_path):
                killed.raise_alerts(3)
                heard += hear(listener, lambda heard: len(heard) == 3)
                killed.workers["journal"].stop()
                assert killed.workers["journal"].join(20)
        assert heard == [("boot1", seq) for seq in range(1, 8)]
        with run(site, "boot2") as later:
            end = an_end(listener).header
            assert end.event_id.startswith("boot1-yard")
            assert (end.boot_id, end.seq, end.camera_seq) == ("boot2", 1, 1)
            later.raise_alerts(1)
            assert hear(listener, bool) == [("boot2", 2)]


def test_a_camera_that_is_no_longer_watched_has_numbers_too(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.subscriber() as listener, run(site, cameras=("gate", "yard"), kill=True) as killed:
        listener.receive(20)
        killed.raise_alerts(2, "gate")
        killed.raise_alerts(1, "yard")
        hear(listener, lambda heard: len(heard) == 3)
    with site.subscriber() as listener, run(site, "boot2"):
        ends = {end.camera: end for end in (an_end(listener).header, an_end(listener).header)}
        assert sorted(end.seq for end in ends.values()) == [1, 2]
        assert [ends[name].camera_seq for name in ("gate", "yard")] == [1, 1]
