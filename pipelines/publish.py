"""Verdicts -> events -> alerts on a ZeroMQ socket, with a heartbeat for every camera."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from functools import partial

import msgspec
import zmq

from pipelines.desk import Desk, PublishedCamera
from pipelines.desks import Desks
from pipelines.dispatch import Dispatch
from pipelines.events import Transition
from pipelines.guard.exposure import is_exposed
from pipelines.guard.guard import Guard
from pipelines.inbox import Add, Fault, Inbox, Item, Remove, Report
from pipelines.journal.news import Archive, JournalNews
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.outlet import Outlet
from pipelines.overlay import Painter
from pipelines.publish_settings import PublishSettings
from pipelines.status import StatusBoard
from pipelines.types import CameraStatus, HealthEvent, RegimeEvent, Verdict
from pipelines.wire import (
    STATUS_TOPIC,
    AlertMessage,
    compose,
    encode,
    encode_health,
    encode_journal,
    encode_message,
    encode_regime,
    encode_status,
)

__all__ = ["PublishSettings", "PublishedCamera", "Publisher"]

_log = logging.getLogger("vigil.publish")

_NS = 1_000_000_000
_IDLE_S = 0.1
"""Longest wait for a verdict: heartbeats and new subscribers are looked after in between."""
_BUSY_S = 0.2
"""A step takes no further item after this time."""
_WELCOME_EVERY_NS = _NS // 2
"""However many subscribe, all statuses go out at most this often for their sake."""
_INTERRUPTED_AFTER_NS = _NS
"""Ends of an earlier run's events are told when subscribers have had the time to connect again."""
_GONE = frozenset({"lost", "ended", "refused"})


