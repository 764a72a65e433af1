"""What the doctor says of daemons that are sick: real ones, real files."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from daemon.commands.finding import Finding
from daemon.commands.symptoms import symptoms
from pipelines.simulation.rtsp import RtspServer
from tests.daemon.running import Running
from tests.daemon.sites import free_port, site, source
from tests.daemon.stages import until

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state"


def problems(findings: list[Finding]) -> dict[str, str]:
    return {each.topic: each.found for each in findings if each.state == "problem"}


def test_a_daemon_that_does_not_run_and_how_it_ended_are_told(tmp_path: Path, profile_file: Path, state: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source("x.mp4")})
    crash = state / "crashes" / "crash-20260101T000000-7.txt"
    crash.parent.mkdir(parents=True)
    crash.write_text("vigil 0.1.0, process 7, began 2026\ncannot go on: infer: out of memory\n")
    found = problems(symptoms(here.config))
    assert f"does not answer at http://127.0.0.1:{here.http}" in found["daemon"]
    assert "systemctl status vigil" in found["daemon"]
    assert "cannot go on: infer: out of memory; the stacks are in" in found["crashes"]
    long_ago = time.time() - 40 * 86400
    os.utime(crash, (long_ago, long_ago))
    assert "crashes" not in problems(symptoms(here.config))


def test_settings_with_an_error_are_told_with_what_follows_from_it(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source("x.mp4")}, "[htpp]")
    assert "htpp: unknown key" in problems(symptoms(here.config))["settings"]


def test_passwords_that_everybody_can_read_are_a_problem_and_are_not_shown(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source("rtsp://admin:hunter2@10.0.0.7/x")})
    here.config.chmod(0o644)
    told = problems(symptoms(here.config))
    assert "can read the passwords of a in" in told["permissions"]
    assert "hunter2" not in str(told)
    here.config.chmod(0o640)
    assert "permissions" not in problems(symptoms(here.config))


def test_a_daemon_that_demands_a_token_is_shown_it(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source(f"rtsp://127.0.0.1:{free_port()}/x")})
    (tmp_path / "token").write_text("open-sesame\n")
    here.config.write_text(here.config.read_text().replace("[engine]", 'token_file = "token"\n[engine]'))
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 1 camera", PATIENCE_S)
        found = problems(symptoms(here.config))
        assert "daemon" not in found
        assert "camera a" in found
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=30) == 0


def test_a_journal_that_keeps_nothing_is_told_with_its_reason_until_it_does(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source(f"rtsp://127.0.0.1:{free_port()}/x")})
    (tmp_path / "journal").mkdir()
    with (tmp_path / "journal" / "lock").open("w") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        with Running(["daemon", "run", "--config", here.config]) as daemon:
            daemon.wait_for("watching 1 camera", PATIENCE_S)
            until(lambda: "another Vigil keeps its journal there" in here.page("degraded")[1], PATIENCE_S, every_s=0.1)
            found = problems(symptoms(here.config))
            assert "journal: it keeps nothing (failing), alerts go out all the same" in found["daemon, degraded"]
            assert found["journal"].startswith("failing, ")
            taken.close()
            # Seldom enough for the bounds on connections: a second or more passes before the disk is tried again.
            until(lambda: "journal" not in here.page("degraded")[1], PATIENCE_S, every_s=0.2)
            well = Finding("journal", f"ok, {tmp_path / 'journal'}: 0 alerts, 0.0 MB")
            until(lambda: well in symptoms(here.config), PATIENCE_S, every_s=0.2)
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=30) == 0


def test_a_running_daemon_is_asked_what_ails_it(tmp_path: Path, profile_file: Path, odd_clip: Path) -> None:
    with RtspServer({"a": odd_clip}) as cameras:
        sources = {"a": source(cameras.url("a")), "dead": source(f"rtsp://127.0.0.1:{free_port()}/x")}
        here = site(tmp_path, profile_file, sources, "[reload]\nsettle_s = 0.2")
        with Running(["daemon", "run", "--config", here.config]) as daemon:
            daemon.wait_for("camera a is live", PATIENCE_S)
            until(lambda: here.samples()["vigil_frames_analysed_total", "a"] > 0, PATIENCE_S)
            found = problems(symptoms(here.config))
            assert found["camera dead"] == "delivers no frames: `vigil check` says why"
            assert set(found) <= {"camera dead", "daemon, degraded", "crashes"}
            good = here.config.read_text()
            here.config.write_text(good.replace("heartbeat_s = 0.5", "heartbeat_s = 4"))
            daemon.wait_for("take effect only when Vigil is restarted", PATIENCE_S)
            assert "publish.heartbeat_s differs from what runs" in problems(symptoms(here.config))["settings"]
            here.config.write_text(good + "colour = 1\n")
            daemon.wait_for("settings not reloaded", PATIENCE_S)
            here.config.write_text(good)
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=30) == 0
