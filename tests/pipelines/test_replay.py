from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import SubscribeError, WireError
from pipelines.journal.settings import JournalSettings
from pipelines.replay_wire import MOST_REQUEST_BYTES, read_request
from pipelines.subscribe import Position, ThisRun, first_from
from tests.pipelines.journalled import Label, Run, Site, dealer, hear, run, wait_until


def numbers(boot_id: str, first: int, last: int) -> list[Label]:
    return [(boot_id, seq) for seq in range(first, last + 1)]


@contextmanager
def with_alerts(folder: Path, count: int = 40) -> Iterator[tuple[Site, Run]]:
    site = Site(folder)
    with run(site) as made:
        made.raise_alerts(count)
        wait_until(lambda: made.published() == count)
        yield site, made


class TestSubscriber:
    def test_one_that_connects_late_gets_all_from_the_start_and_goes_on_live(self, tmp_path: Path) -> None:
        with with_alerts(tmp_path, 70) as (site, made), site.subscriber(after="start") as late:
            heard = hear(late, lambda heard: len(heard) == 70)
            made.raise_alerts(5)
            heard += hear(late, lambda heard: len(heard) == 5)
        assert heard == numbers("boot1", 1, 75)
        assert site.gaps == []

    def test_one_may_begin_after_an_alert_of_this_run_or_of_any(self, tmp_path: Path) -> None:
        with with_alerts(tmp_path, 20) as (site, _):
            for after in (ThisRun(15), Position("boot1", 15)):
                with site.subscriber(after=after) as late:
                    assert hear(late, lambda heard: len(heard) == 5) == numbers("boot1", 16, 20)

    def test_what_a_slow_one_lost_is_filled_in(self, tmp_path: Path) -> None:
        site = Site(tmp_path)
        with run(site) as made, site.subscriber() as deaf:
            made.raise_alerts(3)
            heard = hear(deaf, lambda heard: len(heard) == 3)
            assert deaf._line._socket is not None
            deaf._line._socket.unsubscribe(b"alert.")  # what a full queue does, without the waiting
            while not made.sample("vigil_replay_alerts_total"):  # the next status tells that one is missing
                made.raise_alerts(1)
                heard += hear(deaf, bool)
            assert heard == numbers("boot1", 1, heard[-1][1])
        assert site.gaps == []

    def test_after_a_crash_the_end_of_the_old_runs_event_is_one_of_the_new_runs_alerts(self, tmp_path: Path) -> None:
        site = Site(tmp_path)
        with site.subscriber() as faithful:
            with run(site, kill=True) as first:
                faithful.receive(20)
                first.raise_alerts(3)
                heard = hear(faithful, lambda heard: len(heard) == 3)
                first.raise_alerts(2)
                wait_until(lambda: first.published() == 5)
            with run(site, "boot2") as second:
                second.raise_alerts(4)
                heard += hear(faithful, lambda heard: len(heard) == 7)
        assert heard == numbers("boot1", 1, 5) + numbers("boot2", 1, 5)
        assert site.gaps == []

    def test_one_camera_alone_is_joined_too(self, tmp_path: Path) -> None:
        site = Site(tmp_path)
        with run(site, cameras=("cam1", "cam10")) as made:
            for _ in range(10):
                made.raise_alerts(1, "cam1")
                made.raise_alerts(1, "cam10")
            wait_until(lambda: made.published() == 20)
            with site.subscriber(camera="cam1", after="start") as one:
                assert len(hear(one, lambda heard: len(heard) == 10)) == 10
                made.raise_alerts(3, "cam1")
                hear(one, lambda heard: len(heard) == 3)
        assert site.gaps == []

    def test_what_nobody_has_is_told_as_a_gap(self, tmp_path: Path) -> None:
        settings = JournalSettings(most_gb=0.001)
        site = Site(tmp_path)
        with run(site, journal=settings, size=(1280, 720)) as made:
            made.raise_alerts(25)
            wait_until(lambda: made.published() == 25)
            wait_until(lambda: made.sample("vigil_journal_removed_total", cause="size") > 0)
            wait_until(lambda: made.journal.totals.bytes <= settings.most_bytes)
            with site.subscriber(after=Position("boot1", 2)) as late:
                heard = hear(late, lambda heard: bool(heard) and heard[-1][1] == 25)
        assert heard == numbers("boot1", heard[0][1], 25)
        assert heard[0][1] > 3

    def test_who_wants_more_than_there_is_is_told(self, tmp_path: Path) -> None:
        with (
            with_alerts(tmp_path, 1) as (site, _),
            site.subscriber(after="start", replay="tcp://127.0.0.1:9", patience_s=0.5) as lonely,
        ):
            with pytest.raises(SubscribeError, match="does not answer"):
                hear(lonely, bool)
            assert lonely.receive(20)  # and it can go on

    @pytest.mark.parametrize("text", ["", "x", "a:b", "1:2:3", "-1", "a b:1"])
    def test_a_place_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a number"):
            first_from(text)

    def test_places_are_written_as_they_are_told(self) -> None:
        assert first_from("start") == "start"
        assert first_from("118") == ThisRun(117)
        assert first_from("5f0c:118") == Position("5f0c", 117)
        assert str(Position("5f0c", 118)) == "5f0c:118"


