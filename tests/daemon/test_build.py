"""What the assembly does when a camera's thread fails: real stages, but for one source that breaks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from daemon.build import build
from daemon.config import load_config
from daemon.errors import SettingsError
from daemon.process import Assembly
from daemon.pulse import Pulse
from engines.profile import Profile
from pipelines.capture import Capture
from tests.daemon.sites import site, source


def assembled(folder: Path, profile: Path, registry: CollectorRegistry) -> Assembly:
    sources = {name: source(folder / f"{name}.mp4") for name in ("a", "b")}
    return build(load_config(site(folder, profile, sources).config), registry, Pulse())


def test_threads_are_named_and_ordered_downstream_first(tmp_path: Path, profile_file: Path) -> None:
    assembly = assembled(tmp_path, profile_file, CollectorRegistry())
    assert [post.thread for post in assembly.posts] == [
        "http",
        "guard",
        "journal",
        "replay",
        "publish",
        "infer-0",
        "infer-1",
        "reload",
        "capture-a",
        "capture-b",
    ]
    needed = [post.thread for post in assembly.posts if post.restart is None]
    assert needed == ["http", "guard", "publish", "infer-0", "infer-1"]
    assert assembly.captures() == ("capture-a", "capture-b")


def test_series_of_every_camera_stand_from_the_start(tmp_path: Path, profile_file: Path, profile: Profile) -> None:
    registry = CollectorRegistry()
    assembled(tmp_path, profile_file, registry)
    for camera in "ab":
        assert registry.get_sample_value("vigil_camera_up", {"camera": camera}) == 0
        assert registry.get_sample_value("vigil_threshold", {"camera": camera}) == pytest.approx(profile.threshold)
        labels = {"camera": camera, "profile": profile.id}
        assert registry.get_sample_value("vigil_profile_info", labels) == 1


def test_a_capture_that_died_or_hangs_is_told_as_lost(tmp_path: Path, profile_file: Path) -> None:
    registry = CollectorRegistry()
    assembly = assembled(tmp_path, profile_file, registry)
    post = next(post for post in assembly.posts if post.thread == "capture-a")
    assert isinstance(post.make(threading.Event()), Capture)
    post.on_death(ValueError("rtsp://u:hunter2@h/"))
    status = assembly.board.status("a")
    assert status is not None
    assert (status.state, "ValueError" in status.reason, "hunter2" in status.reason) == ("lost", True, False)
    assert registry.get_sample_value("vigil_capture_restarts_total", {"camera": "a"}) == 1
    post.on_hang(True)
    status = assembly.board.status("a")
    assert status is not None
    assert "hangs" in status.reason
    post.on_hang(False)
    assert assembly.board.live_since_ns() is not None
    assert assembly.board.status("b") is None


def test_a_slow_camera_is_not_taken_for_a_stall(tmp_path: Path, profile_file: Path) -> None:
    slow = f"{source('a.mp4')}\nfps = 0.5"
    config = load_config(site(tmp_path, profile_file, {"a": slow}, "[watchdog]\nstall_s = 2").config)
    assert build(config, CollectorRegistry(), Pulse()).stall_s == 6


def test_a_profile_that_is_no_file_is_found_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="which is no file"):
        assembled(tmp_path, tmp_path / "gone.vigil", CollectorRegistry())
