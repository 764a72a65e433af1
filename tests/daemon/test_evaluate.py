"""``vigil evaluate`` from end to end, and its parts that know footage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.cli import main
from daemon.commands.comparison import event_rule
from daemon.commands.labelled import labelled
from daemon.commands.study import Windows
from daemon.errors import SettingsError
from engines.evaluation.alarms import events
from engines.evaluation.truthfile import TruthError
from pipelines.events import EventSettings, EventTracker
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies
from tests.footage import walkers, write_clip
from tests.pipelines.verdicts import Camera

FPS = 10


def vigil(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in arguments])
    return int(left.value.code or 0)


def write_truth(path: Path, *sources: dict[str, Any], name: str = "place") -> Path:
    path.write_text(json.dumps({"schema": "vigil.truth/1", "name": name, "sources": sources}))
    return path


def intruder(clip: Path) -> dict[str, Any]:
    """The truth of the clip `odd_clip`: something large rushes across between its third and its sixth second."""
    boxes = [[30 + i, int(160 * i / FPS) % 320 - 35, 40, 71, 56] for i in range(30)]
    span = {"first": 30, "last": 59, "kind": "rusher", "id": "rusher", "boxes": boxes}
    return {"source": str(clip), "fps": FPS, "size": [320, 240], "abnormal": [span]}


@pytest.fixture(scope="module")
def result(odd_clip: Path, profile_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("evaluation")
    truth = write_truth(folder / "truth.json", intruder(odd_clip))
    report, figures = folder / "report.html", folder / "figures.json"
    assert vigil("evaluate", truth, "-p", profile_file, "--out", report, "--figures", figures, "--fps", "5") == 0
    return {"page": report.read_text(), "figures": json.loads(figures.read_text()), "files": sorted(folder.iterdir())}


def test_the_figures_are_those_of_a_detector_that_sees_it(result: dict[str, Any]) -> None:
    (found,) = result["figures"]["sets"]
    assert (found["footage"], found["frames"], found["abnormal_frames"]) == ("place", 50, 15)
    assert found["frame"]["auroc"] > 0.9
    assert found["place"]["pixel_auroc"] > 0.8
    assert found["place"]["regions"] == 15
    assert (found["alarms"]["instances"], found["alarms"]["found"]) == (1, 1)
    assert found["alarms"]["delay_median_s"] < 1
    assert found["alarms"]["promised"] == pytest.approx(1000 / 24)
    assert found["alarms"]["promise_kept"] is True
    assert found["latency"]["p50_ms"] > 0
    assert [row["kind"] for row in found["kinds"]] == ["rusher"]


def test_the_report_shows_the_frames(result: dict[str, Any]) -> None:
    page = result["page"]
    assert page.startswith("<!doctype html>")
    assert page.count("data:image/jpeg;base64,") >= 5
    assert "rusher, flagged" in page
    assert "://" not in page


def test_nothing_half_written_is_left(result: dict[str, Any]) -> None:
    assert [path.name for path in result["files"]] == ["figures.json", "report.html", "truth.json"]


def test_profiles_and_footage_make_a_table(
    odd_clip: Path, normal_clip: Path, profile_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.vigil"
    other.write_bytes(profile_file.read_bytes())
    truths = [
        write_truth(tmp_path / "odd.json", intruder(odd_clip), name="odd"),
        write_truth(tmp_path / "calm.json", {"source": f"{normal_clip}#t=0,6", "fps": FPS}, name="calm"),
    ]
    profiles = ("-p", profile_file, "-p", other)
    out = tmp_path / "report.html"
    assert vigil("evaluate", *truths, *profiles, "--fps", "5", "--out", out, "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert [one["footage"] for one in whole["sets"]] == ["odd", "calm"]
    assert whole["together"]["frames"] == 80
    cells = {(row["profile"], row["footage"]): row["home"] for row in whole["cross"]}
    assert cells == {
        (profile_file.stem, "odd"): True,
        (profile_file.stem, "calm"): False,
        ("other", "odd"): False,
        ("other", "calm"): True,
    }
    assert "Across scenes" in out.read_text()
    assert vigil("evaluate", *truths, *profiles, "--fps", "5", "--out", out, "--json", "--no-across") == 0
    alone = json.loads(capsys.readouterr().out)
    assert [one["frames"] for one in alone["sets"]] == [one["frames"] for one in whole["sets"]]
    assert alone["cross"] == []
    assert "Across scenes" not in out.read_text()


def test_the_study_changes_the_conditions(
    odd_clip: Path, profile_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = {**intruder(odd_clip), "source": f"{odd_clip}#t=2,5"}
    truth = write_truth(tmp_path / "truth.json", source)
    arguments = ("-p", profile_file, "--fps", "5", "--out", tmp_path / "r.html", "--study")
    assert vigil("evaluate", truth, *arguments) == 0
    assert "calibration study" in capsys.readouterr().out
    page = (tmp_path / "r.html").read_text()
    for name in ("dimming", "brightening", "gamma", "noise", "blur", "shake", "compression", "frame rate"):
        assert name in page


def test_long_footage_is_studied_in_windows_over_all_of_it() -> None:
    windows = Windows.of(3000)
    taken = [
        (clip, second) for clip in ("a", "b", "c") for second in range(200) if windows.take(clip, second, still=False)
    ]
    assert 80 <= len(taken) <= 120
    assert {clip for clip, _ in taken} == {"a", "b", "c"}
    runs = [len(list(run)) for _, run in groupby((clip, second // 10) for clip, second in taken)]
    assert set(runs) == {10}
    short = Windows.of(400)
    assert all(short.take("a", second, still=False) for second in range(80))


def test_pictures_with_masks_beside_them(tmp_path: Path) -> None:
    for kind, count, with_masks in (("good", 2, False), ("crack", 3, True)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            cv2.imwrite(str(tmp_path / kind / f"{number}.jpg"), np.zeros((8, 8, 3), np.uint8))
            if with_masks:
                cv2.imwrite(str(tmp_path / kind / f"{number}.png"), np.full((8, 8), 255, np.uint8))
    found = labelled(str(tmp_path))
    assert [(clip.name, len(clip.truth.spans)) for clip in found.clips] == [("crack", 3), ("good", 0)]
    assert found.clips[0].truth.at(1, 64).kinds == ("crack",)
    assert [region.mask.all() for region in found.clips[0].truth.at(1, 64).regions or ()] == [True]
    assert found.clips[0].spec.location.endswith("*.jpg")


def test_stills_are_judged_one_by_one(profile_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = list(walkers(3, intruder=(2, 3)))[::5]
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture[..., ::-1])
    cv2.imwrite(str(tmp_path / "5.png"), np.full(pictures[0].shape[:2], 255, np.uint8))
    assert vigil("evaluate", tmp_path, "-p", profile_file, "--out", tmp_path.parent / "stills.html", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["sets"]
    assert found["still"] is True
    assert (found["frames"], found["abnormal_frames"]) == (6, 1)
    assert found["alarms"]["false_alarms_per_hour"] is None


def test_a_generated_clip_brings_its_truth(tmp_path: Path) -> None:
    planted = plan_anomalies(0, 240, seed=3)
    first = min(planted, key=lambda one: one.begin_s)
    scene = Scene(0, seed=3, anomalies=[replace(first)], size=(160, 90), fps=4)
    clip = tmp_path / "scene.mp4"
    known = encode_scene(scene, clip, first.begin_s + 6)
    for text in (str(clip), f"{clip}.truth.json", str(tmp_path)):
        (found,) = labelled(text).clips
        assert found.truth.fps == 4
        flags = [found.truth.at(number / 4, 160).abnormal for number in range(known.frames)]
        assert flags == known.flagged.tolist()
    seen = next(one for one in known.seen if one.area > 4)
    (region,) = found.truth.at(seen.frame / 4, 160).regions or ()
    assert (region.kind, region.track) == (first.kind, first.id)
    assert region.mask.shape == (90, 160)
    assert abs(int(region.mask.sum()) - seen.area) <= 2


def test_a_truth_file_may_be_called_as_the_documentation_calls_it(tmp_path: Path) -> None:
    """`yard.truth.json` is a truth file of its own unless there is a clip `yard` beside it."""
    truth = write_truth(tmp_path / "yard.truth.json", {"source": "monday.mp4", "fps": FPS})
    assert [clip.name for clip in labelled(str(truth)).clips] == ["monday"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=60),
    st.integers(1, 3),
    st.floats(0.3, 1.0),
    st.sampled_from([0.0, 0.5, 2.0]),
)
def test_events_are_those_of_the_daemon(scores: Sequence[float], least: int, release: float, cooldown_s: float) -> None:
    rules = EventSettings(min_frames=least, release_ratio=release, cooldown_s=cooldown_s)
    tracker = EventTracker("camera", rules, "boot")
    camera = Camera(period_s=0.2, threshold=5.0)
    begun = 0
    lengths: list[float] = []
    for score in scores:
        step = tracker.observe(camera.verdict(score))
        begun += step is not None and step.phase == "begin"
        if step is not None and step.phase == "end":
            lengths.append(step.duration_s)
    last = tracker.close("stopped")
    lengths += [] if last is None else [last.duration_s]
    made = events(np.arange(len(scores)) / 5, np.array(scores), 5.0, event_rule(rules))
    assert len(made) == begun
    assert [one.ended_s - one.began_s for one in made] == pytest.approx(lengths)


def test_what_is_missing_is_said(
    odd_clip: Path, profile_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vigil("evaluate", odd_clip, "-p", profile_file, "--out", tmp_path / "r.html") == 2
    assert "no truth found" in capsys.readouterr().err
    truth = write_truth(tmp_path / "truth.json", intruder(odd_clip))
    assert vigil("evaluate", truth, "-p", tmp_path / "none.vigil", "--out", tmp_path / "r.html") == 2
    assert "none.vigil" in capsys.readouterr().err
    assert vigil("evaluate", truth, "-p", profile_file, "--out", tmp_path / "no" / "r.html") == 2
    gone = write_truth(tmp_path / "gone.json", {"source": "gone.mp4", "fps": 10})
    assert vigil("evaluate", gone, "-p", profile_file, "--out", tmp_path / "r.html") == 1
    assert "gone.mp4" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{}")
    assert vigil("evaluate", tmp_path / "bad.json", "-p", profile_file, "--out", tmp_path / "r.html") == 2
    live = write_truth(tmp_path / "live.json", {"source": "rtsp://camera/", "fps": 10})
    assert vigil("evaluate", live, "-p", profile_file, "--out", tmp_path / "r.html") == 2
    assert "does not end" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_a_missing_extra_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, profile_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert vigil("evaluate", tmp_path, "-p", profile_file, "--out", tmp_path / "r.html") == 2
    assert "pip install 'vigil[evaluate]'" in capsys.readouterr().err


def test_malformed_truth_is_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text('{"schema": "vigil.truth/2", "sources": []}')
    with pytest.raises(TruthError, match=r"truth\.json"):
        labelled(str(path))
    for name in ("a.jpg", "a.png", "b.bmp"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(SettingsError, match="several formats"):
        labelled(str(tmp_path))


def test_a_clip_of_the_same_place_without_anomaly_has_no_areas(profile_file: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "calm.mp4", walkers(4))
    truth = write_truth(tmp_path / "truth.json", {"source": "calm.mp4", "fps": FPS})
    figures = tmp_path / "figures.json"
    arguments = ("--out", tmp_path / "r.html", "--figures", figures, "--fps", "5")
    assert vigil("evaluate", truth, "-p", profile_file, *arguments) == 0
    (found,) = json.loads(figures.read_text())["sets"]
    assert found["frame"]["auroc"] is None
    assert found["alarms"]["normal_hours"] == pytest.approx(4 / 3600)


def test_the_daemon_does_without_the_extra() -> None:
    program = (
        "import sys, daemon.cli, daemon.build, daemon.commands.run, daemon.commands.score, daemon.commands.evaluate; "
        "assert not {'sklearn', 'scipy', 'engines.evaluation'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
