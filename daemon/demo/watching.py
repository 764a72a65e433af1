"""Listening to the daemon while the cameras play, and keeping what was heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from daemon.demo.matching import Sighting, shown, sighting
from daemon.demo.site import Playing
from pipelines.errors import SubscribeTimeout
from pipelines.headers import AlertHeader
from pipelines.simulation.sidecar import ClipTruth, PlantedSpan
from pipelines.subscribe import Subscriber, save_message
from pipelines.wire import AlertMessage, Message, StatusMessage

_POLL_S = 0.2
_LATE_S = 0.6
"""Alerts of the last frames are waited for so long."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """An alert, and what it shows of what was planted."""

    message: AlertMessage
    sighting: Sighting
    shown: tuple[PlantedSpan, ...]

    @property
    def header(self) -> AlertHeader:
        """The alert's header."""
        return self.message.header


@dataclass(slots=True)
class Listener:
    """Takes messages; keeps the alerts of the first time that each clip is played."""

    playing: Mapping[str, Playing]
    truths: Mapping[str, ClipTruth]
    keep: Path
    """The pictures of every alert go into this folder."""
    tell: Callable[[Heard], None]
    tell_state: Callable[[str, str], None]
    """Called with a camera and its state when that changes."""
    heard: list[Heard] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)

    @property
    def until_s(self) -> float:
        """When every clip has been played once, Unix seconds."""
        return max(one.began_wall_s + one.duration_s for one in self.playing.values())

    def take(self, message: Message) -> None:
        """Keep and tell an alert, or a change of a camera's state."""
        if isinstance(message, AlertMessage):
            self._alert(message)
        elif isinstance(message, StatusMessage) and self.states.get(message.header.camera) != message.header.state:
            self.states[message.header.camera] = message.header.state
            self.tell_state(message.header.camera, message.header.state)

    def _alert(self, message: AlertMessage) -> None:
        header = message.header
        clip = self.playing[header.camera]
        clip_s = header.captured_unix - clip.began_wall_s
        if clip_s >= clip.duration_s:
            return  # the clip has begun again: people vanish and appear there as they never do
        alert = sighting(header, clip_s)
        one = Heard(message, alert, shown(alert, self.truths[header.camera]))
        save_message(message, self.keep)
        self.heard.append(one)
        self.tell(one)


def listen(messages: Subscriber, listener: Listener, each_time: Callable[[], None]) -> None:
    """Hear all there is until every clip has been played once; `each_time` is called several times a second."""
    while time.time() < listener.until_s + _LATE_S:
        each_time()
        with suppress(SubscribeTimeout):
            listener.take(messages.receive(_POLL_S))
