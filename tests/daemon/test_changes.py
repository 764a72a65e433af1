from __future__ import annotations

from pathlib import Path

import pytest

from daemon.changes import changes, waiting_for_restart
from daemon.config import Config, load_config


def config(folder: Path, text: str) -> Config:
    (folder / "p.vigil").touch()
    (folder / "other.vigil").touch()
    file = folder / "vigil.toml"
    file.write_text(text)
    return load_config(file)


def camera(name: str, more: str = "") -> str:
    source = "" if "source" in more else f'source = "{name}.mp4"\n'
    profile = "" if "profile" in more else 'profile = "p.vigil"\n'
    return f'[[cameras]]\nname = "{name}"\n{source}{profile}{more}\n'


def test_cameras_that_came_went_and_stayed_are_told_apart(tmp_path: Path) -> None:
    before = config(tmp_path, camera("stays") + camera("goes") + camera("turns"))
    after = config(tmp_path, camera("turns", "threshold = 9") + camera("stays") + camera("comes"))
    found = changes(before.cameras, after.cameras)
    assert [each.name for each in found.added] == ["comes"]
    assert found.removed == ("goes",)
    assert [(change.camera.name, change.keys) for change in found.changed] == [("turns", ("threshold",))]
    assert found.told() == "added comes; removed goes; changed turns (threshold)"


def test_the_same_file_written_differently_changes_nothing(tmp_path: Path) -> None:
    before = config(tmp_path, camera("a") + camera("b"))
    found = changes(before.cameras, config(tmp_path, camera("b", "fps = 5.0") + "# a comment\n" + camera("a")).cameras)
    assert not found
    assert found.told() == "no camera has changed"


@pytest.mark.parametrize(
    ("more", "key", "reconnects"),
    [
        ("threshold = 7", "threshold", False),
        ("priority = 3", "priority", False),
        ('profile = "other.vigil"', "profile", False),
        ("[cameras.events]\ncooldown_s = 9", "events", False),
        ("fps = 2", "fps", True),
        ('transport = "udp"', "transport", True),
        ('source = "elsewhere.mp4"', "source", True),
        ("paced = false", "paced", True),
        ('[[cameras.zones]]\nname = "a"\npolygon = [[0, 0], [1, 0], [0, 1]]', "zones", False),
        ("[[cameras.masks]]\npolygon = [[0, 0], [1, 0], [0, 1]]", "masks", False),
    ],
)
def test_only_what_a_connection_depends_on_makes_it_anew(tmp_path: Path, more: str, key: str, reconnects: bool) -> None:
    before = config(tmp_path, camera("a"))
    (change,) = changes(before.cameras, config(tmp_path, camera("a", more)).cameras).changed
    assert change.keys == (key,)
    assert change.reconnects is reconnects


def test_events_for_all_reach_each_camera_that_has_none_of_its_own(tmp_path: Path) -> None:
    own = "[cameras.events]\ncooldown_s = 9"
    before = config(tmp_path, camera("a") + camera("b", own))
    after = config(tmp_path, "[events]\ncooldown_s = 4\n" + camera("a") + camera("b", own))
    assert [change.camera.name for change in changes(before.cameras, after.cameras).changed] == ["a"]


def test_what_needs_a_restart_is_named_to_the_key(tmp_path: Path) -> None:
    before = config(tmp_path, camera("a"))
    text = '[publish]\nendpoint = "tcp://127.0.0.1:7777"\n[publish.regions]\nmost = 2\n[log]\nlevel = "debug"\n'
    after = config(tmp_path, f"{text}[events]\nmin_frames = 2\n{camera('a')}{camera('b')}")
    assert waiting_for_restart(before.settings, after.settings) == (
        "publish.endpoint",
        "publish.regions.most",
        "log.level",
    )
    assert waiting_for_restart(before.settings, before.settings) == ()
