"""One camera's frames, from its source into its mailbox, for as long as it takes."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from pipelines.errors import SourceError, SourceLost, SourceStalled
from pipelines.health.monitor import Fitness, Monitor
from pipelines.mailbox import Mailbox
from pipelines.metrics import CameraMetrics
from pipelines.redact import redact
from pipelines.sources.source import NotYet, Sample, Source
from pipelines.types import CameraState, CameraStatus, Frame

log = logging.getLogger("vigil.capture")

_LONGEST_SLEEP_S = 0.5
_PATIENCE_S = 1.0
_SHORTEST_PAUSE_S = 0.2
_STEADY_S = 5.0

ReadIn = Literal["auto", "threads", "processes"]
Wait = Annotated[float, msgspec.Meta(ge=0.05, le=30)]


class CaptureSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where cameras are read, and how a lost one is tried again.

    That is by exponential backoff, with jitter so that cameras do not return in step.
    """

    read_in: ReadIn = "auto"
    """Threads of the daemon, or processes beside it that only live cameras have; auto is processes from 33 of those."""
    backoff_s: Wait = 0.5
    """From the first failed attempt to the next; doubles with each."""
    backoff_max_s: Wait = 2.0
    """No wait is longer, so that a camera that returns is analysed again within seconds."""
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    """A wait is shortened by up to this share of itself."""


