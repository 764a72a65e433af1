from __future__ import annotations

import os
from pathlib import Path

from daemon.settling import Settling


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_change_counts_once_it_has_stood_still(tmp_path: Path) -> None:
    file, clock = tmp_path / "vigil.toml", Clock()
    file.write_text("one")
    watched = Settling(1.0, clock)
    watched.take([file])
    assert not watched.changed()
    file.write_text("three")
    assert not watched.changed()
    clock.now += 0.9
    file.write_text("being written")
    assert not watched.changed()
    clock.now += 0.9
    assert not watched.changed(), "it was touched less than a second ago"
    clock.now += 0.2
    assert watched.changed()
    watched.take([file])
    assert not watched.changed()


def test_a_file_put_in_its_place_counts_though_size_and_time_are_the_same(tmp_path: Path) -> None:
    file, new = tmp_path / "vigil.toml", tmp_path / "new"
    file.write_text("one")
    watched = Settling(0.0, Clock())
    watched.take([file])
    new.write_text("two")
    os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    new.rename(file)
    assert watched.changed()


def test_a_change_taken_back_before_it_settles_is_none(tmp_path: Path) -> None:
    file, clock = tmp_path / "vigil.toml", Clock()
    watched = Settling(1.0, clock)
    watched.take([file])
    file.write_text("for a moment")
    assert not watched.changed()
    file.unlink()
    clock.now += 5
    assert not watched.changed()


def test_what_changes_between_two_looks_at_the_list_is_not_missed(tmp_path: Path) -> None:
    settings, profile = tmp_path / "vigil.toml", tmp_path / "p.vigil"
    watched = Settling(0.0, Clock())
    watched.take([settings])
    settings.write_text("written while it was being read")
    watched.watch([settings, profile])
    assert watched.changed()