class Publisher:
    """A stage that turns verdicts into alerts and publishes them, with heartbeats.

    `offer`, `report`, `fault`, `add` and `remove` may be called from any thread; everything else happens on the thread
    that steps the stage. Raises PublishError when the endpoint cannot be bound or a message cannot be sent.
    """

    name = "publish"

    def __init__(  # noqa: PLR0913 - each is one fact
        self,
        settings: PublishSettings,
        metrics: Metrics,
        cameras: Iterable[PublishedCamera] = (),
        *,
        boot_id: str | None = None,
        zone: tzinfo | None = None,
        context: zmq.Context[zmq.Socket[bytes]] | Guard | None = None,
        archive: Archive | None = None,
    ) -> None:
        """Publish for `cameras`; `boot_id` names this run, `zone` is that of captions (default: the machine's).

        With an `archive`, an alert leaves when its journal has it. A ZeroMQ context is made in `open` unless one is
        given, which then stays open, or a guard, which has one.
        """
        self.boot_id = boot_id or uuid.uuid4().hex[:12]
        self.endpoint = settings.endpoint
        """Where subscribers connect; after `open` with the port that a wildcard became."""
        self._settings = settings
        self._outlet = Outlet(high_water=settings.high_water, linger_ms=settings.linger_ms, context=context)
        self._archive = archive
        self._dispatch = Dispatch(self._outlet.send, None if archive is None else archive.journal)
        self._news: JournalNews | None = None
        if archive is not None:
            self._news = JournalNews(archive.journal, metrics.journal, self.boot_id, settings.heartbeat_s)
        self._painter = Painter(jpeg_quality=settings.jpeg_quality, peak_share=settings.regions.peak_share, zone=zone)
        self._inbox: Inbox[PublishedCamera] = Inbox(settings.queue, self._count_dropped)
        self._metrics: dict[str, CameraMetrics] = {}
        self._desks = Desks(self.boot_id)
        self._board = StatusBoard(settings.heartbeat_s)
        self._seq = 0
        self._awaited = False
        """Somebody has subscribed and was not told yet how the cameras are."""
        self._opened_ns = 0
        self._welcomed_ns = 0
        metrics.queue_depth.labels("publish").set_function(self._inbox.__len__)
        for camera in cameras:
            self.add(camera)

    def offer(self, verdict: Verdict) -> bool:
        """Hand over a verdict; False if the queue was full and this very one was dropped (and counted)."""
        return self._inbox.offer(verdict)

    def report(self, status: CameraStatus) -> None:
        """Tell how a camera is."""
        self._inbox.report(Report(status, time.monotonic_ns()))

    def fault(self, event: HealthEvent) -> None:
        """Tell that a fault of a camera has begun or ended."""
        self._inbox.order(Fault(event))

    def add(self, camera: PublishedCamera) -> None:
        """Publish for one more camera, or go on with one under another profile or other settings."""
        self._metrics[camera.name] = camera.metrics
        self._inbox.order(Add(camera))

    def remove(self, name: str) -> None:
        """Stop publishing for a camera: its event ends, and its status is told a last time."""
        self._inbox.order(Remove(name))

    def open(self) -> None:
        """Make the socket and bind it."""
        self.endpoint = self._outlet.open(self._settings.endpoint)
        self._opened_ns = time.monotonic_ns()
        _log.info("publishing on %s as run %s", self.endpoint, self.boot_id)
        if self._settings.keys is None and is_exposed(self.endpoint):
            _log.warning("whoever reaches %s can read alerts and see their pictures", self.endpoint)

    def step(self) -> bool:
        """Publish what waits, then see to new subscribers and heartbeats."""
        enough = time.monotonic() + _BUSY_S
        item = self._inbox.take(_IDLE_S)
        while item is not None:
            self._handle(item)
            self._dispatch.send_ready()
            item = self._inbox.take(0) if time.monotonic() < enough else None
        now_ns = time.monotonic_ns()
        if now_ns - self._opened_ns >= _INTERRUPTED_AFTER_NS:
            self._end_interrupted()
        self._dispatch.flush()
        self._welcome()
        self._beat(self._board.due(now_ns))
        self._tell_journal(now_ns)
        return True

    def close(self) -> None:
        """Publish what still waits, end every open event, say farewell for every camera, and release the socket."""
        try:
            if self._outlet.is_open:
                self._say_farewell()
        finally:
            self._outlet.close()
            if self._archive is not None:
                self._archive.journal.finish()

    def _handle(self, item: Item[PublishedCamera]) -> None:
        if isinstance(item, Verdict):
            self._judge(item)
        elif isinstance(item, Report):
            self._note(item)
        elif isinstance(item, Fault):
            self._outlet.send(encode_health(item.event, self.boot_id))
        elif isinstance(item, Add):
            self._seat(item.camera)
        else:
            self._dismiss(item.camera)

    def _judge(self, verdict: Verdict) -> None:
        taken_ns = time.monotonic_ns()
        desk = self._desks.get(verdict.frame.camera)
        if desk is None:
            return  # removed while the frame was under way
        desk.camera.metrics.stage["handover"].observe((taken_ns - verdict.judged_ns) / _NS)
        self._board.saw(verdict)
        self._tell_regimes(desk, desk.regimes.observe(verdict))
        self._tell(desk, desk.tracker.observe(verdict), taken_ns)
        if desk.gone_ns is not None and verdict.frame.captured_ns <= desk.gone_ns:
            # A last frame of a camera that is lost by now: worth an alert, but no event may stay open for it.
            self._tell(desk, desk.tracker.close("camera"), taken_ns)

    def _note(self, report: Report) -> None:
        desk = self._desks.get(report.status.camera)
        if desk is None:
            return
        gone = report.status.state in _GONE
        desk.gone_ns = report.told_ns if gone else None
        if gone:
            self._tell_regimes(desk, desk.regimes.close())
            self._tell(desk, desk.tracker.close("camera"), time.monotonic_ns())
        self._board.report(report.status, now_ns=time.monotonic_ns())

    def _seat(self, camera: PublishedCamera) -> None:
        self._desks.seat(camera)
        self._board.add(camera.name, now_ns=time.monotonic_ns(), wall_s=time.time())

    def _dismiss(self, name: str) -> None:
        desk = self._desks.get(name)
        if desk is None:
            return
        self._tell_regimes(desk, desk.regimes.close())
        self._tell(desk, desk.tracker.close("camera"), time.monotonic_ns())
        self._part(name, "the camera was removed")
        self._board.remove(name)
        self._desks.dismiss(name)

    def _tell(self, desk: Desk, transition: Transition | None, taken_ns: int) -> None:
        """Publish a step of an event, if there is one."""
        if transition is None:
            return
        alert = desk.alert(transition, self._seq + 1, self._painter, self._settings.regions, taken_ns)
        self._seq = alert.seq
        kept = compose(alert, published_ns=time.monotonic_ns(), published_wall_s=time.time())
        self._dispatch.hand_over(
            kept,
            lambda now_ns, now_s: encode(alert, published_ns=now_ns, published_wall_s=now_s),
            lambda sent: desk.count(alert, sent),
        )
        _log.info(
            "%s of event %s: score %.1f of %.1f",
            alert.phase,
            alert.event_id,
            alert.peak_score,
            alert.verdict.threshold,
            extra={"camera": alert.verdict.frame.camera, "event_id": alert.event_id},
        )

    def _tell_regimes(self, desk: Desk, events: Iterable[RegimeEvent]) -> None:
        for event in events:
            self._outlet.send(encode_regime(event, self.boot_id))
            if event.phase == "begin" and event.kind == "transition":
                desk.camera.metrics.transitions.inc()
            level = logging.WARNING if event.phase == "begin" and event.kind == "not_enrolled" else logging.INFO
            _log.log(level, "%s: %s of %s: %s", event.camera, event.phase, event.kind, event.reason)

    def _end_interrupted(self) -> None:
        """Tell the ends of events that an earlier run left open."""
        for end in () if self._archive is None else self._archive.journal.interrupted():
            message = self._renumbered(end)
            parts = encode_message(message)
            self._dispatch.hand_over(message, partial(_as_it_is, parts))
            _log.info("end of event %s, which an earlier run had left open", message.header.event_id)

    def _renumbered(self, message: AlertMessage) -> AlertMessage:
        """An alert of another run's event as the next of this run."""
        self._seq += 1
        number = self._desks.next_number(message.header.camera)
        header = msgspec.structs.replace(message.header, boot_id=self.boot_id, seq=self._seq, camera_seq=number)
        return replace(message, header=header)

    def _tell_journal(self, now_ns: int) -> None:
        header = None if self._news is None else self._news.due(now_ns)
        if header is not None:
            self._outlet.send(encode_journal(header))

    def _welcome(self) -> None:
        """Let somebody who has just subscribed know at once how every camera is."""
        now_ns = time.monotonic_ns()
        self._awaited = self._outlet.newcomers(STATUS_TOPIC) or self._awaited
        if self._awaited and now_ns - self._welcomed_ns >= _WELCOME_EVERY_NS:
            self._awaited, self._welcomed_ns = False, now_ns
            self._board.hasten(now_ns)
            if self._news is not None:
                self._news.hasten()

    def _beat(self, statuses: Iterable[CameraStatus]) -> None:
        """Tell statuses; what they count has to be sent before."""
        replay = None if self._archive is None else self._archive.replay_at()
        for status in statuses:
            header = self._desks[status.camera].status(status, self._seq, self._settings.heartbeat_s, replay)
            self._outlet.send(encode_status(header))

    def _part(self, name: str, reason: str) -> None:
        """Tell a camera's status for the last time."""
        self._dispatch.flush()
        self._beat([replace(self._board.status(name), state="ended", reason=reason, since_wall_s=time.time())])

    def _say_farewell(self) -> None:
        while (item := self._inbox.take(0)) is not None:
            self._handle(item)
        self._end_interrupted()
        for desk in self._desks.seated():
            self._tell_regimes(desk, desk.regimes.close())
            self._tell(desk, desk.tracker.close("stopped"), time.monotonic_ns())
        for desk in self._desks.seated():
            self._part(desk.camera.name, "Vigil stopped")

    def _count_dropped(self, verdict: Verdict) -> None:
        metrics = self._metrics.get(verdict.frame.camera)
        if metrics is not None:
            metrics.dropped["queue_full"].inc()


def _as_it_is(parts: list[bytes], _now_ns: int, _now_s: float) -> list[bytes]:
    return parts