class TestWire:
    def test_a_stranger_gets_the_same_five_parts_after_the_number_of_its_request(self, tmp_path: Path) -> None:
        with (
            with_alerts(tmp_path, 3) as (site, _),
            zmq.Context() as context,
            dealer(context, site.replay) as stranger,
        ):
            stranger.send(b'{"schema": "vigil.replay/1", "id": 5, "boot_id": "boot1", "seq": 1}')
            alerts = [stranger.recv_multipart() for _ in range(2)]
            number, kind, answer = stranger.recv_multipart()
        assert [parts[0] for parts in alerts] == [b"5", b"5"]
        assert [json.loads(parts[2])["seq"] for parts in alerts] == [2, 3]
        assert alerts[0][1] == b"alert.yard"
        assert alerts[0][3][:2] == alerts[0][4][:2] == b"\xff\xd8"
        assert alerts[0][5][:4] == b"\x89PNG"
        assert (number, kind) == (b"5", b"replay")
        assert json.loads(answer) == {
            "schema": "vigil.replay/1",
            "id": 5,
            "outcome": "done",
            "alerts": 2,
            "reason": "",
        }

    def test_answers_come_in_pages(self, tmp_path: Path) -> None:
        with (
            with_alerts(tmp_path, 40) as (site, _),
            zmq.Context() as context,
            dealer(context, site.replay) as stranger,
        ):
            stranger.send(b'{"schema": "vigil.replay/1", "id": 1}')
            parts = stranger.recv_multipart()
            count = 0
            while len(parts) > 3:
                count += 1
                parts = stranger.recv_multipart()
        assert count == 32
        assert json.loads(parts[2])["outcome"] == "more"

    def test_nonsense_is_refused_with_one_line_and_counted(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        junk = [b"", b"{}", b"\xff\xfe", b'{"schema": "vigil.replay/2", "id": 1}', b"[" * 900]
        with with_alerts(tmp_path, 1) as (site, made), zmq.Context() as context:
            with dealer(context, site.replay) as rude:
                for each in junk:
                    rude.send(each)
                    assert json.loads(rude.recv_multipart()[2])["outcome"] == "refused"
                rude.send_multipart([b"", b"{}"])
                assert "DEALER" in json.loads(rude.recv_multipart()[2])["reason"]
                rude.send(b"x" * 10 * MOST_REQUEST_BYTES)  # is disconnected
            wait_until(lambda: made.sample("vigil_replay_requests_total", outcome="refused") == len(junk) + 1)
            with site.subscriber(after="start") as polite:
                assert hear(polite, bool) == [("boot1", 1)]
        assert caplog.text.count("malformed") == 1

    def test_an_unknown_run_is_told(self, tmp_path: Path) -> None:
        with (
            with_alerts(tmp_path, 1) as (site, _),
            zmq.Context() as context,
            dealer(context, site.replay) as stranger,
        ):
            stranger.send(b'{"schema": "vigil.replay/1", "id": 2, "boot_id": "never", "seq": 4}')
            assert json.loads(stranger.recv_multipart()[2])["outcome"] == "unknown"

    def test_those_who_ask_and_do_not_read_cost_nothing(self, tmp_path: Path) -> None:
        with with_alerts(tmp_path, 40) as (site, made), zmq.Context() as context:
            deaf = [dealer(context, site.replay) for _ in range(5)]
            for socket in deaf:
                socket.setsockopt(zmq.RCVHWM, 1)
                for number in range(200):
                    socket.send(b'{"schema": "vigil.replay/1", "id": %d}' % number)
            made.raise_alerts(20)
            wait_until(lambda: made.published() == 60)
            with site.subscriber(after="start") as polite:
                assert hear(polite, lambda heard: len(heard) == 60) == numbers("boot1", 1, 60)
            for socket in deaf:
                socket.close(linger=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)), max_size=3))
def test_any_bytes_are_a_request_or_refused(parts: list[bytes]) -> None:
    with suppress(WireError):
        assert read_request(parts).seq >= 0
