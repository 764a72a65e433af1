"""The command line as its users have it: arguments in, files, stdout, stderr and exit codes out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.contract import SIGNALS
from engines.profile import Profile
from engines.runtime.openvino import processor
from pipelines.simulation.rtsp import RtspServer
from tests.daemon.running import ROOT, Running
from tests.daemon.sites import free_port, site, source
from tests.footage import walkers


def vigil(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; stdout and stderr must be what the exit code promises."""
    done = subprocess.run(
        [sys.executable, "-m", "daemon", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    with RtspServer({"a": odd_clip}) as server:
        yield server


class TestHelp:
    @pytest.mark.parametrize(
        "command",
        [
            "",
            "enrol",
            "score",
            "run",
            "check",
            "subscribe",
            "quantise",
            "doctor",
            "demo",
            "bench",
            "bench load",
            "version",
        ],
    )
    def test_every_command_explains_itself_at_once(self, command: str) -> None:
        text = vigil(*command.split(), "--help").stdout
        assert "Usage: " in text

    def test_help_loads_nothing_heavy(self) -> None:
        script = (
            "import sys; from daemon.cli import main\n"
            "try: main(['--help'])\n"
            "except SystemExit: print(sorted({'numpy', 'cv2', 'av', 'openvino', 'zmq', 'torch'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"

    def test_a_wrong_option_is_a_usage_error(self) -> None:
        assert "No such option" in vigil("enrol", "--nonsense", code=2).stderr

    def test_version(self) -> None:
        assert vigil("version").stdout.startswith("vigil 0.")


class TestEnrol:
    def test_footage_becomes_a_profile_and_the_summary_is_for_programs(self, tmp_path: Path, normal_clip: Path) -> None:
        out = tmp_path / "place.vigil"
        (tmp_path / "list.txt").write_text(f"# normal\n{normal_clip}#t=0,20\n")
        done = vigil("enrol", "--sources-file", tmp_path / "list.txt", "--out", out, "--fps", "5", "--json")
        told = json.loads(done.stdout)
        assert told["frames"] == 100
        assert told["profile"] == Profile.load(out).id
        assert told["threshold"] > 0
        assert [path.name for path in tmp_path.iterdir() if "vigil" in path.name] == ["place.vigil"]

    def test_too_short_footage_fails_and_leaves_no_file(self, tmp_path: Path, odd_clip: Path) -> None:
        done = vigil("enrol", f"{odd_clip}#t=0,2", "--out", tmp_path / "x.vigil", code=1)
        assert done.stderr.startswith("vigil: ")
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "no footage: name sources"),
            (["rtsp://admin:hunter2@127.0.0.1/x"], "say how much of it to use with --minutes"),
            (["x.mp4#t=9,2"], "x.mp4: "),
            (["--sources-file", "gone.txt"], "cannot read the list of sources"),
        ],
    )
    def test_wrong_arguments_end_with_2_before_any_work(self, tmp_path: Path, arguments: list[str], told: str) -> None:
        done = vigil("enrol", *arguments, "--out", tmp_path / "x.vigil", code=2)
        assert told in done.stderr
        assert "hunter2" not in done.stderr

    def test_an_out_that_cannot_be_written_is_told_before_the_long_work(self, tmp_path: Path, odd_clip: Path) -> None:
        assert "--out" in vigil("enrol", odd_clip, "--out", tmp_path / "no" / "x.vigil", code=2).stderr

    def test_a_source_that_is_not_there_ends_with_1(self, tmp_path: Path) -> None:
        assert "gone.mp4" in vigil("enrol", tmp_path / "gone.mp4", "--out", tmp_path / "x.vigil", code=1).stderr


