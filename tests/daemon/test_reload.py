"""Settings that change under a running daemon: real processes, cameras over RTSP, messages over ZeroMQ."""

from __future__ import annotations

import dataclasses
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.commands.profile import keep_previous, previous
from engines.profile import Profile
from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.wire import StatusMessage
from tests.daemon.running import Running, systemd, told
from tests.daemon.sites import Site, free_port, site, source
from tests.daemon.stages import until

SUCCESS = ("vigil_config_reload_success", "")
QUICK = "[reload]\nsettle_s = 0.2"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    with RtspServer(dict.fromkeys("abc", odd_clip)) as server:
        yield server


@dataclasses.dataclass
class Place:
    """A daemon that watches two cameras, and its settings file."""

    here: Site
    daemon: Running
    cameras: RtspServer
    profile: Path

    def write(self, *cameras: str) -> None:
        """Put other cameras into the file."""
        head = self.here.config.read_text().partition("[[cameras]]")[0]
        self.here.config.write_text(head + "".join(cameras))

    def camera(self, name: str, more: str = "", profile: Path | None = None) -> str:
        url = self.cameras.url(name)
        return f'[[cameras]]\nname = "{name}"\nsource = "{url}"\nprofile = "{profile or self.profile}"\n{more}\n'

    def asked(self) -> None:
        """Have the settings read, and wait for what comes of it."""
        self.daemon.signal(signal.SIGHUP)
        self.told("settings reloaded", 1 + self.daemon.stderr.count("settings reloaded"))

    def told(self, text: str, times: int) -> None:
        """Wait for a text to be logged for the so-manieth time."""

        def heard() -> bool:
            self.daemon.look()
            return self.daemon.stderr.count(text) >= times

        until(heard, PATIENCE_S)

    def analysed(self, camera: str) -> float:
        return self.here.samples().get(("vigil_frames_analysed_total", camera), -1)


@pytest.fixture
def place(tmp_path: Path, profile_file: Path, cameras: RtspServer) -> Iterator[Place]:
    # In processes, which have to be told of everything that threads would see by themselves.
    here = site(tmp_path, profile_file, {name: source(cameras.url(name)) for name in "ab"}, QUICK, judge_in="processes")
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        for text in ("watching 2 cameras", "camera a is live", "camera b is live"):
            daemon.wait_for(text, PATIENCE_S)
        yield Place(here, daemon, cameras, profile_file)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0
    assert "Traceback" not in daemon.stderr


def test_cameras_come_go_and_change_and_the_one_that_stays_keeps_its_connection(place: Place) -> None:
    place.write(place.camera("a"), place.camera("b", "threshold = 50"), place.camera("c"))
    place.asked()
    assert "settings reloaded: added c; changed b (threshold)" in place.daemon.stderr
    place.daemon.wait_for("camera c is live", PATIENCE_S)
    until(lambda: place.analysed("c") > 0, PATIENCE_S)
    until(lambda: place.here.samples()["vigil_threshold", "b"] == 50, PATIENCE_S)
    place.write(place.camera("a"), place.camera("c", "fps = 3"))
    place.asked()
    assert "settings reloaded: removed b; changed c (fps)" in place.daemon.stderr
    place.told("camera c is live", 2)
    before = place.analysed("a")
    until(lambda: place.analysed("a") > before, PATIENCE_S)
    samples = place.here.samples()
    assert samples["vigil_camera_reconnects_total", "a"] == 0
    assert place.daemon.stderr.count("camera a is live") == 1
    assert not [key for key in samples if key[1] == "b"], "series of a camera that is gone stay behind"
    assert samples["vigil_threshold", "a"] == samples["vigil_threshold", "c"]


def test_a_camera_that_is_taken_out_says_farewell_and_one_put_in_is_told_of(place: Place) -> None:
    with Subscriber(place.here.endpoint) as messages:
        place.write(place.camera("a"), place.camera("c"))
        place.asked()
        said: dict[str, str] = {}
        while (said.get("b"), said.get("c")) != ("the camera was removed", ""):
            message = messages.receive(PATIENCE_S)
            if isinstance(message, StatusMessage) and (message.header.camera != "c" or message.header.state == "live"):
                said[message.header.camera] = message.header.reason


def test_a_bad_file_keeps_the_old_settings_and_says_what_is_wrong(place: Place) -> None:
    good = place.here.config.read_text()
    place.write(place.camera("a", "fps = 0"), place.camera("c"))
    place.daemon.wait_for("settings not reloaded, the old ones stay: vigil.toml: cameras[0].fps: expected", PATIENCE_S)
    samples = place.here.samples()
    assert samples[SUCCESS] == 0
    assert ("vigil_frames_analysed_total", "c") not in samples
    status, body = place.here.page("degraded")
    assert status == 503
    assert "settings: not reloaded, the old ones stay: vigil.toml: cameras[0].fps" in body
    assert place.here.health("ready") == 200
    before = samples["vigil_config_reload_success_timestamp_seconds", ""]
    place.here.config.write_text(good)
    place.daemon.wait_for("settings reloaded: no camera has changed", PATIENCE_S)
    samples = place.here.samples()
    assert samples[SUCCESS] == 1
    assert samples["vigil_config_reload_success_timestamp_seconds", ""] > before
    assert place.here.page("degraded")[0] == 200
    assert samples["vigil_camera_reconnects_total", "a"] == 0


