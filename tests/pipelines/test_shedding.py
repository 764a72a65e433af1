from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from pipelines.door import Door
from pipelines.metrics import Metrics
from pipelines.shedding import Highest, Shedder, SheddingSettings, shares

BATCH = 8


@dataclass
class Camera:
    name: str
    door: Door
    every_s: float
    still: bool = False
    """Its frames are answered with the last result."""
    waiting_since: float | None = None
    asked: int = 0
    judged: int = 0
    replaced: int = 0


@dataclass
class Plant:
    """Cameras, a shedder and an engine of so many frames a second, in simulated time."""

    capacity: float
    settings: SheddingSettings = field(default_factory=SheddingSettings)
    now: float = 0.0
    cameras: list[Camera] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    turn: int = 0

    def __post_init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.shedder = Shedder(self.settings, self.metrics.load, lambda: self.now)
        self._arrivals: list[tuple[float, int]] = []
        self._random = random.Random(0)

    def add(self, count: int, fps: float = 5.0, priority: int = 1, *, still: bool = False) -> None:
        for _ in range(count):
            index = len(self.cameras)
            name = f"cam{index}"
            door = self.shedder.door(self.metrics.camera(name), priority)
            self.cameras.append(Camera(name, door, 1 / fps, still))
            heapq.heappush(self._arrivals, (self.now + self._random.random() / fps, index))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self._arrive()
            batch = self._batch()
            if batch:
                computed = [camera.name for camera in batch if not camera.still]
                busy_s = (len(computed) + 0.05 * (len(batch) - len(computed))) / self.capacity
                self.now += busy_s
                for camera in batch:
                    assert camera.waiting_since is not None
                    self.waits.append(self.now - camera.waiting_since)
                    camera.waiting_since = None
                    camera.judged += 1
                self.shedder.worked(busy_s, [camera.name for camera in batch], computed)
            else:
                self.now = self._arrivals[0][0]

    def _arrive(self) -> None:
        while self._arrivals[0][0] <= self.now:
            at, index = heapq.heappop(self._arrivals)
            camera = self.cameras[index]
            jitter_s = 0.01 * (self._random.random() - 0.5)
            heapq.heappush(self._arrivals, (at + camera.every_s + jitter_s, index))
            camera.asked += 1
            if camera.door.admits():
                camera.replaced += camera.waiting_since is not None
                camera.waiting_since = at

    def _batch(self) -> list[Camera]:
        count = len(self.cameras)
        order = [(self.turn + offset) % count for offset in range(count)]
        ready = [index for index in order if self.cameras[index].waiting_since is not None][:BATCH]
        if ready:
            self.turn = ready[-1] + 1
        return [self.cameras[index] for index in ready]

    def forget(self) -> None:
        """Count from here on."""
        self.waits.clear()
        for camera in self.cameras:
            camera.asked = camera.judged = camera.replaced = 0

    def kept(self) -> list[float]:
        return [camera.judged / camera.asked for camera in self.cameras]

    def p99(self) -> float:
        return sorted(self.waits)[int(0.99 * len(self.waits))]

    def value(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None
        return value


def at_load(load: float, **how: float) -> Plant:
    """An engine of 100 frames a second with as many cameras as make that load."""
    plant = Plant(capacity=100, settings=msgspec.convert(how, SheddingSettings))
    plant.add(round(20 * load))
    plant.run(20)
    plant.forget()
    plant.run(60)
    return plant


@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
def test_nothing_is_shed_while_there_is_time(load: float) -> None:
    plant = at_load(load)
    assert min(plant.kept()) > 0.98
    assert plant.value("vigil_engine_load") == pytest.approx(load, abs=0.05)
    assert plant.value("vigil_admitted_share", camera="cam3") == 1


@pytest.mark.parametrize("load", [1.2, 2.0, 5.0])
def test_above_capacity_the_rate_falls_evenly_and_frames_stay_young(load: float) -> None:
    plant = at_load(load)
    kept = plant.kept()
    assert sum(kept) / len(kept) == pytest.approx(0.92 / load, rel=0.08)
    assert max(kept) - min(kept) < 0.05
    assert plant.p99() < 2 * at_load(0.9).p99()
    assert plant.value("vigil_engine_load") == pytest.approx(load, rel=0.15)
    assert sum(camera.replaced for camera in plant.cameras) < 0.05 * sum(camera.asked for camera in plant.cameras)


def test_cameras_that_the_gate_answers_for_are_not_shed_for_those_that_cost() -> None:
    plant = Plant(capacity=100)
    plant.add(40)
    plant.add(60, still=True)
    plant.run(20)
    plant.forget()
    plant.run(60)
    busy, still = plant.kept()[:40], plant.kept()[40:]
    assert min(still) > 0.97
    assert sum(busy) / 40 == pytest.approx((0.92 - 0.15) / 2, rel=0.1), "what 300 still frames a second leave of it"
    assert max(busy) - min(busy) < 0.05


def test_without_shedding_every_camera_waits_for_all_others() -> None:
    plant = at_load(1.2, enabled=False)
    assert plant.p99() > 1.5 * at_load(1.2).p99()
    assert plant.value("vigil_admitted_share", camera="cam3") == 1
    assert plant.value("vigil_engine_load") > 1.1, "told all the same"


def test_frames_that_are_kept_are_spread_evenly_in_time() -> None:
    door = Door(1, share=0.75)
    admitted = [index for index in range(400) if door.admits()]
    assert len(admitted) == pytest.approx(300, abs=2)
    assert max(b - a for a, b in pairwise(admitted)) == 2
    assert (door.asked, door.passed) == (400, len(admitted))


def test_a_camera_of_twice_the_priority_keeps_twice_the_share() -> None:
    plant = Plant(capacity=30)
    plant.add(8, priority=1)
    plant.add(8, priority=2)
    plant.run(20)
    plant.forget()
    plant.run(60)
    kept = plant.kept()
    low, high = sum(kept[:8]) / 8, sum(kept[8:]) / 8
    assert high == pytest.approx(2 * low, rel=0.1)
    assert max(kept[8:]) - min(kept[8:]) < 0.05


def test_it_recovers_when_cameras_leave() -> None:
    plant = at_load(1.5)
    for camera in plant.cameras[:15]:
        camera.every_s = 1e9
    plant.run(20)
    plant.forget()
    plant.run(20)
    assert min(camera.judged / camera.asked for camera in plant.cameras[15:] if camera.asked) > 0.97


@given(
    cameras=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 300)), min_size=1, max_size=40),
    kept=st.floats(0.0, 3.0),
)
def test_shares_use_what_there_is_follow_priority_and_leave_nobody_out(
    cameras: list[tuple[int, int]], kept: float
) -> None:
    priorities, demands = [p for p, _ in cameras], [d for _, d in cameras]
    found = shares(priorities, demands, kept)
    used, total = sum(s * d for s, d in zip(found, demands, strict=True)), sum(demands)
    assert all(0.05 <= share <= 1 for share in found)
    least = 0.05 * total
    assert used <= max(kept * total, least) + least + 1e-6
    assert used >= min(kept, 1.0) * total - 1e-6
    for (one, share), (other, its) in pairwise(zip(priorities, found, strict=True)):
        if one == other and total and min(demands) > 0:
            assert share == pytest.approx(its, abs=1e-6)


def test_a_camera_that_was_removed_does_not_count() -> None:
    plant = at_load(1.5)
    for index in range(15):
        plant.shedder.remove(f"cam{index}")
        plant.cameras[index].every_s = 1e9
    plant.run(30)
    assert plant.cameras[20].door.share > 0.97


@pytest.mark.parametrize("how", [{"most_load": 1.5}, {"most_load": 0.1}, {"unknown": 1}])
def test_settings_are_strict(how: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(how, SheddingSettings)


def test_one_gauge_of_several_judges_shows_the_highest_load() -> None:
    registry = CollectorRegistry()
    highest = Highest(Gauge("load", "", registry=registry))
    one, other = highest.one(), highest.one()
    one.set(1.3)
    other.set(0.4)
    assert registry.get_sample_value("load") == 1.3
    one.set(0.2)
    assert registry.get_sample_value("load") == 0.4
