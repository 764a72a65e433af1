import contextlib
from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SourceRefused
from pipelines.sources.spec import SourceKind, SourceSpec, list_files, parse_source, read_sources_file
from tests.pipelines.sources.numbered import numbered_picture


@pytest.mark.parametrize(
    ("text", "kind", "location"),
    [
        ("rtsp://cam/1", "stream", "rtsp://cam/1"),
        ("https://host/live.m3u8", "stream", "https://host/live.m3u8"),
        ("device:0", "device", "/dev/video0"),
        ("/dev/video3", "device", "/dev/video3"),
        ("device:/dev/v4l/by-id/usb-cam", "device", "/dev/v4l/by-id/usb-cam"),
        ("/nowhere/clip.mp4", "video", "/nowhere/clip.mp4"),
        ("file:///nowhere/clip.mp4", "video", "/nowhere/clip.mp4"),
        ("/nowhere/still.JPG", "pictures", "/nowhere/still.JPG"),
        ("/nowhere/*.png", "pictures", "/nowhere/*.png"),
    ],
)
def test_what_a_source_is_shows_in_how_it_is_written(text: str, kind: SourceKind, location: str) -> None:
    assert parse_source(text) == SourceSpec(kind, location)


def test_a_folder_is_clips_or_pictures_by_what_lies_in_it(tmp_path: Path) -> None:
    assert parse_source(str(tmp_path)).kind == "pictures"
    (tmp_path / "a.mp4").touch()
    assert parse_source(str(tmp_path)).kind == "clips"
    assert parse_source("*.mp4", base=tmp_path) == SourceSpec("clips", str(tmp_path / "*.mp4"))


def test_a_stretch_is_taken_off_the_name(tmp_path: Path) -> None:
    assert parse_source("clip.avi#t=2.5,9", tmp_path) == SourceSpec("video", str(tmp_path / "clip.avi"), 2.5, 9.0)
    assert parse_source("rtsp://cam/1#t=,60") == SourceSpec("stream", "rtsp://cam/1", 0.0, 60.0)


def test_a_file_that_exists_as_named_wins_over_a_fragment(tmp_path: Path) -> None:
    (tmp_path / "clip.avi#t=1,2").touch()
    assert parse_source("clip.avi#t=1,2", tmp_path) == SourceSpec("video", str(tmp_path / "clip.avi#t=1,2"))
    assert parse_source("clip.avi#t=1,2#t=3", tmp_path).start_s == 3.0


@pytest.mark.parametrize("text", ["", "   ", "clip.avi#t=x", "rtsp://u:secret@cam/1#t=5,"])
def test_what_is_malformed_is_refused_in_one_line_without_secrets(text: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        parse_source(text)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_label_holds_no_secret_and_names_the_stretch() -> None:
    spec = parse_source("rtsp://admin:hunter2@cam/live?token=abc#t=5,7.5")
    assert spec.label == "rtsp://***@cam/live?token=***#t=5,7.5"


def test_a_list_is_read_relative_to_itself(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), numbered_picture(1))
    (tmp_path / "list.txt").write_text("# normal\n\n  a.avi#t=1,2  \nrtsp://cam/1\nstill.png\n")
    assert read_sources_file(tmp_path / "list.txt") == [
        SourceSpec("video", str(tmp_path / "a.avi"), 1.0, 2.0),
        SourceSpec("stream", "rtsp://cam/1"),
        SourceSpec("pictures", str(tmp_path / "still.png")),
    ]


def test_an_error_in_a_list_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a.avi\n\nb.avi#t=9,2\n")
    with pytest.raises(SourceRefused, match=r"list\.txt, line 3: .*b\.avi: malformed fragment"):
        read_sources_file(path)


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n", b"\xff\xfe"])
def test_a_list_that_is_no_list_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceRefused, match=r"list\.txt"):
        read_sources_file(path)


@given(st.text() | st.text(st.sampled_from("rtsp:/@#t=,.*[]~0 device")))
def test_any_text_is_a_source_or_is_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(SourceRefused):
        spec = parse_source(text)
        assert spec.location
        assert "\n" not in spec.label or "\n" in text


def test_a_pattern_works_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    folder = tmp_path / "gate [1]"
    folder.mkdir()
    (folder / "a.jpg").touch()
    (folder / "b[2].avi").touch()
    assert [p.name for p in list_files(Path(parse_source("*.jpg", folder).location))] == ["a.jpg"]
    assert parse_source("b[2].avi", folder) == SourceSpec("video", str(folder / "b[2].avi"))


def test_a_file_address_may_be_escaped() -> None:
    assert parse_source("file:///a%20b.mp4").location == "/a b.mp4"


@given(password=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6).map(lambda text: f"Zq{text}"))
@pytest.mark.parametrize(
    "written", ["rt {}@10.0.0.7:554/1", "rtsp:/a:{}@cam/1", "rtsp//a {}@cam/1", "rtsp://a{}@cam/1"]
)
def test_a_mistyped_address_tells_no_password(written: str, password: str) -> None:
    try:
        told = parse_source(written.format(password), Path("/nowhere")).label
    except SourceRefused as refused:
        told = str(refused)
    assert password not in told


def test_a_folder_with_an_at_in_its_name_is_called_by_it(tmp_path: Path) -> None:
    folder = tmp_path / "gate@north"
    folder.mkdir()
    assert parse_source("gate@north/*.jpg", tmp_path).label == str(folder / "*.jpg")
    assert parse_source("gate@south/*.jpg", tmp_path).label == "***@south/*.jpg"


@pytest.mark.parametrize("text", ["a" * 70_000, "rtsp://cam/" + "b" * 70_000, "../?" * 20_000, "a" * 300 + "/*.jpg"])
def test_a_label_is_short_whatever_the_source(text: str) -> None:
    try:
        told = parse_source(text, Path("/nowhere")).label
    except SourceRefused as refused:
        told = str(refused)
    assert len(told) < 300
