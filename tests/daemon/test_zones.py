"""Zones and privacy masks as their users have them: a daemon, real RTSP, a real subscriber, and what the disk holds."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from engines.profile import Profile
from pipelines.journal.reader import JournalReader
from pipelines.masks import GREY
from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage
from tests.daemon.running import Running
from tests.daemon.sites import Site, site, source
from tests.daemon.test_commands import vigil

PATIENCE_S = 60.0
MASK = "[[cameras.masks]]\npolygon = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]\n"
LAWN = '[[cameras.zones]]\nname = "lawn"\npolygon = [[0, 0.1], [1, 0.1], [1, 0.45], [0, 0.45]]\n'
FAR = '[[cameras.zones]]\nname = "far"\npolygon = [[0, 0.9], [1, 0.9], [1, 1], [0, 1]]\n'


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    with RtspServer(dict.fromkeys("ab", odd_clip)) as server:
        yield server


def alert(messages: Subscriber, captured_after: float = 0.0) -> AlertMessage:
    """The next alert of a frame that was captured later than that."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        message = messages.receive(PATIENCE_S)
        if isinstance(message, AlertMessage) and message.header.captured_unix > captured_after:
            return message
    raise AssertionError("no alert came")


def decoded(jpeg: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def assert_hidden(jpeg: bytes, rows: float = 1.0) -> None:
    """Nothing but grey from the picture's middle row down to a share of its rows; JPEG makes some levels of it."""
    off = np.abs(decoded(jpeg)[120 : int(rows * 240)].astype(int) - GREY[0])
    assert off.max() <= 32
    assert off[8:].max() <= 4, "beyond the block that the mask's edge goes through"


def test_no_pixel_behind_a_mask_leaves_the_daemon_and_a_mask_is_in_force_with_the_next_frame(
    tmp_path: Path, profile_file: Path, cameras: RtspServer
) -> None:
    often = "[events]\nupdate_s = 0.2\nupdate_growth = 1\n[reload]\nsettle_s = 0.1"
    sources = {"a": source(cameras.url("a")) + "\nthreshold = 0.3", "b": source(cameras.url("b"))}
    here = site(tmp_path, profile_file, sources, often)
    with Subscriber(here.endpoint, "a") as messages, Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("camera a is live", PATIENCE_S)
        plain = decoded(alert(messages).clean_jpeg)
        assert np.abs(plain[120:].astype(int) - GREY[0]).max() > 30
        reloaded_s = reload(here, daemon, MASK + LAWN + FAR)
        masked = [alert(messages, reloaded_s) for _ in range(4)]
        for message in masked:
            assert_hidden(message.clean_jpeg)
            assert_hidden(message.overlay_jpeg, rows=0.85)
            zones = {zone for region in message.header.regions for zone in region.zones}
            assert zones == ({"lawn"} if message.header.regions else set())
        text = here.text()
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=20) == 0
    assert not re.findall(r'health_events_total\{.*kind="(?:covered|moved|black|frozen|defocused)"\} [1-9].*', text)
    with JournalReader(tmp_path / "journal") as journal:
        kept = [one for one in journal.after(0, 10_000, "a") if one.header.captured_unix > reloaded_s]
        assert len(kept) >= len(masked)
        for one in kept:
            overlay, clean, _ = journal.pictures(one)
            assert_hidden(clean)
            assert_hidden(overlay, rows=0.85)


def reload(here: Site, daemon: Running, more: str) -> float:
    """Add to the settings of camera a; returns when that was applied, by the wall clock."""
    text = here.config.read_text()
    here.config.write_text(text.replace('[[cameras]]\nname = "b"', more + '[[cameras]]\nname = "b"'))
    before = daemon.stderr.count("settings reloaded")
    daemon.signal(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE_S
    while daemon.stderr.count("settings reloaded") == before:
        assert time.monotonic() < deadline, daemon.stderr
        daemon.look()
    assert "settings reloaded: changed a (zones, masks)" in daemon.stderr
    return time.time()


def settings(folder: Path, clip: Path, more: str) -> Path:
    """A settings file of a camera that was not enrolled yet."""
    file = folder / "vigil.toml"
    file.write_text(f'[[cameras]]\nname = "a"\nsource = "{clip}"\nprofile = "later.vigil"\n{more}')
    return file


def test_a_snapshot_shows_zones_and_a_grid_and_hides_what_masks_hide(tmp_path: Path, normal_clip: Path) -> None:
    file, out = settings(tmp_path, normal_clip, LAWN + "weight = 0\n" + MASK), tmp_path / "a.png"
    done = vigil("snapshot", "a", "--config", file, "--out", out, "--json")
    told = json.loads(done.stdout)
    assert [(each["kind"], each["name"], each["weight"]) for each in told["covered"]] == [
        ("zone", "lawn", 0),
        ("masks", "1 together", 0),
    ]
    assert told["covered"][0]["share"] == pytest.approx(0.35, abs=0.01)
    picture = decoded(out.read_bytes())
    assert picture.shape == (240, 320, 3)
    between = picture[124:130, 36:60]
    assert (np.abs(between.astype(int) - GREY[0]) < 2).all()
    assert "lawn" in vigil("snapshot", "a", "--config", file, "--out", tmp_path / "a.jpg").stdout


@pytest.mark.parametrize(
    ("camera", "out", "told"),
    [("b", "a.jpg", "there is no camera b; there are a"), ("a", "a.gif", "expected a file that ends in .jpg or .png")],
)
def test_a_snapshot_that_cannot_be_is_told(tmp_path: Path, normal_clip: Path, camera: str, out: str, told: str) -> None:
    done = vigil("snapshot", camera, "--config", settings(tmp_path, normal_clip, ""), "--out", tmp_path / out, code=2)
    assert told in done.stderr


def test_enrolment_of_a_camera_takes_its_source_and_learns_nothing_behind_its_masks(
    tmp_path: Path, normal_clip: Path
) -> None:
    file, out = settings(tmp_path, normal_clip, MASK), tmp_path / "later.vigil"
    vigil("enrol", "--config", file, "--camera", "a", "--fps", "3", "--out", out)
    profile = Profile.load(out)
    assert profile.provenance["hidden"] == pytest.approx(0.51, abs=0.01)
    usual = profile.arrays["light.usual"].reshape(3, 16, 16)
    assert np.ptp(usual[:, 9:]) == pytest.approx(0, abs=0.01)
    assert np.ptp(usual[:, :7]) > 0.05

    remarks = "shows what a privacy mask hid"
    assert remarks not in vigil("check", "--config", file).stdout
    unmasked = vigil("check", "--config", settings(tmp_path, normal_clip, ""), "--json")
    assert remarks in json.loads(unmasked.stdout)["cameras"][0]["remarks"][0]
