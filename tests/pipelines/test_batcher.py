import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pipelines.batcher import Batcher, BatchSettings
from pipelines.mailbox import Mailbox
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.types import Frame

PIXELS = np.zeros((2, 2, 3), np.uint8)


def frame(camera: str, seq: int = 1, age_s: float = 0.0) -> Frame:
    captured_ns = time.monotonic_ns() - int(age_s * 1e9)
    return Frame(camera, seq, PIXELS, captured_ns, seq / 5, time.time(), lambda: PIXELS)


class Cameras:
    """Mailboxes with a batcher behind them."""

    def __init__(self, count: int, threads: int = 1, **how: float) -> None:
        self.filled = threading.Condition()
        self.registry = CollectorRegistry()
        self._metrics = Metrics(self.registry)
        self.boxes = {name: Mailbox(name, self.filled) for name in (f"cam{i:02}" for i in range(count))}
        metrics: dict[str, CameraMetrics] = {name: self._metrics.camera(name) for name in self.boxes}
        how = {"window_ms": 30, "due_ms": 1000, **how}
        settings = BatchSettings(**how)  # type: ignore[arg-type]
        self.batcher = Batcher(self.boxes.values(), self.filled, settings, metrics, threads=threads)

    def put(self, *names: str, age_s: float = 0.0) -> None:
        for name in names:
            self.boxes[name].put(frame(name, age_s=age_s))

    def add(self, name: str) -> None:
        self.boxes[name] = Mailbox(name, self.filled)
        self.batcher.add(self.boxes[name], self._metrics.camera(name))

    def dropped(self, name: str, cause: str) -> float | None:
        return self.registry.get_sample_value("vigil_frames_dropped_total", {"camera": name, "cause": cause})

    def collect(self, timeout_s: float = 1.0) -> tuple[list[str], float]:
        began = time.monotonic()
        frames = self.batcher.collect(timeout_s)
        took_s = time.monotonic() - began
        self.batcher.give_back(frames)
        return [f.camera for f in frames], took_s


