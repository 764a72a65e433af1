import itertools
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.errors import SourceRefused
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source, read_sources_file
from tests.pipelines.sources.numbered import (
    SIZE,
    number_of,
    numbered_picture,
    numbered_video,
    numbers,
    read_all,
    write_video,
)

KINDS = [
    ("clip.avi", {"codec": "mpeg4"}),
    ("clip.avi", {"codec": "mpeg4", "b_frames": 2}),
    ("clip.avi", {"b_frames": 3}),
    ("clip.mp4", {}),
    ("clip.mp4", {"b_frames": 3, "gop": 30}),
    ("clip.mkv", {"b_frames": 2}),
    ("clip.mp4", {"b_frames": 3, "gop": 30, "options": {"x264-params": "open-gop=1"}}),
    ("clip.ts", {"b_frames": 2}),
    ("clip.h264", {}),
]


@pytest.fixture(scope="module")
def ten_fps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_video(tmp_path_factory.mktemp("video") / "ten.mp4", 200)


def test_every_frame_comes_in_order_with_its_time(ten_fps: Path) -> None:
    samples = read_all(ten_fps)
    assert numbers(samples) == list(range(200))
    assert [s.time_s for s in samples] == pytest.approx([i / 10 for i in range(200)])
    assert all(s.skipped == s.corrupt == s.part == 0 for s in samples)
    assert all(a.captured_ns < b.captured_ns for a, b in itertools.pairwise(samples))
    assert abs(samples[-1].wall_s - time.time()) < 60


def test_samples_have_the_input_size_and_the_picture_its_own(ten_fps: Path) -> None:
    sample = read_all(ten_fps, size=(40, 72))[77]
    assert sample.pixels.shape == (40, 72, 3)
    assert sample.pixels.dtype == np.uint8
    assert sample.picture().shape == (*SIZE, 3)
    assert number_of(sample.picture()) == 77
    assert np.abs(sample.picture().astype(int) - numbered_picture(77)).mean() < 6


def test_sampling_says_how_many_frames_it_left_out(ten_fps: Path) -> None:
    samples = read_all(ten_fps, fps=2.5)
    assert numbers(samples) == list(range(0, 200, 4))
    assert [s.skipped for s in samples] == [0] + [3] * 49


@pytest.mark.parametrize(
    ("stretch", "first", "last"),
    [
        ("0.0,3.8", 0, 37),
        (",9", 0, 89),
        ("0.0,9.2", 0, 91),
        ("13.5,20.0", 135, 199),
        ("npt:10", 100, 199),
        ("0:15,0:15.1", 150, 150),
        ("9.95,10.05", 100, 100),
        ("19,500", 190, 199),
    ],
)
def test_a_stretch_is_exact_to_the_frame(ten_fps: Path, stretch: str, first: int, last: int) -> None:
    assert numbers(read_all(f"{ten_fps}#t={stretch}")) == list(range(first, last + 1))


@pytest.mark.parametrize(("name", "how"), KINDS)
@pytest.mark.parametrize("fps", [10, 25, Fraction(30000, 1001)])
def test_stretches_that_meet_share_no_frame_and_lose_none(
    tmp_path: Path, name: str, how: dict[str, object], fps: Fraction | int
) -> None:
    path = numbered_video(tmp_path / name, 330, fps=fps, **how)
    if path.suffix == ".h264":
        fps = 25  # a raw stream has no clock of its own
    cuts = [0, 31, 7 * 30, 8 * 30 + 1, 300]
    for begin, end in itertools.pairwise(cuts):
        stretch = f"{float(begin / fps):.3f},{float(end / fps):.3f}"
        assert numbers(read_all(f"{path}#t={stretch}")) == list(range(begin, end)), stretch


