import itertools
from pathlib import Path

import pytest

from pipelines.errors import SourceRefused
from pipelines.sources.clips import PAUSE_S
from pipelines.sources.open import clips_of, open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import SourceSpec, parse_source
from tests.pipelines.sources.numbered import numbered_picture, numbers, read_all, write_video


def folder_of_clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for clip in (1, 0, 2):
        write_video(folder / f"clip{clip}.mp4", (numbered_picture(clip * 100 + i) for i in range(20)))
    return folder


def test_clips_play_in_order_of_name_as_parts_with_a_pause_between(tmp_path: Path) -> None:
    samples = read_all(folder_of_clips(tmp_path))
    assert numbers(samples) == [*range(20), *range(100, 120), *range(200, 220)]
    assert [s.part for s in samples] == [0] * 20 + [1] * 20 + [2] * 20
    steps = [b.time_s - a.time_s for a, b in itertools.pairwise(samples)]
    assert steps == pytest.approx(([0.1] * 19 + [PAUSE_S]) * 2 + [0.1] * 19)


def test_each_clip_is_sampled_from_its_own_beginning(tmp_path: Path) -> None:
    assert numbers(read_all(folder_of_clips(tmp_path), fps=2.0)) == [
        b + i for b in (0, 100, 200) for i in (0, 5, 10, 15)
    ]


def test_the_size_hint_and_the_single_clips(tmp_path: Path) -> None:
    folder = folder_of_clips(tmp_path)
    source = open_source(parse_source(str(folder)), SourceSettings(), (32, 32))
    assert source.size_hint == 60
    assert not source.still
    source.close()
    assert source.read() is None
    assert clips_of(parse_source(str(folder))) == [SourceSpec("video", str(folder / f"clip{i}.mp4")) for i in range(3)]
    alone = parse_source(str(folder / "clip1.mp4"))
    assert clips_of(alone) == [alone]


def test_a_broken_clip_is_named_and_a_stretch_of_several_refused(tmp_path: Path) -> None:
    folder = folder_of_clips(tmp_path)
    with pytest.raises(SourceRefused, match="name one clip"):
        read_all(f"{folder}#t=1,2")
    (folder / "clip1.mp4").write_bytes(b"broken")
    with pytest.raises(SourceRefused, match=r"clip1\.mp4"):
        read_all(folder)