def later(delay_s: float, act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(delay_s, act)
    timer.start()
    return timer


def test_nothing_comes_and_the_batch_is_empty_after_the_timeout() -> None:
    assert Cameras(2).batcher.collect(0.0) == []
    names, took_s = Cameras(2).collect(0.1)
    assert names == []
    assert 0.08 < took_s < 0.3


def test_a_full_batch_closes_at_once() -> None:
    cameras = Cameras(5, size=3, window_ms=5000)
    cameras.put("cam00", "cam01", "cam02", "cam03")
    names, took_s = cameras.collect()
    assert names == ["cam00", "cam01", "cam02"]
    assert took_s < 0.1


def test_when_every_camera_has_a_frame_there_is_nothing_to_wait_for() -> None:
    cameras = Cameras(2, size=8, window_ms=5000)
    cameras.put("cam00", "cam01")
    names, took_s = cameras.collect()
    assert names == ["cam00", "cam01"]
    assert took_s < 0.1


def test_a_batch_closes_at_its_window_and_takes_what_came_in_it() -> None:
    cameras = Cameras(4, window_ms=150)
    cameras.put("cam02")
    timers = [later(0.05, lambda: cameras.put("cam00")), later(0.5, lambda: cameras.put("cam01"))]
    names, took_s = cameras.collect()
    assert sorted(names) == ["cam00", "cam02"]
    assert 0.1 < took_s < 0.4
    assert cameras.collect()[0] == ["cam01"]
    for timer in timers:
        timer.join()


def test_a_batch_closes_when_its_oldest_frame_is_due() -> None:
    cameras = Cameras(4, window_ms=5000, due_ms=200)
    cameras.put("cam01", age_s=0.12)
    names, took_s = cameras.collect()
    assert names == ["cam01"]
    assert 0.05 < took_s < 0.15
    cameras.put("cam01", age_s=0.3)
    assert cameras.collect()[1] < 0.05


def test_a_frame_wakes_a_waiting_collector() -> None:
    cameras = Cameras(1)
    timer = later(0.1, lambda: cameras.put("cam00"))
    names, took_s = cameras.collect(5.0)
    assert names == ["cam00"]
    assert took_s < 0.3
    timer.join()


def test_waiting_costs_no_processor_time() -> None:
    cameras = Cameras(3)
    spent = time.process_time()
    cameras.collect(0.5)
    assert time.process_time() - spent < 0.1


def test_stale_frames_are_dropped_and_counted_by_camera() -> None:
    cameras = Cameras(3, stale_ms=500)
    cameras.put("cam00", age_s=0.8)
    cameras.put("cam01")
    assert cameras.collect()[0] == ["cam01"]
    assert cameras.dropped("cam00", "stale") == 1
    assert cameras.dropped("cam01", "stale") == 0
    cameras.put("cam00", age_s=0.8)
    names, took_s = cameras.collect(0.1)
    assert names == []
    assert took_s < 0.3


def test_cameras_come_and_go_while_the_batcher_waits() -> None:
    cameras = Cameras(1, window_ms=10)

    def arrive() -> None:
        cameras.add("new")
        cameras.put("new")

    timer = later(0.05, arrive)
    assert cameras.collect()[0] == ["new"]
    timer.join()
    cameras.batcher.remove("new")
    cameras.batcher.remove("never there")
    cameras.put("new")
    assert cameras.collect(0.05)[0] == []


def test_a_camera_removed_while_its_frame_opens_a_batch_does_no_harm() -> None:
    cameras = Cameras(2, window_ms=200)
    cameras.put("cam00")
    timers = [later(0.05, lambda: cameras.batcher.remove("cam00")), later(0.1, lambda: cameras.put("cam01"))]
    assert cameras.collect()[0] == ["cam01"]
    for timer in timers:
        timer.join()


@settings(deadline=None)
@given(
    count=st.integers(1, 12),
    size=st.integers(1, 6),
    silent=st.lists(st.sets(st.integers(0, 11)), min_size=40, max_size=40),
)
def test_no_camera_starves_whatever_the_others_send(count: int, size: int, silent: list[set[int]]) -> None:
    cameras = Cameras(count, size=size, window_ms=0)
    waited = dict.fromkeys(cameras.boxes, 0)
    for quiet in silent:
        names = [name for i, name in enumerate(cameras.boxes) if i not in quiet]
        cameras.put(*names)  # replaces what still waits, as live cameras do
        waiting = [n for n, box in cameras.boxes.items() if box.peek_captured_ns() is not None]
        served, _ = cameras.collect(0.0)
        assert len(served) == min(size, len(waiting))
        assert len(set(served)) == len(served)
        for name in waiting:
            waited[name] = 0 if name in served else waited[name] + 1
        assert max(waited.values()) <= -(-count // size)


def test_frames_of_many_threads_all_arrive() -> None:
    cameras = Cameras(4, size=4, window_ms=1, stale_ms=10_000)
    sent = 50

    def send(name: str) -> None:
        for seq in range(sent):
            while cameras.boxes[name].peek_captured_ns() is not None:
                time.sleep(0.0005)
            cameras.boxes[name].put(frame(name, seq))

    threads = [threading.Thread(target=send, args=(name,)) for name in cameras.boxes]
    for thread in threads:
        thread.start()
    got: dict[str, list[int]] = {name: [] for name in cameras.boxes}
    while frames := cameras.batcher.collect(0.5):
        for f in frames:
            got[f.camera].append(f.seq)
        cameras.batcher.give_back(frames)
    for thread in threads:
        thread.join()
    assert got == {name: list(range(sent)) for name in cameras.boxes}


def test_a_camera_in_hand_is_left_alone_until_it_is_given_back() -> None:
    cameras = Cameras(2, window_ms=0)
    cameras.put("cam00")
    first = cameras.batcher.collect(1.0)
    cameras.put("cam00", "cam01")
    second = cameras.batcher.collect(1.0)
    assert [[f.camera for f in frames] for frames in (first, second)] == [["cam00"], ["cam01"]]
    assert cameras.batcher.collect(0.05) == []
    later(0.05, lambda: cameras.batcher.give_back(first))
    assert cameras.collect(5.0)[0] == ["cam00"]  # woken by what was given back


def test_a_camera_in_hand_is_not_waited_for() -> None:
    cameras = Cameras(2, window_ms=5000, due_ms=5000)
    cameras.put("cam00", "cam01")
    cameras.batcher.give_back(cameras.batcher.collect(1.0)[1:])
    cameras.put("cam01")
    names, took_s = cameras.collect()
    assert names == ["cam01"]
    assert took_s < 1


@pytest.mark.parametrize(("size", "threads", "most"), [(8, 1, 8), (8, 2, 4), (16, 2, 8), (8, 4, 4), (2, 2, 2)])
def test_threads_share_what_is_judged_at_a_time(size: int, threads: int, most: int) -> None:
    cameras = Cameras(20, threads=threads, size=size)
    cameras.put(*cameras.boxes)
    names, took_s = cameras.collect()
    assert len(names) == most
    assert took_s < 0.03, "a full share waits for nothing"
    assert cameras.collect()[0] == list(cameras.boxes)[most : 2 * most]


def test_no_frame_overtakes_another_of_its_camera() -> None:
    cameras = Cameras(3, size=2, window_ms=0, stale_ms=10_000)
    stop, lock, seen = threading.Event(), threading.Lock(), dict.fromkeys(cameras.boxes, 0)
    in_hand: set[str] = set()
    trouble: list[str] = []

    def judge() -> None:
        while not stop.is_set():
            frames = cameras.batcher.collect(0.02)
            with lock:
                for f in frames:
                    if f.camera in in_hand or f.seq <= seen[f.camera]:
                        trouble.append(f"{f.camera} {f.seq}")
                    in_hand.add(f.camera)
                    seen[f.camera] = f.seq
            time.sleep(0.001)
            with lock:
                in_hand.difference_update(f.camera for f in frames)
            cameras.batcher.give_back(frames)

    threads = [threading.Thread(target=judge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seq in range(1, 200):
        for box in cameras.boxes.values():
            box.put(frame(box.camera, seq))
        time.sleep(0.001)
    deadline = time.monotonic() + 20
    while min(seen.values()) < 199 and time.monotonic() < deadline:
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    assert not trouble
    assert set(seen.values()) == {199}


@pytest.mark.parametrize("how", [{"size": 0}, {"window_ms": -1}, {"unknown": 1}])
def test_settings_are_strict(how: dict[str, float]) -> None:
    import msgspec  # noqa: PLC0415

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(how, BatchSettings)


def test_what_else_waits_can_be_taken_in_turn_and_without_waiting_for_it() -> None:
    cameras = Cameras(5, size=4, window_ms=5000, due_ms=5000)
    cameras.put("cam00", "cam01", "cam02", "cam03", "cam04")
    first = cameras.batcher.collect(1.0)
    assert [f.camera for f in cameras.batcher.more(3)] == ["cam04"]
    began = time.monotonic()
    assert cameras.batcher.more(3) == cameras.batcher.more(0) == []
    assert time.monotonic() - began < 1
    cameras.put("cam00")
    assert cameras.batcher.more(3) == [], "cam00 is in hand"
    cameras.batcher.give_back(first)
    assert [f.camera for f in cameras.batcher.more(3)] == ["cam00"]
