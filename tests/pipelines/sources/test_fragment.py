import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SourceRefused
from pipelines.sources.fragment import Stretch, parse_stretch, split_fragment

TENTHS = st.integers(0, 360_000).map(lambda n: n / 10)


@pytest.mark.parametrize(
    ("value", "start_s", "end_s"),
    [
        ("2.5,9", 2.5, 9.0),
        (",9", 0.0, 9.0),
        ("5", 5.0, None),
        ("npt:10", 10.0, None),
        ("npt:,1:30", 0.0, 90.0),
        ("01:02.5,1:00:00", 62.5, 3600.0),
        ("0.0,3.8", 0.0, 3.8),
        ("10.,20.", 10.0, 20.0),
    ],
)
def test_the_forms_of_the_recommendation_are_read(value: str, start_s: float, end_s: float | None) -> None:
    assert parse_stretch(value) == Stretch(start_s, end_s)


@pytest.mark.parametrize(
    "value", ["", ",", "5,", "9,2", "3,3", "a", "-1", "1,2,3", "1:2", "1:60", "75:00", "1e3", "nan", "smpte:10", "٣"]
)
def test_a_malformed_fragment_is_refused_with_what_was_expected(value: str) -> None:
    with pytest.raises(SourceRefused, match=r"malformed fragment #t=.*expected") as refused:
        parse_stretch(value)
    assert "\n" not in str(refused.value)


@given(start_s=TENTHS, length_s=TENTHS.filter(bool))
def test_seconds_and_clock_times_mean_the_same(start_s: float, length_s: float) -> None:
    end_s = round(start_s + length_s, 1)
    assert parse_stretch(f"{start_s},{end_s}") == Stretch(start_s, end_s)
    minutes, seconds = divmod(round(end_s * 10), 600)
    clock = f"{minutes // 60}:{minutes % 60:02}:{seconds / 10:04.1f}"
    assert parse_stretch(f"npt:{start_s},{clock}").end_s == pytest.approx(end_s)


@given(st.text())
def test_any_text_is_read_or_refused_and_nothing_else(value: str) -> None:
    try:
        stretch = parse_stretch(value)
    except SourceRefused:
        return
    assert stretch.start_s >= 0
    assert stretch.end_s is None or stretch.end_s > stretch.start_s


@pytest.mark.parametrize(
    ("text", "location", "value"),
    [
        ("clip.avi#t=1,2", "clip.avi", "1,2"),
        ("clip.avi", "clip.avi", None),
        ("clip#2.avi", "clip#2.avi", None),
        ("clip#2.avi#t=5", "clip#2.avi", "5"),
        ("clip.avi#track=video&t=1&t=2", "clip.avi", "2"),
        ("clip.avi#xywh=1,2,3,4", "clip.avi#xywh=1,2,3,4", None),
        ("clip.avi#t=", "clip.avi", ""),
    ],
)
def test_only_the_time_dimension_is_taken_off(text: str, location: str, value: str | None) -> None:
    assert split_fragment(text) == (location, value)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, f"0,{'9' * 400}", f"{'1' * 5000}:00:00"])
def test_times_that_no_number_can_hold_are_malformed(value: str) -> None:
    with pytest.raises(SourceRefused, match="is no time") as refused:
        parse_stretch(value)
    assert len(str(refused.value)) < 300