def test_what_needs_a_restart_is_named_and_the_rest_applied(place: Place) -> None:
    text = place.here.config.read_text()
    changed = text.replace("heartbeat_s = 0.5", "heartbeat_s = 9") + "threshold = 60\n"
    place.here.config.write_text(changed)
    place.daemon.wait_for("take effect only when Vigil is restarted: publish.heartbeat_s", PATIENCE_S)
    until(lambda: place.here.samples()["vigil_threshold", "b"] == 60, PATIENCE_S)
    assert place.here.samples()["vigil_config_restart_needed", "publish.heartbeat_s"] == 1
    place.here.config.write_text(text)
    until(lambda: ("vigil_config_restart_needed", "publish.heartbeat_s") not in place.here.samples(), PATIENCE_S)


def test_a_new_profile_in_the_same_file_is_noticed_and_a_damaged_one_refused(
    tmp_path: Path, profile: Profile, cameras: RtspServer
) -> None:
    file = tmp_path / "own.vigil"
    profile.save(file)
    here = site(tmp_path, file, {"a": source(cameras.url("a"))}, f"{QUICK}\nshadow_frames = 0")
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("camera a is live", PATIENCE_S)
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        daemon.wait_for("own.vigil: the profile is damaged", PATIENCE_S)
        assert here.samples()[SUCCESS] == 0
        dataclasses.replace(profile, threshold=77.0).save(file)
        daemon.wait_for("settings reloaded: changed a (profile)", PATIENCE_S)
        until(lambda: here.samples()["vigil_threshold", "a"] == 77, PATIENCE_S)
        assert here.samples()["vigil_camera_reconnects_total", "a"] == 0


def profiles(here: Site) -> set[str]:
    """The profiles that cameras are judged by now."""
    return set(re.findall(r'vigil_profile_info{camera="a",profile="(\w+)"} 1', here.text()))


def test_a_new_profile_is_on_trial_first_then_takes_over_and_is_rolled_back_by_one_command(
    tmp_path: Path, profile: Profile, cameras: RtspServer
) -> None:
    file, other = tmp_path / "own.vigil", dataclasses.replace(profile, threshold=77.0)
    profile.save(file)
    here = site(
        tmp_path, file, {"a": source(cameras.url("a"))}, f"{QUICK}\nshadow_frames = 15\n[gate]\nenabled = false"
    )
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("camera a is live", PATIENCE_S)
        keep_previous(file)
        other.save(file)
        daemon.wait_for(f"profile {other.id} is on trial for 15 frames", PATIENCE_S)
        assert here.samples()["vigil_threshold", "a"] == pytest.approx(profile.threshold)
        daemon.wait_for(f"profile {other.id} takes over after 15 frames, of which were flagged", PATIENCE_S)
        until(lambda: profiles(here) == {other.id}, PATIENCE_S)
        until(lambda: here.samples()["vigil_threshold", "a"] == 77, PATIENCE_S)
        assert "vigil_shadow_score" in here.text()
        with Running(["daemon", "profile", "rollback", "a", "--config", here.config]) as command:
            assert command.ends(within_s=PATIENCE_S) == 0
        daemon.wait_for(f"profile {profile.id} takes over from {other.id}", PATIENCE_S)
        until(lambda: profiles(here) == {profile.id}, PATIENCE_S)
        assert here.samples()["vigil_camera_reconnects_total", "a"] == 0
    assert Profile.load(previous(file)).id == other.id


def test_a_rollback_without_anything_to_go_back_to_says_so(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source("x.mp4")})
    for camera, wrong in (("a", "is not there: vigil enrol makes it"), ("z", "there is no camera z; there are a")):
        with Running(["daemon", "profile", "rollback", camera, "--config", here.config]) as command:
            assert command.ends(within_s=PATIENCE_S) == 2
        assert wrong in command.stderr


def test_systemd_is_told_when_a_reload_begins_and_when_it_is_done(tmp_path: Path, profile_file: Path) -> None:
    down = source(f"rtsp://127.0.0.1:{free_port()}/x")
    here = site(tmp_path, profile_file, {"a": down}, "[reload]\nwatch = false")
    with systemd(tmp_path) as (link, environ), Running(["daemon", "run", "-c", here.config], environ) as daemon:
        link.settimeout(PATIENCE_S)
        told(link, "READY=1")
        daemon.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in told(link, "RELOADING=1")[-1]
        told(link, "READY=1")
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0
