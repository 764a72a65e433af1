"""Several threads judge side by side: real engine, threads and frames; only the publisher is missing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from daemon.errors import StageDied
from daemon.supervisor import Post, Supervisor
from engines.contract import Encoded, Engine, Pixels
from engines.detector import Detector, prepare
from engines.errors import EngineError
from engines.profile import Profile
from engines.runtime.gated import TRIAL_FRAMES
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.select import EngineSettings, select_engine
from pipelines.batcher import Batcher, BatchSettings
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.roster import Roster
from pipelines.seating import Enter, Leave, Retune, Try
from pipelines.sources.source import Sample
from pipelines.types import Frame, Verdict
from tests.daemon.stages import until
from tests.pipelines.judging import ready, samples_of

JUDGES = 2
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def samples(odd_clip: Path) -> list[Sample]:
    return samples_of(odd_clip, most=24)


@dataclass
class Bench:
    """Judges at work, each on a thread of its own, with a supervisor that minds them."""

    profile: Profile
    engine: Engine
    cameras: tuple[str, ...]
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    verdicts: list[Verdict] = field(default_factory=list)
    by_thread: dict[str, set[str]] = field(default_factory=dict)
    on_verdict: Callable[[Verdict], None] = lambda _: None

    def __post_init__(self) -> None:
        self.filled = threading.Condition()
        self.metrics = Metrics(self.registry)
        self.judge = Judge(self.engine, Detector(self.engine, dict.fromkeys(self.cameras, self.profile)))
        series = {name: self.metrics.camera(name) for name in self.cameras}
        self.boxes = {name: Mailbox(name, self.filled) for name in self.cameras}
        settings = BatchSettings(window_ms=0, due_ms=60_000, stale_ms=60_000)
        self.batcher = Batcher(self.boxes.values(), self.filled, settings, series, threads=JUDGES)
        self.roster = Roster(self.metrics, dict.fromkeys(self.cameras, self.judge), series)
        judges = [
            Infer(self.batcher, self.roster, self._offer, self.metrics, number=number) for number in range(JUDGES)
        ]
        self.supervisor = Supervisor([_post(infer) for infer in judges])

    def _offer(self, verdict: Verdict) -> bool:
        self.by_thread.setdefault(threading.current_thread().name, set()).add(verdict.frame.camera)
        self.verdicts.append(verdict)
        self.on_verdict(verdict)
        return True

    def put(self, camera: str, seq: int, sample: Sample) -> None:
        """Leave a frame once the one before has been taken."""
        until(lambda: self.boxes[camera].peek_captured_ns() is None, PATIENCE_S)
        now_ns = time.monotonic_ns()
        frame = Frame(camera, seq, sample.pixels, now_ns, sample.time_s, sample.wall_s, sample.picture)
        self.boxes[camera].put(frame)

    def play(self, cameras: tuple[str, ...], samples: list[Sample], first: int = 1) -> None:
        """Each camera sends its frames from a thread of its own; returns when all have been judged."""
        wanted = len(self.verdicts) + len(cameras) * len(samples)

        def send(camera: str) -> None:
            for seq, sample in enumerate(samples, start=first):
                self.put(camera, seq, sample)

        threads = [threading.Thread(target=send, args=(camera,)) for camera in cameras]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: len(self.verdicts) >= wanted, PATIENCE_S)

    def of(self, camera: str) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.frame.camera == camera]

    def enter(self, camera: str) -> None:
        """One more camera, by an order."""
        self.boxes[camera] = Mailbox(camera, self.filled)
        series = self.metrics.camera(camera)
        self.batcher.add(self.boxes[camera], series)
        watched = prepare(camera, self.profile, self.engine.info.model)
        self.roster.order(Enter(camera, self.judge, ready(self.judge, watched), series, None, 2.0))


def _post(infer: Infer) -> Post:
    return Post(infer.name, lambda _stop: infer)


@contextmanager
def at_work(profile: Profile, engine: Engine, *cameras: str) -> Iterator[Bench]:
    bench = Bench(profile, engine, cameras)
    bench.supervisor.start(lambda: False)
    try:
        yield bench
    finally:
        bench.supervisor.signal_stop()
        assert not bench.supervisor.join(time.monotonic() + PATIENCE_S, lambda: False)


@pytest.fixture
def engine(profile: Profile) -> OpenVinoEngine:
    return OpenVinoEngine(profile.network, precision="f32", callers=JUDGES)


def alone(profile: Profile, samples: list[Sample]) -> list[float]:
    """What one thread says of the frames of one camera, one after another."""
    engine = OpenVinoEngine(profile.network, precision="f32", threads=1)
    filled, metrics = threading.Condition(), Metrics(CollectorRegistry())
    box, series = Mailbox("a", filled), {"a": metrics.camera("a")}
    roster = Roster(metrics, {"a": Judge(engine, Detector(engine, {"a": profile}))}, series)
    batcher = Batcher([box], filled, BatchSettings(window_ms=0, stale_ms=60_000), series)
    said: list[float] = []

    def offer(verdict: Verdict) -> bool:
        said.append(verdict.score)
        return True

    infer = Infer(batcher, roster, offer, metrics)
    infer.open()
    for seq, sample in enumerate(samples):
        now_ns = time.monotonic_ns()
        box.put(Frame("a", seq, sample.pixels, now_ns, sample.time_s, sample.wall_s, sample.picture))
        infer.step()
    infer.close()
    return said


def test_both_judge_and_say_of_every_camera_what_one_alone_would_in_the_order_of_its_frames(
    profile: Profile, engine: OpenVinoEngine, samples: list[Sample]
) -> None:
    met, seen = threading.Barrier(JUDGES), set[str]()

    def meet(_: Verdict) -> None:
        """Each waits with its first batch, which is not of all cameras, until the other has one too."""
        if threading.current_thread().name not in seen:
            seen.add(threading.current_thread().name)
            met.wait(PATIENCE_S)

    cameras, samples = tuple("abcdef"), samples[:12]
    with at_work(profile, engine, *cameras) as bench:
        bench.on_verdict = meet
        bench.play(cameras, samples)
    expected = alone(profile, samples)
    for camera in cameras:
        verdicts = bench.of(camera)
        assert [verdict.frame.seq for verdict in verdicts] == list(range(1, len(samples) + 1))
        np.testing.assert_allclose([verdict.score for verdict in verdicts], expected, rtol=1e-4, atol=1e-4)
    assert set(bench.by_thread) == {"infer-0", "infer-1"}


class _Hold:
    """Keeps whoever judges a camera's frame until it may go on."""

    def __init__(self, camera: str) -> None:
        self.held, self.go_on = threading.Event(), threading.Event()
        self._camera = camera

    def __call__(self, verdict: Verdict) -> None:
        if verdict.frame.camera == self._camera and not self.go_on.is_set():
            self.held.set()
            assert self.go_on.wait(PATIENCE_S)


