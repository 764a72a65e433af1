"""The cameras that are judged, and what is ordered of them: what all threads that judge have in common.

No camera belongs to a thread: whoever is free takes what waits, so that a busy camera delays no quiet one and no core
is idle while frames wait. Two things keep order. A camera whose frame is being judged gives no other frame meanwhile
(the batcher sees to it), so that its verdicts come in the order of its frames. And cameras come, go and change only
while no thread is in a session.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pipelines.gate import Gate
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.seat import Seat
from pipelines.seating import EndTrial, Enter, Judge, Leave, Machine, Order, Retune, Rezone, Succeed, TookOver, Try
from pipelines.shadow import Shadow
from pipelines.types import Frame

_log = logging.getLogger("vigil.infer")

_LOOK_AGAIN_S = 0.25


class Roster:
    """Seats of cameras, orders on them, and the engines that they need. Raises `EngineError` when one fails to open."""

    def __init__(
        self,
        metrics: Metrics,
        judges: Mapping[str, Judge] | None = None,
        cameras: Mapping[str, CameraMetrics] | None = None,
        *,
        gates: Mapping[str, Gate] | None = None,
        gap_s: float = 2.0,
    ) -> None:
        """Begin with `cameras`, each judged by its entry in `judges`; there may be none yet.

        A camera with an entry in `gates` has a frame computed only if its gate says so; its last result stands for
        the others. A camera without a frame for longer than `gap_s` seconds is judged afresh: no motion, no smoothing
        across.
        """
        self._metrics = metrics
        self._seats = {
            name: Seat(judge, (cameras or {})[name], (gates or {}).get(name), gap_s)
            for name, judge in (judges or {}).items()
        }
        self._orders: deque[tuple[Order, ...]] = deque()
        self._quiet = threading.Condition()
        self._present = self._sitting = 0
        self.news: deque[TookOver] = deque()
        """What became of trials, for whoever ordered them; any thread may take from the left."""
        self.analysed_ns = 0
        """When a frame was last analysed, on the monotonic clock; 0 for never. Any thread may read it."""

    def enter(self) -> None:
        """One more thread judges; the first opens every engine."""
        with self._quiet:
            self._present += 1
            if self._present == 1:
                for engine in self._engines():
                    self._open(engine)
            self._obey_if_quiet()

    def leave(self) -> None:
        """A thread judges no more; the last closes every engine."""
        with self._quiet:
            self._present -= 1
            if self._present <= 0:
                for engine in self._engines():
                    engine.close()

    def order(self, *orders: Order) -> None:
        """Tell of cameras that come, go or change, all at once; obeyed within half a second. From any thread.

        An engine that a camera is the first to need is opened then, and one that none needs any more is closed.
        """
        self._orders.append(orders)

    @contextmanager
    def session(self) -> Iterator[Mapping[str, Seat]]:
        """The seats, which stay as they are meanwhile: orders that wait are obeyed before, others after.

        A thread may touch only what belongs to the cameras whose frames it has in hand.
        """
        with self._quiet:
            while not self._obey_if_quiet():
                self._quiet.wait(_LOOK_AGAIN_S)
            self._sitting += 1
        try:
            yield self._seats
        finally:
            with self._quiet:
                self._sitting -= 1
                self._obey_if_quiet()
                self._quiet.notify_all()

    def has_seat(self, frame: Frame) -> bool:
        """Whether the frame can be judged: its camera may have left, or have been given another network, meanwhile."""
        seat = self._seats.get(frame.camera)
        return seat is not None and seat.judge.engine.spec.input_size == frame.pixels.shape[:2]

    def _obey_if_quiet(self) -> bool:
        """Obey what waits unless some thread is in a session; whether nothing waits any more."""
        while self._orders and not self._sitting:
            self._obey(self._orders.popleft())
        return not self._orders

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

    def _adjust(self, seat: Seat, order: Retune | Rezone | Try | EndTrial | Succeed) -> None:
        if isinstance(order, Rezone):
            seat.rezone(order.camera, order.zoning)
            return
        if isinstance(order, Retune):
            seat.gap_s = order.gap_s
            seat.judge.detector.retune(order.camera, order.threshold)
            if seat.gate is not None:  # the last result, which bears the old threshold, must not be said again
                seat.gate.forget()
            return
        shadow = seat.shadow
        if isinstance(order, Succeed):
            if shadow is not None and shadow.profile_id == order.profile_id:
                self._hand_over(order.camera, seat, shadow)
            return
        self._end_trial(seat)
        if isinstance(order, Try):
            seat.shadow = Shadow(order.camera, order.profile_id, order.judge, order.watched, seat.metrics, order.frames)
            order.watched.join(seat.shadow.name)
            order.judge.detector.rezone(seat.shadow.name, seat.zoning)

    def _hand_over(self, camera: str, seat: Seat, shadow: Shadow) -> None:
        """The trial's history goes with it, so that nothing is lost between the two."""
        shadow.tell()
        self._end_trial(seat)
        seat.judge.detector.remove(camera)
        shadow.watched.join(camera)
        seat.judge, seat.said = shadow.judge, None
        if seat.gate is not None:
            seat.gate.forget()
        self.news.append(TookOver(camera, shadow.profile_id))

    @staticmethod
    def _end_trial(seat: Seat) -> None:
        if seat.shadow is not None:
            seat.shadow.judge.detector.remove(seat.shadow.name)
            seat.shadow = None

    def _let_in(self, order: Enter) -> None:
        self._let_go(order.camera)
        order.watched.join(order.camera)
        self._seats[order.camera] = seat = Seat(order.judge, order.metrics, order.gate, order.gap_s)
        seat.rezone(order.camera, order.zoning)

    def _let_go(self, camera: str) -> None:
        seat = self._seats.pop(camera, None)
        for judge, name in [] if seat is None else seat.judges(camera):
            judge.detector.remove(name)

    def _engines(self) -> list[Machine]:
        judges = [judge for name, seat in self._seats.items() for judge, _ in seat.judges(name)]
        return list({id(judge.engine): judge.engine for judge in judges}.values())

    def _mind_engines(self, before: Sequence[Machine]) -> None:
        """Open the engines that are new since, and close those that nobody needs any more."""
        now = self._engines()
        for engine in now:
            if not any(engine is one for one in before):
                self._open(engine)
        for engine in before:
            if not any(engine is one for one in now):
                engine.close()

    def _open(self, engine: Machine) -> None:
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
