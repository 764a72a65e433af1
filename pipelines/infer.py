"""Frames of all cameras -> batch -> scores -> verdicts, on each of the threads that judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engines.contract import Batch, Timed
from pipelines.gate import Gate, Why
from pipelines.judged import held, unjudged, verdict_of
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.roster import Roster
from pipelines.seat import Seat
from pipelines.seating import Judge, Succeed
from pipelines.shadow import judge_once_more
from pipelines.types import Frame, Unfit, Verdict

__all__ = ["Infer", "Judge"]


class Collector(Protocol):
    """Where frames come from: the batcher."""

    def collect(self, timeout_s: float) -> list[Frame]:
        """The frames of the next batch; empty when none came within `timeout_s`."""

    def more(self, most: int) -> list[Frame]:
        """What else waits by now, up to so many frames; never waits."""

    def give_back(self, frames: Sequence[Frame]) -> None:
        """What was collected has been judged: its cameras' next frames may be."""


class Infer:
    """A stage that judges frames; several may, side by side. Raises `engines.errors.EngineError` when an engine fails.

    Each belongs to one thread; what they share is in the batcher and the roster.
    """

    def __init__(
        self,
        batcher: Collector,
        roster: Roster,
        offer: Callable[[Verdict], bool],
        metrics: Metrics,
        *,
        worked: Callable[[float, Sequence[str], Sequence[str]], None] = lambda _busy_s, _judged, _computed: None,
        number: int = 0,
    ) -> None:
        """Judge what `batcher` collects, as `roster` has it, and hand verdicts to `offer`.

        `worked` is told after each batch how many seconds were spent on the frames of which cameras, and which of
        them were computed.
        """
        self.name = f"infer-{number}"
        self._batcher = batcher
        self._roster = roster
        self._offer = offer
        self._metrics = metrics
        self._worked = worked

    def open(self) -> None:
        """Take part; the first to do so opens every engine."""
        self._roster.enter()

    def step(self) -> bool:
        """Judge one batch, or return after a quarter of a second without frames."""
        frames = self._batcher.collect(0.25)
        try:
            with self._roster.session() as seats:
                self._judge_all(frames, seats)
        finally:
            self._batcher.give_back(frames)
        return True

    def close(self) -> None:
        """Take part no more; the last to go closes every engine."""
        self._roster.leave()

    def _judge_all(self, frames: list[Frame], seats: Mapping[str, Seat]) -> None:
        """Judge frames, and others that wait in place of those that need no judging; these are added to `frames`."""
        began_ns = time.monotonic_ns()
        seated, due = self._sift(frames, seats)
        spared = len(frames) - len(due)
        # No more than that: what else waits is for the other judges.
        while spared and (others := self._batcher.more(spared)):
            frames += others
            also_seated, also_due = self._sift(others, seats)
            seated += also_seated
            due += also_due
            spared = len(others) - len(also_due)
        taken_ns = time.monotonic_ns()
        for judge, theirs in _by_judge(due, seats):
            self._judge(judge, theirs, seats, taken_ns)
        self._try(due, seats)
        busy_s = (time.monotonic_ns() - began_ns) / 1e9
        self._worked(busy_s, [frame.camera for frame in seated], [frame.camera for frame in due])

    def _sift(self, frames: Sequence[Frame], seats: Mapping[str, Seat]) -> tuple[list[Frame], list[Frame]]:
        """Of frames, those that have a seat, and of these those that must be computed."""
        seated = [frame for frame in frames if self._roster.has_seat(frame)]
        return seated, self._due(seated, seats, time.monotonic_ns())

    def _try(self, frames: Sequence[Frame], seats: Mapping[str, Seat]) -> None:
        """Judge frames by profiles on trial too, and have those that have seen enough take over."""
        seated = [(seats[frame.camera], frame) for frame in frames]
        judge_once_more([(seat.shadow, frame, seat.flagged) for seat, frame in seated if seat.shadow is not None])
        for seat, frame in seated:
            if seat.shadow is not None and seat.shadow.ripe:
                self._roster.order(Succeed(frame.camera, seat.shadow.profile_id))

    def _due(self, frames: Sequence[Frame], seats: Mapping[str, Seat], taken_ns: int) -> list[Frame]:
        """The frames that must be computed; the others are answered with their camera's last result."""
        due = []
        for frame in frames:
            seat = seats[frame.camera]
            self._mind_gap(seat, frame)
            if frame.unfit is not None:
                self._pass_over(seat, frame, frame.unfit, taken_ns)
            elif frame.hidden is not seat.hidden:
                self._pass_over(seat, frame, "unsettled", taken_ns)
            elif seat.gate is None or self._changed(seat, seat.gate, frame):
                due.append(frame)
            else:
                self._say_again(seat, frame, taken_ns)
        return due

    def _changed(self, seat: Seat, gate: Gate, frame: Frame) -> bool:
        why: Why = gate.check(frame.time_s, frame.pixels, raised=seat.raised, moved=seat.moved)
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
        self._roster.analysed_ns = verdict.judged_ns

    def _judge(self, judge: Judge, frames: list[Frame], seats: Mapping[str, Seat], taken_ns: int) -> None:
        scores = judge.detector.score(
            Batch(
                cameras=tuple(frame.camera for frame in frames),
                times_s=tuple(frame.time_s for frame in frames),
                pixels=[frame.pixels for frame in frames],
                again=any(seats[frame.camera].shadow is not None for frame in frames),
            )
        )
        judged_ns = time.monotonic_ns()
        self._metrics.batch_size.observe(len(frames))
        if isinstance(judge.engine, Timed):
            for part, seconds in judge.engine.take_times().items():
                self._metrics.device.labels(part).observe(seconds)
        for index, frame in enumerate(frames):
            seat = seats[frame.camera]
            seat.say(scores, index)
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


def _by_judge(frames: Sequence[Frame], seats: Mapping[str, Seat]) -> list[tuple[Judge, list[Frame]]]:
    groups: dict[int, tuple[Judge, list[Frame]]] = {}
    for frame in frames:
        judge = seats[frame.camera].judge
        groups.setdefault(id(judge), (judge, []))[1].append(frame)
    return list(groups.values())
