"""What is planted when, and where files go."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import load_config
from daemon.demo.folder import Folder
from daemon.demo.programme import NORMAL_DAY, Camera, Programme, watched_day
from daemon.demo.site import Ports, settings_text
from daemon.errors import SettingsError
from pipelines.simulation.scene import KINDS


@pytest.mark.parametrize("camera", Programme().cameras, ids=lambda camera: camera.name)
def test_all_kinds_are_planted_within_the_clip_with_normal_time_before_between_and_after(camera: Camera) -> None:
    from_s, until_s = Programme().planted_s
    day = watched_day(camera.view, from_s, until_s)
    assert day.seed != NORMAL_DAY
    assert {one.kind for one in day.planted} == set(KINDS)
    assert day.planted[0].begin_s >= from_s
    assert day.planted[-1].end_s <= until_s
    ends, begins = [one.end_s for one in day.planted], [one.begin_s for one in day.planted[1:]]
    assert all(begin > end + 3 for end, begin in zip(ends, begins, strict=False))


def test_a_clip_that_is_too_short_for_all_kinds_is_refused() -> None:
    with pytest.raises(ValueError, match="no day out of 2"):
        watched_day(5, 5.0, 30.0, tries=2)


def test_the_settings_written_are_settings_that_the_daemon_reads(tmp_path: Path) -> None:
    programme, folder, ports = Programme(cameras=(Camera("quay", 5),)), Folder(tmp_path), Ports(8554, 5557, 9464)
    folder.prepare()
    folder.profile("quay").write_bytes(b"")
    folder.settings.write_text(settings_text(programme, folder, ports))
    config = load_config(folder.settings)
    assert [(one.name, one.fps) for one in config.cameras] == [("quay", programme.analysed_fps)]
    assert config.settings.publish.endpoint == ports.endpoint
    assert config.settings.http.port == 9464


def test_a_folder_is_emptied_of_an_earlier_run_and_of_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out")
    folder.prepare()
    (folder.alerts / "old.jpg").touch()
    folder.wall.touch()
    (folder.root / "mine.txt").touch()
    folder.prepare()
    assert not (folder.alerts / "old.jpg").exists()
    assert not folder.wall.exists()
    assert (folder.root / "mine.txt").exists()


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot write there"):
        Folder(tmp_path / "file").prepare()
