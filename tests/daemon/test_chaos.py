"""The daemon while one of its cameras goes through everything: it goes on, and so does the other camera."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.simulation.faults import Faults
from pipelines.simulation.rtsp import RtspServer
from tests.daemon.running import Running
from tests.daemon.sites import Site, site, source

PATIENCE_S = 30.0


def await_that(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def await_analysed(here: Site, camera: str, more: int = 3) -> None:
    key = ("vigil_frames_analysed_total", camera)
    wanted = here.samples()[key] + more
    await_that(lambda: here.samples()[key] >= wanted)


def test_a_camera_in_trouble_costs_no_thread_and_no_descriptor_and_leaves_the_other_alone(
    tmp_path: Path, profile_file: Path, odd_clip: Path
) -> None:
    with RtspServer({"sick": odd_clip, "well": odd_clip}) as server:
        server.prepare("sick", "resized")
        sources = {name: source(server.url(name)) for name in server.names}
        here = site(tmp_path, profile_file, sources)
        with Running(["daemon", "run", "--config", here.config]) as daemon:
            daemon.wait_for("camera sick is live")
            daemon.wait_for("camera well is live")
            await_analysed(here, "sick")
            before = here.samples()
            for faults in (Faults(corrupt=0.5), Faults(look="resized"), Faults(corrupt=0.1, lost=0.1)):
                server.fault("sick", faults)
                time.sleep(1.0)
                server.reset("sick")
                await_analysed(here, "well")
            server.restore("sick")
            await_analysed(here, "sick")
            await_that(lambda: here.samples()["process_open_fds", ""] <= before["process_open_fds", ""])
            after = here.samples()
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=20) == 0
    assert after["process_threads", ""] == before["process_threads", ""]
    assert after["vigil_camera_reconnects_total", "sick"] >= 1
    assert after["vigil_camera_reconnects_total", "well"] == 0
    assert after["vigil_capture_restarts_total", "sick"] == 0
    assert "Traceback" not in daemon.stderr
    assert "camera well is lost" not in daemon.stderr
