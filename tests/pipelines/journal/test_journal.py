from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from pipelines.errors import JournalError
from pipelines.journal.reader import JournalReader, Query
from pipelines.journal.settings import JournalSettings, default_folder
from tests.pipelines.journal.alerts import NOON, alert, closed, events, journal, keep, step_until, stored


def test_what_was_submitted_is_there_afterwards_with_its_pictures(tmp_path: Path) -> None:
    made = journal(tmp_path)
    messages = [alert(1), alert(2, "update"), alert(3, "end", score=9.0)]
    keep(made, *messages)
    closed(made)
    with JournalReader(tmp_path) as reader:
        kept = reader.after(0, 10)
        assert [each.header for each in kept] == [message.header for message in messages]
        assert [reader.pictures(each) for each in kept] == [
            (message.overlay_jpeg, message.clean_jpeg, message.heatmap_png) for message in messages
        ]
        (event,) = reader.events(Query())
    assert (event.alerts, event.end_reason, event.peak_score) == (3, "calm", 9.0)
    assert not list((tmp_path / "incoming").iterdir())


def test_a_picture_file_opens_as_the_overlay(tmp_path: Path) -> None:
    made = journal(tmp_path)
    keep(made, alert(7))
    closed(made)
    (file,) = (tmp_path / "pictures").rglob("*.jpg")
    assert file.name == "boot1-000007.jpg"
    assert file.read_bytes().startswith(alert(7).overlay_jpeg)


def test_without_pictures_headers_are_kept(tmp_path: Path) -> None:
    made = journal(tmp_path, JournalSettings(pictures=False))
    keep(made, alert(1))
    assert made.condition.state == "ok"
    closed(made)
    with JournalReader(tmp_path) as reader:
        assert reader.pictures(reader.after(0, 1)[0]) == (b"", b"", b"")


def test_nothing_is_settled_before_it_is_on_the_disk(tmp_path: Path) -> None:
    made = journal(tmp_path)
    number = made.submit(alert(1))
    assert not made.settled(number)
    assert not made.wait(number, 0.01)
    made.step()
    assert made.wait(number, 0)
    assert stored(tmp_path) == [("boot1", 1)]
    closed(made)


def test_a_burst_is_one_commit(tmp_path: Path) -> None:
    made = journal(tmp_path)
    for seq in range(1, 31):
        made.submit(alert(seq))
    made.step()
    assert [seq for _, seq in stored(tmp_path)] == list(range(1, 31))
    closed(made)


def test_an_event_without_an_end_is_ended_once_by_the_next_run(tmp_path: Path) -> None:
    first = journal(tmp_path)
    keep(first, alert(1, camera="gate", event=3), alert(2), alert(3, "end"), alert(4, event=2))
    closed(first)  # as far as the journal knows, it was killed: no end came

    second = journal(tmp_path, boot_id="boot2")
    step_until(second, lambda: second.condition.state == "ok")
    ends = second.interrupted()
    assert second.interrupted() == []
    told = [(m.header.event_id, m.header.phase, m.header.end_reason) for m in ends]
    assert told == [("boot1-gate-3", "end", "interrupted"), ("boot1-yard-2", "end", "interrupted")]
    assert ends[1].overlay_jpeg == alert(4).overlay_jpeg
    numbered = [
        replace(end, header=structs.replace(end.header, boot_id="boot2", seq=n)) for n, end in enumerate(ends, 1)
    ]
    keep(second, *numbered)
    closed(second)
    third = journal(tmp_path, boot_id="boot3")
    step_until(third, lambda: third.condition.state == "ok")
    assert third.interrupted() == []
    closed(third)
    assert dict(events(tmp_path))["boot1-yard-2"] == "interrupted"


def test_the_same_alert_twice_is_kept_once(tmp_path: Path) -> None:
    made = journal(tmp_path)
    keep(made, alert(1), alert(1), alert(2))
    closed(made)
    assert stored(tmp_path) == [("boot1", 1), ("boot1", 2)]
    with JournalReader(tmp_path) as reader:
        assert reader.events(Query())[0].alerts == 2


class TestRetention:
    def test_the_oldest_go_when_there_is_too_much(self, tmp_path: Path) -> None:
        made = journal(tmp_path, JournalSettings(most_gb=0.001))
        keep(made, *(alert(seq, picture=40_000) for seq in range(1, 61)))
        step_until(made, lambda: made.totals.bytes <= 1_000_000)
        closed(made)
        left = [seq for _, seq in stored(tmp_path)]
        assert left == list(range(left[0], 61))
        assert len(left) > 15
        assert len(list((tmp_path / "pictures").rglob("*.jpg"))) == len(left)

    def test_the_old_go_and_their_events_with_the_last_of_them(self, tmp_path: Path) -> None:
        made = journal(tmp_path, JournalSettings(keep_days=0.3 / 86_400))
        keep(made, alert(1), alert(2, "end"))
        time.sleep(0.4)
        keep(made, alert(3, event=2))
        step_until(made, lambda: stored(tmp_path) == [("boot1", 3)])
        assert events(tmp_path) == [("boot1-yard-2", None)]
        closed(made)

    def test_a_clock_that_is_set_makes_nothing_older(self, tmp_path: Path) -> None:
        """What counts is when an alert was kept, by a clock that goes on with the machine's uptime."""
        made = journal(tmp_path, JournalSettings(keep_days=30))
        year = 365 * 86_400
        keep(made, alert(1, at=NOON + year), alert(2, at=NOON - year), alert(3, at=NOON))
        for _ in range(20):
            made.step()
        closed(made)
        assert [seq for _, seq in stored(tmp_path)] == [1, 2, 3]


