"""The cameras of a running daemon: who watches and judges each, and how one is added, removed or changed.

Belongs to the main thread. The other threads are told by messages, and of the cameras concerned alone.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daemon.board import Board
from daemon.changes import Change, Changes
from daemon.config import Camera
from daemon.pulse import Pulse
from daemon.reading import Reading
from daemon.rulings import Ruling
from daemon.seat import Seat
from daemon.spokesman import Spokesman
from daemon.supervisor import Backoff, Post, Supervisor
from pipelines.batcher import Batcher
from pipelines.capture import Capture, CaptureSettings
from pipelines.gate import Gate, GateSettings
from pipelines.health.monitor import Monitor
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.publish import PublishedCamera, Publisher
from pipelines.roster import Roster
from pipelines.seating import EndTrial, Enter, Leave, Order, Retune, Rezone, Try
from pipelines.shedding import Shedder
from pipelines.stage import Stage
from pipelines.types import CameraStatus
from pipelines.zones import Zone

_log = logging.getLogger("vigil.fleet")


@dataclass(frozen=True, slots=True)
class Lane:
    """What cameras have in common that are judged in one chamber."""

    filled: threading.Condition
    """Of their mailboxes."""
    batcher: Batcher
    shedder: Shedder


@dataclass(frozen=True, slots=True)
class Shared:
    """What all cameras have in common."""

    metrics: Metrics
    lanes: Sequence[Lane]
    """One a chamber."""
    board: Board
    publisher: Publisher
    roster: Roster
    gate: GateSettings
    capture: CaptureSettings
    reading: Reading
    pulse: Pulse
    shadow_frames: int
    """A new profile takes over after so many."""


class Fleet:
    """The cameras that are watched now."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._seats: dict[str, Seat] = {}
        shared.metrics.queue_depth.labels("mailboxes").set_function(self._waiting)

    @property
    def captures(self) -> tuple[str, ...]:
        """The cameras' threads."""
        return tuple(_thread(name) for name in self._seats)

    def stall_s(self, wanted_s: float) -> float:
        """How long the daemon may be without a frame: as wanted, unless a camera is slower than that."""
        return max(wanted_s, 3 / min(seat.camera.fps for seat in self._seats.values()))

    def take_in(self, rulings: Iterable[tuple[Camera, Ruling]]) -> list[Post]:
        """Make room for cameras with every stage but their own; returns the posts of those."""
        seats = [self._seat(camera, ruling) for camera, ruling in rulings]
        self._shared.roster.order(*(self._enter(seat) for seat in seats))
        for seat in seats:
            self._lane(seat).batcher.add(seat.mailbox, seat.metrics)
        return [self._post(seat) for seat in seats]

    def apply(self, changes: Changes, rulings: Mapping[str, Ruling], supervisor: Supervisor) -> None:
        """Add, remove and change cameras; those that are not in `changes` are not touched.

        `rulings` has one for each camera that is new or has another profile.
        """
        for name in changes.removed:
            self._remove(name, supervisor)
        # Who comes does so before others leave the engine that both may need: one that nobody needs is closed.
        posts = self.take_in([(camera, rulings[camera.name]) for camera in changes.added])
        orders: list[Order] = [Leave(name) for name in changes.removed]
        for change in changes.changed:
            orders += self._change(change, rulings.get(change.camera.name), supervisor)
        self._shared.roster.order(*orders)
        for change in changes.changed:
            seat = self._seats[change.camera.name]
            seat.curtain.masks = seat.masks
        for post in posts:
            supervisor.add(post)

    def settle(self) -> None:
        """Take note of the profiles that took over after their trial."""
        news = self._shared.roster.news
        while news:
            told = news.popleft()
            seat = self._seats.get(told.camera)
            if seat is None:
                continue
            if seat.coming is None or seat.coming.profile_id != told.profile_id:
                self._shared.roster.order(self._enter(seat))  # it was called off in that very moment
                continue
            seat = dataclasses.replace(seat, ruling=seat.coming, coming=None, former_id=seat.ruling.profile_id)
            self._seats[told.camera] = seat
            seat.health.retune(seat.ruling.views, still=seat.ruling.still, settings=seat.camera.health)
            self._describe(seat)
            self._shared.roster.order(Retune(told.camera, seat.threshold, seat.gap_s))

    def _seat(self, camera: Camera, ruling: Ruling) -> Seat:
        shared = self._shared
        series = shared.metrics.camera(camera.name)
        lane = shared.lanes[ruling.chamber]
        door = lane.shedder.door(series, camera.priority)
        health = Monitor(
            camera.name, series, shared.publisher.fault, views=ruling.views, still=ruling.still, settings=camera.health
        )
        seat = Seat.at(camera, ruling, series, Mailbox(camera.name, lane.filled), door, health)
        self._seats[camera.name] = seat
        shared.board.expect(camera.name)
        self._describe(seat)
        return seat

    def _describe(self, seat: Seat) -> None:
        """Tell publisher and metrics by what a camera is judged."""
        camera, ruling = seat.camera, seat.ruling
        seat.metrics.describe_profile(ruling.profile_id)
        seat.metrics.threshold.set(seat.threshold)
        self._shared.publisher.add(
            PublishedCamera(
                name=camera.name,
                events=camera.events,
                model_id=ruling.network_id,
                profile_id=ruling.profile_id,
                metrics=seat.metrics,
                zones=tuple(Zone.of(zone) for zone in camera.zones),
                masks=seat.masks,
            )
        )

    def _enter(self, seat: Seat) -> Enter:
        return Enter(
            camera=seat.camera.name,
            judge=seat.ruling.judge,
            watched=seat.ruling.watched,
            metrics=seat.metrics,
            gate=Gate(self._shared.gate) if self._shared.gate.enabled else None,
            gap_s=seat.gap_s,
            zoning=seat.zoning,
        )

    def _remove(self, name: str, supervisor: Supervisor) -> None:
        shared, lane = self._shared, self._lane(self._seats.pop(name))
        supervisor.remove(_thread(name))
        lane.batcher.remove(name)
        shared.publisher.remove(name)
        lane.shedder.remove(name)
        shared.reading.forget(name)
        shared.board.forget(name)
        shared.pulse.well(f"camera {name}")
        shared.metrics.remove_camera(name)

    def _change(self, change: Change, ruling: Ruling | None, supervisor: Supervisor) -> list[Order]:
        """Give a camera other settings; what the threads that judge must be told of it is returned."""
        name, before = change.camera.name, self._seats[change.camera.name]
        seat, orders = self._rule(before.with_settings(change.camera), ruling)
        if seat.zoning is not before.zoning:
            orders.append(Rezone(name, seat.zoning))
        if seat.ruling is not before.ruling or change.camera.health != before.camera.health:
            seat.health.retune(seat.ruling.views, still=seat.ruling.still, settings=change.camera.health)
        anew = change.reconnects or seat.ruling.input_size != before.ruling.input_size
        if anew:
            seat = dataclasses.replace(seat, mailbox=Mailbox(name, self._lane(seat).filled))
            self._lane(seat).batcher.add(seat.mailbox, seat.metrics)
        self._seats[name] = seat
        self._lane(seat).shedder.rank(name, seat.camera.priority)
        self._describe(seat)
        if anew:
            supervisor.replace(self._post(seat))
        return [*orders, Retune(name, seat.threshold, seat.gap_s)]

    def _rule(self, seat: Seat, ruling: Ruling | None) -> tuple[Seat, list[Order]]:
        """Let another profile judge a camera: on trial at first, unless it is the one that was there before."""
        name = seat.camera.name
        if ruling is None:
            return seat, []
        if ruling.profile_id == seat.ruling.profile_id:  # back before its successor took over
            return dataclasses.replace(seat, coming=None), [EndTrial(name)]
        frames = self._shared.shadow_frames
        if frames and ruling.profile_id != seat.former_id and ruling.input_size == seat.ruling.input_size:
            _log.info(
                "camera %s: profile %s is on trial for %d frames",
                name,
                ruling.profile_id,
                frames,
                extra={"camera": name},
            )
            trial = Try(name, ruling.profile_id, ruling.judge, ruling.watched, frames)
            return dataclasses.replace(seat, coming=ruling), [trial]
        old = seat.ruling.profile_id
        _log.info("camera %s: profile %s takes over from %s", name, ruling.profile_id, old, extra={"camera": name})
        seat = dataclasses.replace(seat, ruling=ruling, coming=None, former_id=old)
        return seat, [self._enter(seat)]

    def _lane(self, seat: Seat) -> Lane:
        return self._shared.lanes[seat.ruling.chamber]

    def _waiting(self) -> int:
        return sum(seat.mailbox.peek_captured_ns() is not None for seat in tuple(self._seats.values()))

    def _post(self, seat: Seat) -> Post:
        camera, metrics, board, pulse = seat.camera, seat.metrics, self._shared.board, self._shared.pulse
        open_ = self._shared.reading.opener(camera, seat.ruling.input_size, seat.door, seat.curtain)

        def told(status: CameraStatus) -> None:
            board.report(status)
            self._shared.publisher.report(status)

        def make(stop: threading.Event) -> Stage:
            def told_while_wanted(status: CameraStatus) -> None:
                if not stop.is_set():  # its successor's word counts
                    told(status)

            return Capture(
                camera.name,
                open_,
                seat.mailbox,
                metrics,
                told_while_wanted,
                settings=self._shared.capture,
                stop=stop,
                health=seat.health,
            )

        say = Spokesman(camera.name, metrics, seat.health, board, pulse, told)
        return Post(
            _thread(camera.name),
            make,
            restart=Backoff(),
            on_death=say.died,
            on_spent=say.spent,
            on_hang=say.hangs,
        )


def _thread(camera: str) -> str:
    return f"capture-{camera}"