def test_a_judge_that_is_held_up_holds_up_its_own_cameras_alone(
    profile: Profile, engine: OpenVinoEngine, samples: list[Sample]
) -> None:
    hold = _Hold("a")
    with at_work(profile, engine, "a", "b") as bench:
        bench.on_verdict = hold
        bench.put("a", 1, samples[0])
        assert hold.held.wait(PATIENCE_S)
        bench.put("a", 2, samples[1])
        bench.play(("b",), samples[:6])
        assert [verdict.frame.seq for verdict in bench.of("a")] == [1], "the next waits for the one before"
        hold.go_on.set()
        until(lambda: len(bench.of("a")) == 2, PATIENCE_S)
    assert [verdict.frame.seq for verdict in bench.of("a")] == [1, 2]


def test_orders_wait_for_who_is_in_a_session_and_then_change_what_they_name_alone(
    profile: Profile, engine: OpenVinoEngine, samples: list[Sample]
) -> None:
    hold = _Hold("c")
    with at_work(profile, engine, "a", "b", "c") as bench:
        bench.play(("a", "b"), samples[:10])
        bench.on_verdict = hold
        bench.put("c", 1, samples[0])
        assert hold.held.wait(PATIENCE_S)
        bench.enter("d")
        bench.roster.order(Leave("b"), Retune("c", threshold=0.25, gap_s=2.0))
        bench.put("d", 1, samples[0])
        time.sleep(0.3)
        assert not bench.of("d"), "not before the other judge has ended its batch"
        hold.go_on.set()
        until(lambda: len(bench.of("d")) == 1, PATIENCE_S)
        bench.put("b", 11, samples[10])  # nobody judges it any more
        bench.play(("a",), samples[10:], first=11)
        bench.play(("c",), samples[1:2], first=2)
    assert len(bench.of("b")) == 10
    assert bench.of("c")[-1].threshold == 0.25
    np.testing.assert_allclose([v.score for v in bench.of("a")], alone(profile, samples), rtol=1e-4, atol=1e-4)


