"""Every fault of a stream at once, each on a camera of its own, against real captures: then all is mended.

The faults go on side by side, so that the whole takes seconds; each test looks at one of them.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import pytest

from pipelines.simulation.faults import Faults
from pipelines.simulation.rtsp import RtspServer
from pipelines.types import Frame
from tests.pipelines.cameras import Camera, wait
from tests.pipelines.sources.numbered import SIZE, numbered_video

PATIENCE_S = 30.0
FAULTY_S = 4.0
CUT_OFF = {
    "stalled": Faults(stalled=True),
    "mute": Faults(mute=True),
    "refusing": Faults(refusing=True),
    "locked": Faults(account="guard:sesame"),
    "flapping": Faults(flap_s=0.8),
}
"""The pictures stay away, and the camera is lost or refused."""
LIVE = {
    "resized": Faults(look="resized"),
    "frozen": Faults(look="frozen"),
    "slow": Faults(look="slow"),
    "jumped": Faults(),
    "jumped-back": Faults(),
    "wrapped": Faults(),
    "witness": Faults(),
}
"""The pictures come, and the camera is never called lost."""
SPOILT = {
    "corrupt": Faults(corrupt=0.3),
    "corrupt-udp": Faults(corrupt=0.3),
    "lossy": Faults(lost=0.3),
    "lossy-udp": Faults(lost=0.3),
    "trickling": Faults(link_bytes_s=1_500),
    "reset": Faults(),
}
"""Whatever it is called meanwhile, it comes back."""
FAULTY = CUT_OFF | LIVE | SPOILT


@dataclass
class Aftermath:
    """What became of the cameras."""

    cameras: dict[str, Camera] = field(default_factory=dict)
    frames_before: dict[str, int] = field(default_factory=dict)
    frames_mended: dict[str, int] = field(default_factory=dict)
    left: tuple[int, int] = (0, 0)
    """Threads and descriptors that are more than before."""

    def states(self, name: str) -> list[str]:
        return [status.state for status in self.cameras[name].states]

    def reasons(self, name: str) -> str:
        return "; ".join(status.reason for status in self.cameras[name].states)

    def frames(self, name: str) -> list[Frame]:
        """Those since the fault began."""
        return self.cameras[name].frames[self.frames_before[name] :]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    how = {"preset": "veryfast", "tune": "zerolatency", "x264-params": "scenecut=0"}
    clip = numbered_video(tmp_path_factory.mktemp("chaos") / "loop.mp4", 90, fps=15, gop=10, options=how)
    found, before = Aftermath(), _resources()
    with RtspServer(dict.fromkeys(FAULTY, clip)) as server:
        server.prepare("witness", "resized", "slow")
        server.wrap("wrapped", 6.0)
        with contextlib.ExitStack() as stack:
            for name in FAULTY:
                transport = "udp" if name.endswith("udp") else "tcp"
                camera = Camera(server.url(name), transport=transport, read_timeout_s=2.5, open_timeout_s=1.5)
                found.cameras[name] = stack.enter_context(camera)
            for camera in found.cameras.values():
                camera.wait_for_frames(2, PATIENCE_S)
            _break(server, found)
            _await_effects(found)
            for name, camera in found.cameras.items():
                server.restore(name)
                found.frames_mended[name] = len(camera.frames)
            for camera in found.cameras.values():
                camera.wait_for_frames(4, PATIENCE_S)
    with contextlib.suppress(AssertionError):
        wait(lambda: max(now - then for now, then in zip(_resources(), before, strict=True)) <= 0, 3.0)
    threads, descriptors = (now - then for now, then in zip(_resources(), before, strict=True))
    found.left = (threads, descriptors)
    return found


def _break(server: RtspServer, found: Aftermath) -> None:
    events: dict[str, Callable[[], None]] = {
        "mute": lambda: server.drop("mute"),
        "refusing": lambda: server.drop("refusing"),
        "locked": lambda: server.drop("locked"),
        "reset": lambda: server.reset("reset"),
        "jumped": lambda: server.jump("jumped", 3600),
        "jumped-back": lambda: server.jump("jumped-back", -3600),
    }
    for name, faults in FAULTY.items():
        found.frames_before[name] = len(found.cameras[name].frames)
        server.fault(name, faults)
        events.get(name, lambda: None)()


def _await_effects(found: Aftermath) -> None:
    until = time.monotonic() + FAULTY_S
    for name in CUT_OFF:
        wait(lambda name=name: bool({"lost", "refused"} & set(found.states(name))), PATIENCE_S)  # type: ignore[misc]
    for name in LIVE:
        found.cameras[name].wait_for_frames(6, PATIENCE_S)
    time.sleep(max(0.0, until - time.monotonic()))


def _resources() -> tuple[int, int]:
    gc.collect()
    return threading.active_count(), psutil.Process().num_fds()


@pytest.mark.parametrize("name", FAULTY)
def test_a_camera_comes_back_and_its_frames_go_on_in_order(aftermath: Aftermath, name: str) -> None:
    camera = aftermath.cameras[name]
    assert len(camera.frames) >= aftermath.frames_mended[name] + 4
    assert aftermath.states(name)[-1] == "live"
    assert [frame.seq for frame in camera.frames] == list(range(1, len(camera.frames) + 1))
    times = [frame.time_s for frame in camera.frames]
    assert times == sorted(set(times))
    assert camera.longest_step_s < 10, "a step returns within a bound, also on a busy machine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stalled", "stalled"),
        ("mute", "no answer within 1.5 s"),
        ("refusing", "is it on and reachable"),
        ("locked", "user name or password refused (401)"),
        ("flapping", "connection"),
    ],
)
def test_a_camera_that_is_cut_off_says_why(aftermath: Aftermath, name: str, words: str) -> None:
    assert words in aftermath.reasons(name)
    assert aftermath.cameras[name].value("camera_reconnects_total") >= 1


@pytest.mark.parametrize("name", LIVE)
def test_a_camera_whose_pictures_come_is_never_called_lost(aftermath: Aftermath, name: str) -> None:
    assert set(aftermath.states(name)) == {"starting", "live"}
    assert aftermath.cameras[name].value("camera_reconnects_total") == 0


@pytest.mark.parametrize("name", ["jumped", "jumped-back", "wrapped"])
def test_a_clock_that_jumps_does_not_move_the_time_of_frames(aftermath: Aftermath, name: str) -> None:
    """Times on the camera's own clock keep to the capture clock, give or take a busy machine."""
    for before, after in itertools.pairwise(aftermath.cameras[name].frames):
        passed_s = (after.captured_ns - before.captured_ns) / 1e9
        assert after.time_s - before.time_s < passed_s + 1.5


def test_frames_of_another_size_come_at_the_input_size(aftermath: Aftermath) -> None:
    frames = aftermath.frames("resized")
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert {frame.picture().shape[:2] for frame in frames} == {SIZE, (SIZE[0] * 3 // 4, SIZE[1] * 3 // 4)}


@pytest.mark.parametrize("name", ["corrupt", "corrupt-udp"])
def test_spoilt_pictures_are_counted_and_not_analysed(aftermath: Aftermath, name: str) -> None:
    lost = {"lost", "refused"} & set(aftermath.states(name))
    assert aftermath.cameras[name].value("frames_dropped_total", cause="corrupt") > 0 or lost


def test_nothing_is_left_behind(aftermath: Aftermath) -> None:
    threads, descriptors = aftermath.left
    assert threads <= 0
    assert descriptors <= 0
