import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from pipelines.errors import SourceRefused
from pipelines.sources.convert import resize, square_size
from pipelines.sources.pictures import read_picture
from tests.pipelines.sources.numbered import number_of, numbered_picture, numbers, read_all


def folder_of(tmp_path: Path, count: int) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(count):
        cv2.imwrite(str(folder / f"{i:03}.png"), numbered_picture(i, (90 + i, 120)))
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").touch()
    return folder


def test_a_folder_of_pictures_is_stills_in_order_of_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 12)
    samples = read_all(folder)
    assert numbers(samples) == list(range(12))
    assert [s.time_s for s in samples] == list(range(12))
    assert samples[11].picture().shape == (101, 120, 3)
    assert number_of(samples[11].picture()) == 11


def test_a_rate_makes_it_a_film(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 12)
    samples = read_all(folder, fps=10.0)
    assert [s.time_s for s in samples] == pytest.approx([i / 10 for i in range(12)])
    assert numbers(read_all(f"{folder}#t=0.3,0.8", fps=10.0)) == [3, 4, 5, 6, 7]


def test_a_film_can_be_paced(tmp_path: Path) -> None:
    began = time.monotonic()
    read_all(folder_of(tmp_path, 6), fps=20.0, paced=True)
    assert 0.2 < time.monotonic() - began < 1.0


def test_a_pattern_and_one_picture_are_sources_too(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 12)
    assert numbers(read_all(f"{folder}/00*.png")) == list(range(10))
    assert numbers(read_all(folder / "007.png")) == [7]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("grey.png", lambda p: p[..., 0]),
        ("grey.jpg", lambda p: p[..., 0]),
        ("grey16.png", lambda p: p[..., 0].astype(np.uint16) * 257),
        ("rgb16.tiff", lambda p: p.astype(np.uint16) * 257),
        ("rgba.png", lambda p: np.dstack([p, np.full(p.shape[:2], 255, np.uint8)])),
        ("rgb.webp", lambda p: p),
        ("rgb.bmp", lambda p: p),
        ("grey.pgm", lambda p: p[..., 0]),
    ],
)
def test_every_kind_of_picture_becomes_rgb_of_eight_bits(tmp_path: Path, name: str, make: object) -> None:
    picture = numbered_picture(0b101101001110, (75, 111))
    assert cv2.imwrite(str(tmp_path / name), make(picture))  # type: ignore[operator]
    shown = read_picture(tmp_path / name)
    assert shown.shape == picture.shape
    assert shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - picture).mean() < 5


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((8, 8, 3), (0, 0, 250), np.uint8))  # cv2 writes BGR
    assert (read_picture(tmp_path / "red.png") == (250, 0, 0)).all()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_an_unreadable_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    folder = folder_of(tmp_path, 2)
    (folder / "001.png").write_bytes(content)
    with pytest.raises(SourceRefused, match=r"001\.png: not a picture"):
        read_all(folder)


@pytest.mark.parametrize("make", [True, False])
def test_an_empty_or_missing_folder_is_refused(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "folder"
    if make:
        folder.mkdir()
    with pytest.raises(SourceRefused, match="folder"):
        read_all(folder)


def test_stills_have_no_stretch_and_mixed_folders_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 2)
    with pytest.raises(SourceRefused, match=r"stills have no time.*--fps"):
        read_all(f"{folder}#t=0,1")
    with pytest.raises(SourceRefused, match="no picture in this stretch"):
        read_all(f"{folder}#t=50,60", fps=1.0)
    (folder / "clip.mp4").touch()
    with pytest.raises(SourceRefused, match="both pictures and clips"):
        read_all(folder)


def test_shrinking_averages_and_does_not_alias() -> None:
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    picture: Pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert np.abs(resize(picture, (64, 64)).astype(int) - 127).max() <= 1
    assert np.abs(resize(picture, (512, 64)).astype(int) - 127).max() <= 1
    assert resize(picture, (31, 300)).shape == (31, 300, 3)


@pytest.mark.parametrize(
    ("aspect", "size"), [(None, (720, 576)), ("16/15", (768, 576)), ("8/9", (720, 648)), ("9", (720, 576))]
)
def test_square_pixels(aspect: str | None, size: tuple[int, int]) -> None:
    from fractions import Fraction  # noqa: PLC0415

    assert square_size(720, 576, None if aspect is None else Fraction(aspect)) == size


def test_a_picture_that_a_camera_held_sideways_comes_upright(tmp_path: Path) -> None:
    upright = numbered_picture(0b101101001110, (96, 128))
    ok, data = cv2.imencode(".jpg", np.rot90(upright))
    assert ok
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"  # orientation 6: turn a quarter clockwise to show
    exif = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01" + tag + b"\x00\x00\x00\x00"
    jpeg = data.tobytes()
    header = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "side.jpg").write_bytes(jpeg[:2] + header + jpeg[2:])
    shown = read_picture(tmp_path / "side.jpg")
    assert shown.shape == upright.shape
    assert number_of(shown) == 0b101101001110
