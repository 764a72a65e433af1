"""Jobs: real processes that render and learn."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.demo.child import ChildFailed
from daemon.demo.workshop import Job, Workshop
from engines.profile import Profile
from pipelines.simulation.sidecar import load_truth


def rendering(path: Path, log: Path) -> Job:
    arguments: list[str | Path] = [
        "daemon.demo.render",
        path,
        "--view=5",
        "--seconds=2",
        "--fps=5",
        "--width=128",
        "--height=72",
    ]
    return Job(name=f"the rendering of {path.name}", arguments=arguments, log=log)


def test_clips_are_rendered_with_their_truth_and_how_far_it_is_can_be_seen(tmp_path: Path) -> None:
    paths = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    jobs = [rendering(path, path.with_suffix(".log")) for path in paths]
    seen: list[int] = []
    with Workshop(jobs, 2) as workshop:
        workshop.finish(jobs, lambda: seen.append(jobs[0].done))
    assert [(job.done, job.total, job.what) for job in jobs] == [(10, 10, "frames")] * 2
    assert [load_truth(path).frames for path in paths] == [10, 10]


def test_a_job_waits_for_what_it_needs(tmp_path: Path) -> None:
    first = rendering(tmp_path / "one.mp4", tmp_path / "1.log")
    second = rendering(tmp_path / "two.mp4", tmp_path / "2.log")
    second.needs = [first]
    with Workshop([second, first], 2) as workshop:
        workshop.finish([first], lambda: None)
        assert not second.finished
        workshop.finish([second], lambda: None)


def test_a_job_that_fails_is_told_with_its_log(tmp_path: Path) -> None:
    job = rendering(tmp_path / "no" / "folder.mp4", tmp_path / "log")
    with (
        Workshop([job], 1) as workshop,
        pytest.raises(ChildFailed, match=r"the rendering of folder\.mp4 ended with exit code 1: see .*log"),
    ):
        workshop.finish([job], lambda: None)


def test_a_camera_is_learnt_as_by_the_command(tmp_path: Path, normal_clip: Path) -> None:
    out = tmp_path / "yard.vigil"
    arguments: list[str | Path] = [
        "daemon.demo.learn",
        normal_clip,
        "--fps=5",
        "--false-alarms-per-day=100",
        f"--out={out}",
    ]
    job = Job(name="vigil enrol of yard", arguments=arguments, log=tmp_path / "log")
    with Workshop([job], 1) as workshop:
        workshop.finish([job], lambda: None)
    assert job.total is not None
    assert any(Profile.load(out).id in line for line in job.said)