class Capture:
    """A stage that keeps a camera going: each step makes one attempt to open it or reads one sample.

    A camera that is down, refused or lost is a state, told by `on_status` and `status`, and never an exception.
    Only the end of a file ends the stage.
    """

    def __init__(  # noqa: PLR0913 - the parts of one camera, wired in one place
        self,
        camera: str,
        open_: Callable[[], Source],
        mailbox: Mailbox,
        metrics: CameraMetrics,
        on_status: Callable[[CameraStatus], None] = lambda _: None,
        *,
        settings: CaptureSettings = CaptureSettings(),  # noqa: B008 - frozen
        stop: threading.Event | None = None,
        health: Monitor | None = None,
    ) -> None:
        """`open_` gives a source (see `pipelines.sources.open.open_source`); setting `stop` cuts waits short.

        `health` sees every sample; without it every frame is fit to be judged.
        """
        self.camera = camera
        self._open = open_
        self._mailbox = mailbox
        self._metrics = metrics
        self._on_status = on_status
        self._settings = settings
        self._stop = stop or threading.Event()
        self._health = health
        self._source: Source | None = None
        self._state: CameraState = "starting"
        self._reason = "not tried yet"
        self._since_wall_s = time.time()
        self._last_frame_wall_s: float | None = None
        self._reconnects = 0
        self._failures = 0
        self._retry_at = 0.0
        self._opened_at = 0.0
        self._seq = 0
        self._timeline = _Timeline()

    @property
    def name(self) -> str:
        """Names the thread."""
        return f"capture-{self.camera}"

    @property
    def status(self) -> CameraStatus:
        """How the camera is now; may be asked from any thread."""
        return CameraStatus(
            camera=self.camera,
            state=self._state,
            reason=self._reason,
            since_wall_s=self._since_wall_s,
            last_frame_wall_s=self._last_frame_wall_s,
            reconnects=self._reconnects,
            score=None,
            threshold=None,
            health=() if self._health is None else self._health.kinds,
        )

    def open(self) -> None:
        """Tell that the camera is being started; connecting is left to the first step."""
        self._metrics.up.set(0)
        self._on_status(self.status)

    def step(self) -> bool:
        """Connect, wait for the next attempt, or read one sample; False when a file is over."""
        if self._state == "ended":
            return False
        if self._source is not None:
            return self._read(self._source)
        wait_s = self._retry_at - time.monotonic()
        if wait_s > 0:
            self._stop.wait(min(wait_s, _LONGEST_SLEEP_S))
        else:
            self._connect()
        return True

    def close(self) -> None:
        """Hang up."""
        self._drop_source()
        self._metrics.up.set(0)

    def _connect(self) -> None:
        began = time.monotonic()
        try:
            source = self._open()
            self._source = source
            source.open()
        except SourceError as error:
            self._fail(error, began)
            return
        self._opened_at = time.monotonic()
        self._timeline.resume()

    def _read(self, source: Source) -> bool:
        began = time.monotonic()
        try:
            sample = source.read(_PATIENCE_S)
        except NotYet:
            return True
        except SourceError as error:
            self._fail(error, began)
            return True
        if sample is None:
            self._drop_source()
            if self._health is not None:
                self._health.over()
            self._become("ended", "the source is over")
            return False
        self._deliver(sample)
        if self._failures and began - self._opened_at > _STEADY_S:
            self._failures = 0
        return True

    def _deliver(self, sample: Sample) -> None:
        self._count(sample)
        fitness = self._examine(sample)
        if self._state != "live":
            self._become_live()
        self._seq += 1
        frame = Frame(
            camera=self.camera,
            seq=self._seq,
            pixels=sample.pixels,
            captured_ns=sample.captured_ns,
            time_s=self._timeline.place(sample),
            wall_s=sample.wall_s,
            picture=sample.picture,
            unfit=fitness.unfit,
            held=fitness.held,
            hidden=sample.hidden,
        )
        if self._mailbox.put(frame) is not None:
            self._metrics.dropped["replaced"].inc()

    def _examine(self, sample: Sample) -> Fitness:
        """What may be made of the sample. A fault that comes or goes is told with the camera's status too."""
        if self._health is None:
            return Fitness()
        before = self._health.kinds
        fitness = self._health.see(sample)
        if self._state == "live" and self._health.kinds != before:
            self._on_status(self.status)
        return fitness

    def _become_live(self) -> None:
        if self._seq:
            self._reconnects += 1
            self._metrics.reconnects.inc()
        self._become("live", "")

    def _count(self, sample: Sample) -> None:
        metrics = self._metrics
        metrics.received.inc(1 + sample.skipped + sample.shed + sample.corrupt)
        metrics.sampled_out.inc(sample.skipped)
        metrics.dropped["shed"].inc(sample.shed)
        metrics.dropped["corrupt"].inc(sample.corrupt)
        metrics.last_frame.set(sample.wall_s)
        self._last_frame_wall_s = sample.wall_s

    def _fail(self, error: SourceError, began: float) -> None:
        """Wait longer with each failure, counted from the attempt's beginning: a time-out has been waiting enough."""
        self._tell_loss(error)
        self._drop_source()  # may take a while: the camera is asked to let go
        lost = isinstance(error, SourceLost)
        self._failures += 1
        longest_s = self._settings.backoff_max_s
        doubled_s = self._settings.backoff_s * 2 ** min(self._failures - 1, 16)
        wait_s = min(doubled_s, longest_s) if lost else longest_s
        wait_s *= 1 - self._settings.jitter * random.random()  # noqa: S311 - not for secrets
        self._retry_at = max(began + wait_s, time.monotonic() + _SHORTEST_PAUSE_S)

    def _tell_loss(self, error: SourceError) -> None:
        reason = redact(str(error))
        if self._health is not None:
            self._health.gone("stalled" if isinstance(error, SourceStalled) else "lost", reason)
        self._become("lost" if isinstance(error, SourceLost) else "refused", reason)

    def _drop_source(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _become(self, state: CameraState, reason: str) -> None:
        if (state, reason) == (self._state, self._reason):
            return
        if state != self._state:
            self._since_wall_s = time.time()
            level = logging.WARNING if state in ("lost", "refused") else logging.INFO
            log.log(level, "camera %s is %s%s", self.camera, state, f": {reason}" if reason else "")
        self._state, self._reason = state, reason
        self._metrics.up.set(1 if state == "live" else 0)
        self._on_status(self.status)


class _Timeline:
    """One clock for a camera across reconnects: each connection's own clock starts where the last one stopped."""

    def __init__(self) -> None:
        self._shift_s: float | None = 0.0
        self._last: tuple[float, int] | None = None

    def resume(self) -> None:
        """A new connection: its clock has yet to be placed."""
        self._shift_s = None

    def place(self, sample: Sample) -> float:
        """Seconds on the camera's clock, always increasing; an outage takes the time that it took."""
        if self._shift_s is None:
            self._shift_s = self._after_outage(sample) - sample.time_s
        time_s = sample.time_s + self._shift_s
        self._last = (time_s, sample.captured_ns)
        return time_s

    def _after_outage(self, sample: Sample) -> float:
        if self._last is None:
            return sample.time_s
        time_s, captured_ns = self._last
        return time_s + max((sample.captured_ns - captured_ns) / 1e9, 1e-3)
