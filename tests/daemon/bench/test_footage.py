from pathlib import Path

from daemon.bench.footage import Footage


def test_footage_makes_its_folder_on_a_fresh_machine(tmp_path: Path) -> None:
    clip = Footage(tmp_path / "cache" / "vigil" / "bench", lambda _: None).small(seconds=0.4)
    assert clip.stat().st_size > 0
    assert [path.name for path in clip.parent.iterdir()] == [clip.name]