class TestScore:
    def test_one_row_for_every_frame_with_maps_and_overlays_of_what_was_flagged(
        self, tmp_path: Path, profile_file: Path, odd_clip: Path
    ) -> None:
        out, maps, overlays = tmp_path / "s.csv", tmp_path / "m.npz", tmp_path / "pictures"
        vigil("score", odd_clip, "--profile", profile_file, "--out", out, "--maps", maps, "--overlays", overlays)
        table = rows(out)
        assert list(table[0]) == ["frame", "time_s", "score", "threshold", "flagged", "uncertainty", *SIGNALS]
        assert [int(row["frame"]) for row in table] == list(range(100))
        assert [float(row["time_s"]) for row in table] == pytest.approx([n / 10 for n in range(100)])
        flagged = [int(row["frame"]) for row in table if row["flagged"] == "1"]
        assert 30 <= min(flagged) <= 36
        assert all((float(r["score"]) >= float(r["threshold"])) == (r["flagged"] == "1") for r in table)
        with np.load(maps) as arrays:
            assert arrays["map"].shape == (100, 32, 32)
            assert set(arrays.files) == {"time_s", "score", "map", *SIGNALS}
            assert arrays["score"] == pytest.approx([float(row["score"]) for row in table], rel=1e-4)
        assert [int(path.stem) for path in sorted(overlays.iterdir())] == flagged
        assert cv2.imread(str(next(overlays.iterdir()))) is not None

    def test_at_a_rate_and_a_stretch(self, tmp_path: Path, profile_file: Path, odd_clip: Path) -> None:
        out = tmp_path / "s.csv"
        vigil("score", f"{odd_clip}#t=1,3", "--profile", profile_file, "--out", out, "--fps", "5")
        assert [float(row["time_s"]) for row in rows(out)] == pytest.approx([1 + n / 5 for n in range(10)], abs=0.01)

    def test_a_folder_of_pictures_is_unrelated_stills_unless_a_rate_makes_it_a_film(
        self, tmp_path: Path, profile_file: Path
    ) -> None:
        folder = tmp_path / "stills"
        folder.mkdir()
        for number, picture in enumerate(walkers(1.2)):
            cv2.imwrite(str(folder / f"{number:03d}.png"), picture[..., ::-1])
        vigil("score", folder, "--profile", profile_file, "--out", tmp_path / "stills.csv")
        vigil("score", folder, "--profile", profile_file, "--out", tmp_path / "film.csv", "--fps", "10")
        vigil("score", folder / "007.png", "--profile", profile_file, "--out", tmp_path / "one.csv")
        stills, film, one = (rows(tmp_path / f"{name}.csv") for name in ("stills", "film", "one"))
        assert len(stills) == len(film) == 12
        assert stills[7]["score"] == one[0]["score"] != film[7]["score"]

    def test_what_cannot_be_read_leaves_no_file(self, tmp_path: Path, profile_file: Path) -> None:
        out = tmp_path / "s.csv"
        assert "gone.mp4" in vigil("score", "gone.mp4", "-p", profile_file, "-o", out, code=1).stderr
        assert "cannot read the profile" in vigil("score", "x.mp4", "-p", tmp_path / "gone", "-o", out, code=2).stderr
        assert list(tmp_path.iterdir()) == []


