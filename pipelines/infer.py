"""Frames of all cameras -> batch -> scores -> verdicts, on the one thread that owns the engine."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engines.contract import Batch, Engine, Timed
from pipelines.gate import Gate, Why
from pipelines.judged import held, unjudged, verdict_of
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.seat import Seat
from pipelines.seating import EndTrial, Enter, Judge, Leave, Order, Retune, TookOver, Try
from pipelines.shadow import Shadow, judge_once_more
from pipelines.types import Frame, Unfit, Verdict

__all__ = ["Infer", "Judge"]

_log = logging.getLogger("vigil.infer")


class Collector(Protocol):
    """Where frames come from: the batcher."""

    def collect(self, timeout_s: float) -> list[Frame]:
        """The frames of the next batch; empty when none came within `timeout_s`."""


class Infer:
    """A stage that judges frames. Raises `engines.errors.EngineError` when an engine fails."""

    name = "infer"

    def __init__(  # noqa: PLR0913 - what judges, for whom, and where it goes
        self,
        batcher: Collector,
        judges: Mapping[str, Judge],
        offer: Callable[[Verdict], bool],
        metrics: Metrics,
        cameras: Mapping[str, CameraMetrics],
        *,
        gates: Mapping[str, Gate] | None = None,
        worked: Callable[[float, int], None] = lambda _busy_s, _frames: None,
        gap_s: float = 2.0,
    ) -> None:
        """Judge what `batcher` collects, each camera by its entry in `judges`, and hand verdicts to `offer`.

        A camera with an entry in `gates` has a frame computed only if its gate says so; its last result stands for
        the others. `worked` is told after each batch how many seconds were spent on how many frames. A camera
        without a frame for longer than `gap_s` seconds is judged afresh: no motion, no smoothing across.
        """
        self._batcher = batcher
        self._offer = offer
        self._metrics = metrics
        self._seats = {
            name: Seat(judge, cameras[name], (gates or {}).get(name), gap_s) for name, judge in judges.items()
        }
        self._orders: deque[tuple[Order, ...]] = deque()
        self.news: deque[TookOver] = deque()
        """What became of trials, for whoever ordered them; any thread may take from the left."""
        self._worked = worked
        self.analysed_ns = 0
        """When a frame was last analysed, on the monotonic clock; 0 for never. Any thread may read it."""

    def open(self) -> None:
        """Open every engine on this thread."""
        for engine in self._engines():
            self._open(engine)
        self._obey_all()

    def order(self, *orders: Order) -> None:
        """Tell of cameras that come, go or change, all at once; obeyed within a quarter of a second. From any thread.

        An engine that a camera is the first to need is opened then, and one that none needs any more is closed.
        """
        self._orders.append(orders)

    def step(self) -> bool:
        """Judge one batch, or return after a quarter of a second without frames."""
        frames = self._batcher.collect(0.25)
        self._obey_all()
        frames = [frame for frame in frames if self._has_seat(frame)]
        taken_ns = time.monotonic_ns()
        due = self._due(frames, taken_ns)
        for judge, theirs in self._by_judge(due):
            self._judge(judge, theirs, taken_ns)
        self._try(due)
        self._worked((time.monotonic_ns() - taken_ns) / 1e9, len(frames))
        return True

    def close(self) -> None:
        """Close every engine."""
        for engine in self._engines():
            engine.close()

    def _engines(self) -> list[Engine]:
        judges = [judge for name, seat in self._seats.items() for judge, _ in seat.judges(name)]
        return list({id(judge.engine): judge.engine for judge in judges}.values())

    def _open(self, engine: Engine) -> None:
        began = time.monotonic()
        engine.open()
        info = engine.info
        self._metrics.describe_engine(info)
        _log.info(
            "engine ready in %.1f s: %s on %s, %s, network %s",
            time.monotonic() - began,
            info.runtime,
            info.device,
            info.precision,
            info.model,
        )

    def _has_seat(self, frame: Frame) -> bool:
        """Whether the frame can be judged: its camera may have left, or have been given another network, meanwhile."""
        seat = self._seats.get(frame.camera)
        return seat is not None and seat.judge.engine.spec.input_size == frame.pixels.shape[:2]

    def _obey_all(self) -> None:
        while self._orders:
            self._obey(self._orders.popleft())

    def _obey(self, orders: Sequence[Order]) -> None:
        before = self._engines()
        for order in orders:
            if isinstance(order, Enter):
                self._let_in(order)
            elif isinstance(order, Leave):
                self._let_go(order.camera)
            elif seat := self._seats.get(order.camera):
                self._adjust(seat, order)
        self._mind_engines(before)

    def _adjust(self, seat: Seat, order: Retune | Try | EndTrial) -> None:
        if isinstance(order, Retune):
            seat.gap_s = order.gap_s
            seat.judge.detector.retune(order.camera, order.threshold)
            if seat.gate is not None:  # the last result, which bears the old threshold, must not be said again
                seat.gate.forget()
            return
        self._end_trial(seat)
        if isinstance(order, Try):
            seat.shadow = Shadow(order.camera, order.profile_id, order.judge, order.watched, seat.metrics, order.frames)
            order.judge.detector.add(seat.shadow.name, order.watched)

    def _end_trial(self, seat: Seat) -> None:
        if seat.shadow is not None:
            seat.shadow.judge.detector.remove(seat.shadow.name)
            seat.shadow = None

    def _try(self, frames: Sequence[Frame]) -> None:
        """Judge frames by profiles on trial too, and let those that have seen enough take over."""
        seats = [(self._seats[frame.camera], frame) for frame in frames]
        judge_once_more([(seat.shadow, frame, seat.flagged) for seat, frame in seats if seat.shadow is not None])
        for seat, frame in seats:
            if seat.shadow is not None and seat.shadow.ripe:
                self._hand_over(frame.camera, seat, seat.shadow)

    def _hand_over(self, camera: str, seat: Seat, shadow: Shadow) -> None:
        """The trial's history goes with it, so that nothing is lost between the two."""
        before = self._engines()
        shadow.tell()
        self._end_trial(seat)
        seat.judge.detector.remove(camera)
        shadow.judge.detector.add(camera, shadow.watched)
        seat.judge, seat.said = shadow.judge, None
        if seat.gate is not None:
            seat.gate.forget()
        self.news.append(TookOver(camera, shadow.profile_id))
        self._mind_engines(before)

    def _mind_engines(self, before: Sequence[Engine]) -> None:
        """Open the engines that are new since, and close those that nobody needs any more."""
        now = self._engines()
        for engine in now:
            if not any(engine is one for one in before):
                self._open(engine)
        for engine in before:
            if not any(engine is one for one in now):
                engine.close()

    def _let_in(self, order: Enter) -> None:
        self._let_go(order.camera)
        order.judge.detector.add(order.camera, order.watched)
        self._seats[order.camera] = Seat(order.judge, order.metrics, order.gate, order.gap_s)

    def _let_go(self, camera: str) -> None:
        seat = self._seats.pop(camera, None)
        for judge, name in [] if seat is None else seat.judges(camera):
            judge.detector.remove(name)

    def _by_judge(self, frames: Sequence[Frame]) -> list[tuple[Judge, list[Frame]]]:
        groups: dict[int, tuple[Judge, list[Frame]]] = {}
        for frame in frames:
            judge = self._seats[frame.camera].judge
            groups.setdefault(id(judge), (judge, []))[1].append(frame)
        return list(groups.values())

    def _due(self, frames: Sequence[Frame], taken_ns: int) -> list[Frame]:
        """The frames that must be computed; the others are answered with their camera's last result."""
        due = []
        for frame in frames:
            seat = self._seats[frame.camera]
            self._mind_gap(seat, frame)
            if frame.unfit is not None:
                self._pass_over(seat, frame, frame.unfit, taken_ns)
            elif seat.gate is None or self._changed(seat, seat.gate, frame):
                due.append(frame)
            else:
                self._say_again(seat, frame, taken_ns)
        return due

    def _changed(self, seat: Seat, gate: Gate, frame: Frame) -> bool:
        why: Why = gate.check(frame.time_s, frame.pixels, raised=seat.raised)
        seat.metrics.gate[why].inc()
        if why == "unchanged":
            seat.held_s = frame.time_s
            return False
        if seat.held_s is not None:
            for judge, name in seat.judges(frame.camera):
                judge.detector.hold(name, seat.held_s, changed=why == "changed")
            seat.held_s = None
        return True

    def _say_again(self, seat: Seat, frame: Frame, taken_ns: int) -> None:
        assert seat.said is not None
        verdict = held(verdict_of(frame, *seat.said, taken_ns, time.monotonic_ns()), seat.metrics)
        seat.metrics.analysed.inc()
        self._measure_times(seat.metrics, verdict)
        self._hand_on(verdict)

    def _pass_over(self, seat: Seat, frame: Frame, unfit: Unfit, taken_ns: int) -> None:
        """Hand on a frame that is not to be judged; what comes after it is judged afresh."""
        self._forget(seat, frame.camera)
        seat.metrics.suppressed[unfit].inc()
        self._hand_on(unjudged(frame, unfit, taken_ns, time.monotonic_ns()))

    def _hand_on(self, verdict: Verdict) -> None:
        self._offer(verdict)
        self.analysed_ns = verdict.judged_ns

    def _judge(self, judge: Judge, frames: list[Frame], taken_ns: int) -> None:
        scores = judge.detector.score(
            Batch(
                cameras=tuple(frame.camera for frame in frames),
                times_s=tuple(frame.time_s for frame in frames),
                pixels=[frame.pixels for frame in frames],
            )
        )
        judged_ns = time.monotonic_ns()
        self._metrics.batch_size.observe(len(frames))
        if isinstance(judge.engine, Timed):
            for part, seconds in judge.engine.take_times().items():
                self._metrics.device.labels(part).observe(seconds)
        for index, frame in enumerate(frames):
            seat = self._seats[frame.camera]
            seat.said = scores, index
            verdict = held(verdict_of(frame, scores, index, taken_ns, judged_ns), seat.metrics)
            self._measure(seat.metrics, verdict)
            self._hand_on(verdict)

    def _mind_gap(self, seat: Seat, frame: Frame) -> None:
        """Drop the camera's history when motion since its last frame would make no sense."""
        on_camera_s, here_s = frame.time_s - seat.time_s, (frame.captured_ns - seat.captured_ns) / 1e9
        first = seat.captured_ns == 0
        seat.time_s, seat.captured_ns = frame.time_s, frame.captured_ns
        if not first and (on_camera_s <= 0 or max(on_camera_s, here_s) > seat.gap_s):
            self._forget(seat, frame.camera)

    def _forget(self, seat: Seat, camera: str) -> None:
        for judge, name in seat.judges(camera):
            judge.detector.forget(name)
        seat.held_s = None
        if seat.gate is not None:
            seat.gate.forget()

    def _measure(self, camera: CameraMetrics, verdict: Verdict) -> None:
        camera.analysed.inc()
        self._measure_times(camera, verdict)
        camera.stage["infer"].observe((verdict.judged_ns - verdict.taken_ns) / 1e9)
        camera.score.set(verdict.score)
        camera.threshold.set(verdict.threshold)
        camera.uncertainty.set(verdict.uncertainty)
        camera.see(verdict.situation)
        for signal, value in verdict.signals.items():
            camera.signal[signal].set(value)

    def _measure_times(self, camera: CameraMetrics, verdict: Verdict) -> None:
        captured_ns = verdict.frame.captured_ns
        camera.stage["queue"].observe((verdict.taken_ns - captured_ns) / 1e9)
        camera.capture_to_verdict.observe((verdict.judged_ns - captured_ns) / 1e9)