def test_the_size_hint_counts_the_samples_to_come(ten_fps: Path) -> None:
    for text, fps in [("", None), ("#t=5,9.2", None), ("", 2.5), ("#t=10,99", 5.0)]:
        spec = parse_source(f"{ten_fps}{text}")
        source = open_source(spec, SourceSettings(fps=fps), (32, 32))
        hint = source.size_hint
        source.close()
        assert hint == len(read_all(spec, fps=fps))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("ffv1", "gray"),
        ("ffv1", "gray16le"),
        ("ffv1", "gray10le"),
        ("ffv1", "yuv444p10le"),
        ("ffv1", "bgra"),
        ("ffv1", "rgb48le"),
        ("mjpeg", "yuvj420p"),
        ("png", "rgba"),
        ("png", "monob"),
        ("png", "gray16be"),
        ("rawvideo", "uyvy422"),
    ],
)
def test_whatever_the_pixels_are_rgb_of_eight_bits_comes_out(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    size = (121, 173) if codec != "rawvideo" else (122, 174)
    ramp = np.linspace(0, 255, size[1]).round().astype(np.uint8)
    picture = np.broadcast_to(ramp[None, :, None], (*size, 3)).copy()
    path = write_video(tmp_path / "odd.nut", [picture] * 3, codec=codec, pix_fmt=pix_fmt)
    samples = read_all(path, size=size)
    assert len(samples) == 3
    for shown in (samples[1].pixels, samples[1].picture()):
        assert shown.shape == (*size, 3)
        assert shown.dtype == np.uint8
        assert shown.flags.c_contiguous
        allowed = 80 if pix_fmt == "monob" else 4
        assert np.abs(shown.astype(int).mean(axis=(0, 2)) - ramp).mean() < allowed
        assert np.ptp(shown.astype(int), axis=2).max() <= 4


def test_colours_keep_their_channels(tmp_path: Path) -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 250
    sample = read_all(write_video(tmp_path / "red.mp4", [red] * 3))[0]
    assert sample.pixels[..., 0].min() > 200
    assert sample.pixels[..., 1:].max() < 60


def test_a_turned_video_comes_upright(tmp_path: Path) -> None:
    picture = np.full((64, 96, 3), 30, np.uint8)
    picture[:20] = 220  # a bright sky
    turned = np.ascontiguousarray(np.rot90(picture))
    for degrees in (90, -90):
        path = write_video(tmp_path / f"{degrees}.mp4", [turned] * 3, rotation=degrees)
        sample = read_all(path, size=(32, 48))[0]
        assert sample.picture().shape == (64, 96, 3)
        sky = slice(0, 8) if degrees == -90 else slice(-8, None)
        assert sample.pixels[sky].mean() > 180
        assert sample.pixels.mean() < 110


def test_pixels_that_are_not_square_are_stretched_in_the_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "sar.mkv", [numbered_picture(5)] * 3, pixel_aspect=Fraction(3, 2))
    sample = read_all(path, size=(32, 32))[0]
    assert sample.picture().shape == (SIZE[0], SIZE[1] * 3 // 2, 3)
    assert sample.pixels.shape == (32, 32, 3)
    assert number_of(sample.picture()) == 5


def test_a_damaged_tail_is_the_end_and_damaged_frames_are_counted(tmp_path: Path) -> None:
    whole = numbered_video(tmp_path / "whole.ts", 60).read_bytes()
    hurt = bytearray(whole[: len(whole) * 3 // 4])
    hurt[len(hurt) // 2 : len(hurt) // 2 + 400] = bytes(400)
    path = tmp_path / "hurt.ts"
    path.write_bytes(hurt)
    samples = read_all(path)
    assert 20 < len(samples) < 60
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(samples))


def test_corrupt_frames_are_left_out_and_counted_and_their_time_stays_empty(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    pictures = [noise.integers(30, 220, (*SIZE, 3), dtype=np.uint8) for _ in range(60)]
    path = write_video(tmp_path / "hurt.mp4", pictures, gop=60)
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in (packets[20], packets[40]):
        assert position is not None
        data[position + 30 : position + min(size, 400)] = noise.bytes(min(size, 400) - 30)
    path.write_bytes(data)
    samples = read_all(path)
    assert [round(s.time_s * 10) for s in samples if s.corrupt] == [21, 41]
    assert sum(s.corrupt for s in samples) == 2
    assert len(samples) == 58


def test_a_camera_may_change_its_picture_size_while_it_runs(tmp_path: Path) -> None:
    large = write_video(tmp_path / "a.ts", [numbered_picture(7, (192, 256))] * 20).read_bytes()
    small = write_video(tmp_path / "b.ts", [numbered_picture(9)] * 20).read_bytes()
    (tmp_path / "both.ts").write_bytes(large + small)
    samples = read_all(tmp_path / "both.ts")
    assert {s.pixels.shape for s in samples} == {(48, 64, 3)}
    assert [number_of(s.pixels) for s in (samples[0], samples[-1])] == [7, 9]
    assert [s.picture().shape for s in (samples[0], samples[-1])] == [(192, 256, 3), (96, 128, 3)]
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(samples))


def test_paced_a_file_takes_its_time(ten_fps: Path) -> None:
    began = time.monotonic()
    samples = read_all(f"{ten_fps}#t=3,4", paced=True)
    assert len(samples) == 10
    assert 0.85 < time.monotonic() - began < 2.0
    steps = [(b.captured_ns - a.captured_ns) / 1e9 for a, b in itertools.pairwise(samples)]
    assert np.median(steps) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("missing.mp4", None, "no such file"),
        ("text.mp4", b"this is no video at all" * 100, "not a video"),
        ("empty.avi", b"", "read"),
        ("pattern-*.mp4", None, "no such file"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceRefused, match=why) as refused:
        read_all(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_stretch_beyond_the_end_is_refused(ten_fps: Path) -> None:
    with pytest.raises(SourceRefused, match=r"ten\.mp4#t=100,200: no frame in this stretch"):
        read_all(f"{ten_fps}#t=100,200")


def test_a_file_with_sound_alone_is_refused(tmp_path: Path) -> None:
    import wave  # noqa: PLC0415

    path = tmp_path / "sound.mp4"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(SourceRefused, match="no video in it"):
        read_all(path)


def test_closing_twice_and_opening_again_are_fine(ten_fps: Path) -> None:
    source = open_source(parse_source(str(ten_fps)), SourceSettings(), (32, 32))
    source.open()
    assert source.read() is not None
    source.close()
    source.close()
    source.open()
    first = source.read()
    assert first is not None
    assert number_of(first.picture()) == 0
    source.close()
    assert number_of(first.picture()) == 0


@pytest.mark.footage
def test_the_ped1_list_gives_the_frames_that_it_says() -> None:
    path = Path(__file__).parents[3].parent / "shared/data/ucsd_ped1/normal.txt"
    if not path.exists():
        pytest.skip("no real footage on this machine: ../shared/data is absent")
    for spec in read_sources_file(path):
        samples = read_all(spec, size=(32, 32))
        assert spec.end_s is not None
        first, last = round(spec.start_s * 10), round(spec.end_s * 10) - 1
        assert [round(s.time_s * 10) for s in samples] == list(range(first, last + 1)), spec.label


def test_colours_of_a_kind_that_libav_does_not_know_are_taken_for_common_ones(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "odd.mp4", 12, options={"x264-params": "colormatrix=chroma-derived-c"})
    assert numbers(read_all(path)) == list(range(12))
    assert [number_of(sample.picture()) for sample in read_all(path)] == list(range(12))


def test_pictures_that_cannot_be_converted_are_told_as_that(tmp_path: Path) -> None:
    path = write_video(tmp_path / "odd.nut", [numbered_picture(0)], codec="rawvideo", pix_fmt="rgb4")
    with pytest.raises(SourceRefused, match=r"odd\.nut: its pictures \(rgb4\) cannot be converted"):
        read_all(path)
