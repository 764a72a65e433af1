from pathlib import Path

import pytest

from daemon.commands.outputs import can_be_a_file


@pytest.mark.parametrize(
    ("name", "can"),
    [("scores.csv", True), ("", False), ("none/scores.csv", False), ("a" * 300, False), ("a" * 9_000 + "/b", False)],
)
def test_a_file_needs_a_folder_and_a_name_that_the_disk_takes(tmp_path: Path, name: str, can: bool) -> None:
    assert can_be_a_file(tmp_path / name) is can