class TestCrashes:
    def test_leftovers_are_swept_at_the_start(self, tmp_path: Path) -> None:
        made = journal(tmp_path)
        keep(made, alert(1))
        closed(made)
        (settled,) = (tmp_path / "pictures").rglob("*.jpg")
        settled.rename(tmp_path / "incoming" / f"{settled.parent.name}_{settled.name}")  # the move was not yet durable
        (tmp_path / "incoming" / "2026-11-27_boot1-000002.jpg").write_bytes(b"\xff\xd8 never committed")
        again = journal(tmp_path, boot_id="boot2")
        step_until(again, lambda: again.condition.state == "ok")
        closed(again)
        assert settled.exists()
        assert not list((tmp_path / "incoming").iterdir())

    def test_a_damaged_database_is_set_aside_and_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        made = journal(tmp_path)
        keep(made, *(alert(seq) for seq in range(1, 40)))
        closed(made)
        data = bytearray((tmp_path / "journal.db").read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        (tmp_path / "journal.db").write_bytes(data)
        again = journal(tmp_path, boot_id="boot2")
        with caplog.at_level(logging.ERROR):
            keep(again, alert(1, boot_id="boot2"))
        closed(again)
        assert "the journal is damaged" in caplog.text
        (aside,) = tmp_path.glob("damaged-*")
        assert (aside / "journal.db").read_bytes() == bytes(data)
        assert stored(tmp_path) == [("boot2", 1)]

    def test_a_log_cut_anywhere_leaves_a_journal_that_opens_with_all_before_the_cut(self, tmp_path: Path) -> None:
        source, cut = tmp_path / "source", tmp_path / "cut"
        made = journal(source, JournalSettings(pictures=False))
        for seq in range(1, 21):
            keep(made, alert(seq))
        log = (source / "journal.db-wal").read_bytes()
        base = (source / "journal.db").read_bytes()
        closed(made)
        counts: list[int] = []
        for share in range(0, 101, 5):
            cut.mkdir(exist_ok=True)
            for name, content in (("journal.db", base), ("journal.db-wal", log[: len(log) * share // 100])):
                (cut / name).write_bytes(content)
            (cut / "journal.db-shm").unlink(missing_ok=True)
            again = journal(cut, boot_id="boot2")
            step_until(again, lambda again=again: again.condition.state == "ok")  # type: ignore[misc]
            closed(again)
            assert not list(cut.glob("damaged-*"))
            numbers = [seq for _, seq in stored(cut)]
            assert numbers == list(range(1, len(numbers) + 1))
            counts.append(len(numbers))
        assert counts == sorted(counts)
        assert counts[-1] == 20

    def test_killed_at_any_moment_it_holds_all_that_was_acknowledged(self, tmp_path: Path) -> None:
        script = textwrap.dedent(
            """
            import sys
            from pathlib import Path
            from tests.pipelines.journal.alerts import alert, journal
            made = journal(Path(sys.argv[1]), boot_id=sys.argv[2])
            for seq in range(1, 100_000):
                number = made.submit(alert(seq, boot_id=sys.argv[2]))
                while not made.wait(number, 0):
                    made.step()
                print(seq, flush=True)
            """
        )
        for run in range(5):
            boot = f"boot{run}"
            with subprocess.Popen(
                [sys.executable, "-c", script, str(tmp_path), boot], stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                for _ in range(5 + 7 * run):
                    process.stdout.readline()
                process.send_signal(signal.SIGKILL)
                rest = process.stdout.read().split("\n")
            told = [int(line) for line in rest[:-1]]
            kept = [seq for run_id, seq in stored(tmp_path) if run_id == boot]
            assert kept == list(range(1, len(kept) + 1))
            assert len(kept) >= max(told, default=5 + 7 * run)


class TestDiskTrouble:
    def test_a_folder_that_cannot_be_made_is_told_and_used_once_it_can(self, tmp_path: Path) -> None:
        blocked = tmp_path / "state"
        blocked.write_text("a file where a folder should be")
        made = journal(blocked / "journal")
        number = made.submit(alert(1))
        step_until(made, lambda: made.condition.state == "failing")
        assert str(blocked) in made.condition.reason
        assert made.settled(number)  # there is no use in waiting
        blocked.unlink()
        step_until(made, lambda: made.wait(number, 0))
        assert made.condition.state == "ok"
        closed(made)

    def test_one_folder_is_one_daemons(self, tmp_path: Path) -> None:
        first, second = journal(tmp_path), journal(tmp_path, boot_id="boot2")
        first.step()
        second.step()
        assert second.condition.state == "failing"
        assert "another Vigil keeps its journal there" in second.condition.reason
        closed(first)
        closed(second)

    def test_a_newer_journal_is_left_alone(self, tmp_path: Path) -> None:
        made = journal(tmp_path)
        keep(made, alert(1))
        closed(made)
        with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
            connection.execute("PRAGMA user_version = 9")
        again = journal(tmp_path, boot_id="boot2")
        again.step()
        assert "made by a newer Vigil" in again.condition.reason
        closed(again)
        with pytest.raises(JournalError, match="newer Vigil"):
            JournalReader(tmp_path)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/vigil"}, "/var/lib/vigil/journal"),
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one/journal"),
        ({"XDG_STATE_HOME": "/home/me/state"}, "/home/me/state/vigil/journal"),
    ],
)
def test_auto_is_where_systemd_or_the_user_keeps_state(environ: dict[str, str], folder: str) -> None:
    assert default_folder(environ) == Path(folder)
