"""Faults of the stream, and looks of the picture, as a stand-in camera gives them to a real daemon over RTSP."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.health_picture import Trial
from daemon.demo.child import free_port
from pipelines.errors import SubscribeTimeout
from pipelines.simulation.faults import Faults, Look
from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.types import HealthKind
from pipelines.wire import AlertMessage, HealthMessage, Message, StatusMessage

WATCH_S: Final = 5.0
"""A fault lasts nearly so long: a look begins with a key frame."""
REST_S: Final = 6.0
"""Between two faults: what was wrong is over, and a returning picture has been judged for a while."""
WARM_S: Final = 14.0
"""The usual frame rate is known by then."""
_TOGETHER_S: Final = 1.5
"""An alarm that the camera without faults raises at the same time was not the fault's."""

_EARLY_S: Final = 0.1
"""Two clocks are compared."""
_AT_ONCE: Final = ("lost", "stalled", "clock")

Deed = Callable[[RtspServer, str], None]


def _lose(server: RtspServer, name: str) -> None:
    server.refuse(name)
    server.reset(name)


def _looks(look: Look) -> Deed:
    return lambda server, name: server.fault(name, Faults(look=look))


DEEDS: Final[Mapping[HealthKind, Deed]] = {
    "lost": _lose,
    "stalled": lambda server, name: server.stall(name),
    "format": _looks("resized"),
    "frame_rate": _looks("slow"),
    "clock": lambda server, name: server.jump(name, -30.0),
    "corrupt": lambda server, name: server.fault(name, Faults(corrupt=0.03)),
    "frozen": _looks("frozen"),
    "black": _looks("black"),
    "overexposed": _looks("white"),
    "defocused": _looks("blurred"),
    "covered": _looks("covered"),
    "moved": _looks("moved"),
}


@dataclass
class Heard:
    """What a subscriber has heard of one camera, with the time (Unix)."""

    faults: list[tuple[float, str]] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)


class Ward:
    """A daemon, its cameras, and who listens to it."""

    def __init__(self, server: RtspServer, messages: Subscriber) -> None:
        self.server, self._messages = server, messages
        self.heard = {name: Heard() for name in server.names}
        self.live: set[str] = set()

    def listen(self, seconds: float) -> None:
        """Hear what comes in this time."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            try:
                self._take(self._messages.receive(left_s))
            except SubscribeTimeout:
                return

    def _take(self, message: Message) -> None:
        heard = self.heard[message.header.camera]
        if isinstance(message, AlertMessage) and message.header.phase == "begin":
            heard.alarms.append(message.header.captured_unix)
        elif isinstance(message, HealthMessage) and message.header.phase == "begin":
            heard.faults.append((message.header.at_unix, message.header.kind))
        elif isinstance(message, StatusMessage) and message.header.state == "live":
            self.live.add(message.header.camera)

    def round(self, kind: HealthKind) -> list[Trial]:
        """Give every camera but the last the fault, and see what is made of it."""
        *names, control = self.server.names
        asked = {}
        for name in names:
            asked[name] = time.time()
            DEEDS[kind](self.server, name)
        self.listen(WATCH_S)
        began = {name: asked[name] if kind in _AT_ONCE else self._since(kind, name) for name in names}
        for name in names:
            self.server.restore(name)
        self.listen(REST_S)
        calm = self.heard[control].alarms
        return [_trial(kind, self.heard[name], began[name], calm) for name in names]

    def _since(self, kind: HealthKind, name: str) -> float:
        """When the fault could first be seen, Unix: a look begins with a key frame, damage with a spoilt packet."""
        server = self.server
        since_s = server.spoilt_since_s(name) if kind == "corrupt" else server.shown_since_s(name)
        assert since_s is not None, f"{name}: nothing of {kind} in {WATCH_S:g} s"
        return time.time() - time.monotonic() + since_s


def _trial(kind: HealthKind, heard: Heard, began_s: float, control: list[float]) -> Trial:
    told = [(max(0.0, at_s - began_s), which) for at_s, which in heard.faults if at_s >= began_s - _EARLY_S]
    named = [after_s for after_s, which in told if which == kind]
    alarms = [at_s for at_s in heard.alarms if at_s >= began_s]
    caused = [at_s for at_s in alarms if not any(abs(at_s - other_s) < _TOGETHER_S for other_s in control)]
    others = tuple(which for _, which in told if which != kind)
    return Trial(kind, named[0] if named else None, others, len(caused))


@contextmanager
def ward(work: Path, clip: Path, profile: Path, cameras: int) -> Iterator[Ward]:
    """Serve a clip as so many cameras and one more, and run a daemon that watches them."""
    streams = {f"cam{index}": clip for index in range(cameras)} | {"control": clip}
    with RtspServer(streams) as server:
        server.prepare("control", "resized", "slow", "black", "white", "blurred", "covered", "moved")
        alerts, http, replay = (free_port(0) for _ in range(3))
        lines = [f'[publish]\nendpoint = "tcp://127.0.0.1:{alerts}"\n[http]\nport = {http}']
        lines += [f'[replay]\nendpoint = "tcp://127.0.0.1:{replay}"']
        lines += [
            f'[[cameras]]\nname = "{n}"\nsource = "{server.url(n)}"\nprofile = "{profile}"\nfps = 5' for n in streams
        ]
        config = work / "health.toml"
        config.write_text("\n".join(lines))
        with (work / "health.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "daemon", "run", "--config", str(config)], stderr=log)
            try:
                with Subscriber(f"tcp://127.0.0.1:{alerts}") as messages:
                    one = Ward(server, messages)
                    deadline = time.monotonic() + 120
                    while len(one.live) < len(streams) and time.monotonic() < deadline:
                        one.listen(0.5)
                    one.listen(WARM_S)
                    yield one
            finally:
                process.terminate()
                process.wait(30)