class TestCheck:
    def test_all_well(self, tmp_path: Path, profile_file: Path, cameras: RtspServer) -> None:
        here = site(tmp_path, profile_file, {"a": source(cameras.url("a"))})
        done = vigil("check", "--config", here.config)
        assert "all is well" in done.stdout
        if processor().precisions[0] != "f32":
            assert f"engine openvino {processor().precisions[0]}" in done.stdout
            assert "agrees with f32" in done.stdout

    def test_each_problem_is_told_and_cameras_are_asked_at_a_time(
        self, tmp_path: Path, profile_file: Path, cameras: RtspServer
    ) -> None:
        dead = {f"dead{n}": source(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/x") for n in range(3)}
        here = site(tmp_path, profile_file, {"a": source(cameras.url("a")), **dead})
        done = vigil("check", "--config", here.config, "--json", code=1)
        told = json.loads(done.stdout)
        assert [bool(camera["problems"]) for camera in told["cameras"]] == [False, True, True, True]
        assert told["cameras"][0]["answered_in_s"] < 5
        assert "hunter2" not in done.stdout + done.stderr

    def test_settings_that_are_wrong_end_with_2(self, tmp_path: Path) -> None:
        (tmp_path / "vigil.toml").write_text("cameras = []")
        assert "expected at least one [[table]]" in vigil("check", "-c", tmp_path / "vigil.toml", code=2).stderr


class TestSubscribe:
    def test_alerts_are_printed_counted_and_kept(self, tmp_path: Path, profile_file: Path, cameras: RtspServer) -> None:
        here = site(tmp_path, profile_file, {"a": source(cameras.url("a"))})
        with Running(["daemon", "run", "-c", here.config]) as daemon:
            daemon.wait_for("watching 1 camera")
            kept = tmp_path / "kept"
            done = vigil("subscribe", here.endpoint, "--json", "--count", "1", "--timeout", "20", "--save", kept)
        headers = [json.loads(line) for line in done.stdout.splitlines()]
        assert headers[-1]["schema"] == "vigil.alert/1"
        assert headers[-1]["camera"] == "a"
        assert {path.suffix for path in kept.iterdir()} == {".jpg", ".png", ".json"}

    def test_silence_fails_after_the_time_given(self) -> None:
        done = vigil("subscribe", f"tcp://127.0.0.1:{free_port()}", "--timeout", "0.5", code=1)
        assert "nothing came" in done.stderr

    def test_an_endpoint_that_is_none(self) -> None:
        assert "cannot listen" in vigil("subscribe", "nowhere", code=1).stderr


class TestDoctor:
    def test_it_tells_the_engine_that_would_run(self) -> None:
        told = {f["topic"]: f for f in json.loads(vigil("doctor", "--json").stdout)["findings"]}
        assert told["engine that would run"]["found"].startswith("openvino")
        assert "h264" in told["decoders"]["found"]
        assert told["import name daemon"]["state"] == "ok"
        assert any("agrees" in f["found"] or "would run" in f["found"] for f in told.values() if "f32" in f["topic"])

    def test_it_is_readable(self) -> None:
        assert "OpenVINO devices" in vigil("doctor").stdout


class TestQuantise:
    def test_the_profile_gets_int8_and_nothing_else_changes(
        self, tmp_path: Path, profile_file: Path, normal_clip: Path
    ) -> None:
        pytest.importorskip("nncf", reason="needs the quantise extra")
        out = tmp_path / "int8.vigil"
        told = json.loads(vigil("quantise", profile_file, f"{normal_clip}#t=0,6", "-o", out, "--json").stdout)
        before, after = Profile.load(profile_file), Profile.load(out)
        assert after.network.int8 is not None
        assert (after.network.id, after.threshold) == (before.network.id, before.threshold)
        assert told["frames"] == 12
        assert told["serves"]

    def test_too_little_footage_is_refused(self, tmp_path: Path, profile_file: Path, normal_clip: Path) -> None:
        pytest.importorskip("nncf", reason="needs the quantise extra")
        done = vigil("quantise", profile_file, f"{normal_clip}#t=0,1", "-o", tmp_path / "x.vigil", code=1)
        assert "too few to calibrate" in done.stderr
        assert not (tmp_path / "x.vigil").exists()


class TestEnrolLive:
    def test_so_many_minutes_are_taken_and_no_more(self, tmp_path: Path, cameras: RtspServer) -> None:
        """Fifteen seconds are the least that can be learnt from; this asks for less, and is told so."""
        done = vigil("enrol", cameras.url("a"), "--minutes", "0.02", "--out", tmp_path / "x.vigil", code=1)
        assert "too few to learn from" in done.stderr

    def test_a_camera_lost_on_the_way_is_taken_up_again(self, tmp_path: Path, cameras: RtspServer) -> None:
        arguments: list[str | Path] = [
            "daemon",
            "enrol",
            cameras.url("a"),
            "--minutes",
            "0.08",
            "--out",
            tmp_path / "x.vigil",
        ]
        with Running(arguments) as enrolling:
            deadline = time.monotonic() + 20
            while not cameras.clients("a"):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(1.5)
            cameras.drop("a")
            enrolling.wait_for("trying again")
            assert enrolling.ends(within_s=30) == 1
        frames = int(enrolling.stderr.splitlines()[-1].split()[1])
        assert 18 <= frames <= 27

    @pytest.mark.parametrize(
        ("option", "told"),
        [
            ("--minutes", "which have no time"),
            ("--false-alarms-per-day", "which have no time: use --false-alarm-share"),
        ],
    )
    def test_what_takes_time_makes_no_sense_for_stills(self, tmp_path: Path, option: str, told: str) -> None:
        cv2.imwrite(str(tmp_path / "1.png"), next(walkers(1))[..., ::-1])
        done = vigil("enrol", tmp_path, option, "1", "--out", tmp_path / "x.vigil", code=2)
        assert told in done.stderr

    def test_what_is_a_share_of_pictures_makes_no_sense_for_a_film(self, tmp_path: Path, odd_clip: Path) -> None:
        done = vigil("enrol", odd_clip, "--false-alarm-share", "0.02", "--out", tmp_path / "x.vigil", code=2)
        assert "use --false-alarms-per-day" in done.stderr

    def test_stills_are_promised_a_share_of_pictures(self, tmp_path: Path) -> None:
        folder, out = tmp_path / "plates", tmp_path / "plates.vigil"
        folder.mkdir()
        rng = np.random.default_rng(0)
        for number in range(24):
            cv2.imwrite(str(folder / f"{number:02}.png"), rng.normal(140, 6, (64, 64, 3)).clip(0, 255).astype(np.uint8))
        told = json.loads(vigil("enrol", folder, "--false-alarm-share", "0.02", "--out", out, "--json").stdout)
        assert told["expected"]["per"] == "picture"
        assert told["expected"]["rate"] == 0.02
        assert told["expected"]["low"] < 0.02 < told["expected"]["high"]
        assert told["threshold"] == next(one["threshold"] for one in told["choices"] if one["rate"] == 0.02)
        assert "24 pictures do not show where 2 of 100 begin" in told["warnings"][0]
        assert Profile.load(out).provenance["settings"]["false_alarm_share"] == 0.02