def test_a_trial_takes_over_once_whoever_judged_its_frames(
    profile: Profile, engine: OpenVinoEngine, samples: list[Sample]
) -> None:
    with at_work(profile, engine, "a", "b") as bench:
        watched = prepare("a", profile, engine.info.model)
        watched.retune(0.01)
        bench.roster.order(Try("a", "fedcba987654", bench.judge, ready(bench.judge, watched), 10))
        bench.play(("a", "b"), samples)
        assert [news.profile_id for news in bench.roster.news] == ["fedcba987654"]
    lowered = [verdict.frame.seq for verdict in bench.of("a") if verdict.threshold == pytest.approx(0.01)]
    assert lowered == list(range(11, len(samples) + 1))
    assert all(verdict.threshold == pytest.approx(profile.threshold) for verdict in bench.of("b"))


def test_one_engine_is_checked_once_and_takes_over_for_both(profile: Profile, samples: list[Sample]) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    engine = select_engine(
        profile.network,
        EngineSettings(cache="off"),
        callers=JUDGES,
        frames=TRIAL_FRAMES,
        watcher=metrics,
    )
    with at_work(profile, engine, "a", "b", "c") as bench:
        assert engine.info.precision == "f32"
        bench.play(("a", "b", "c"), samples)
        served = engine.info.precision
    state = {"model": profile.network.id, "state": "serving"}
    assert registry.get_sample_value("vigil_engine_state", state) == 1
    assert all(np.isfinite(verdict.score) for verdict in bench.verdicts)
    assert served == select_engine(profile.network, EngineSettings(cache="off")).info.precision


class _Failing(OpenVinoEngine):
    """Fails on the thread of one judge."""

    def encode(self, pixels: Pixels) -> Encoded:
        if threading.current_thread().name == "infer-1":
            raise EngineError("cannot run the encoder (out of memory): see `vigil doctor`")
        return super().encode(pixels)


def test_the_death_of_one_judge_is_the_end_and_names_its_cause(profile: Profile, samples: list[Sample]) -> None:
    engine = _Failing(profile.network, precision="f32", callers=JUDGES)
    with at_work(profile, engine, "a", "b", "c") as bench:

        def watch() -> None:
            deadline = time.monotonic() + PATIENCE_S
            for seq in itertools.count():
                for box in bench.boxes.values():
                    now_ns, one = time.monotonic_ns(), samples[seq % len(samples)]
                    box.put(Frame(box.camera, seq, one.pixels, now_ns, seq / 5, one.wall_s, one.picture))
                bench.supervisor.check()
                assert time.monotonic() < deadline, "nobody died"
                time.sleep(0.01)

        with pytest.raises(StageDied, match="infer-1: cannot run the encoder"):
            watch()
