from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import SettingsError
from daemon.strict import convert


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+\Z", description="small letters")]
    fps: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 5.0
    ratio: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    most: Annotated[int, msgspec.Meta(le=9)] = 1
    transport: Literal["tcp", "udp"] = "tcp"
    paced: bool = True
    size: tuple[int, int] = (1, 2)


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    cameras: Annotated[tuple[Inner, ...], msgspec.Meta(min_length=1)]
    inner: Inner | None = None


def camera(**keys: object) -> dict[str, Any]:
    return {"cameras": [{"name": "a"}, {"name": "b", **keys}]}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (camera(fps="fast"), 'cameras[1].fps: expected a number from 0.1 to 60, got "fast"'),
        (camera(fps=100), "cameras[1].fps: expected a number from 0.1 to 60, got 100"),
        (camera(fps=float("nan")), "cameras[1].fps: expected a number from 0.1 to 60, got nan"),
        (camera(ratio=1), "cameras[1].ratio: expected a number from more than 0 to less than 1, got 1"),
        (camera(count=0), "cameras[1].count: expected a whole number of at least 1, got 0"),
        (camera(count=1.5), "cameras[1].count: expected a whole number of at least 1, got 1.5"),
        (camera(most=10), "cameras[1].most: expected a whole number of at most 9, got 10"),
        (camera(transport="http"), 'cameras[1].transport: expected "tcp" or "udp", got "http"'),
        (camera(paced=1), "cameras[1].paced: expected true or false, got 1"),
        (camera(name="A B"), 'cameras[1].name: expected small letters, got "A B"'),
        (camera(name="a" * 999 + "B"), f'cameras[1].name: expected small letters, got "{"a" * 29}…{"a" * 29}B"'),
        (camera(fps=16**6000), "cameras[1].fps: expected a number from 0.1 to 60, got a number beyond reason"),
        (camera(size=[1]), "cameras[1].size: expected a list of 2: a whole number, a whole number, got a list of 1"),
        (camera(fsp=3), 'cameras[1].fsp: unknown key; did you mean "fps"?'),
        ({"camera": []}, 'camera: unknown key; did you mean "cameras"?'),
        ({"zzz": 1}, "zzz: unknown key; expected cameras or inner"),
        ({"cameras": [{}]}, "cameras[0].name: missing; expected small letters"),
        ({}, "cameras: missing; expected at least one [[table]]"),
        ({"cameras": []}, "cameras: expected at least one [[table]], got an empty list"),
        ({"cameras": 5}, "cameras: expected at least one [[table]], got 5"),
        ({"cameras": {"name": "a"}}, "cameras: expected at least one [[table]], got a table"),
        (camera() | {"inner": "x"}, 'inner: expected a table, got "x"'),
        (camera() | {"inner": {"name": 3}}, "inner.name: expected small letters, got 3"),
        (3, "file: expected a table, got 3"),
    ],
)
def test_what_does_not_fit_is_told_with_key_expectation_and_value(data: object, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        convert(data, Outer, "x.toml")
    assert str(caught.value) == f"x.toml: {told}"


def test_what_fits_is_taken() -> None:
    assert convert(camera(fps=3), Outer, "x.toml").cameras[1].fps == 3.0


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.datetimes()
keys = st.sampled_from(["name", "fps", "count", "transport", "size", "inner", "cameras"]) | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(anything)
def test_nothing_but_a_settings_error_of_one_line_comes_out(data: object) -> None:
    error = ""
    try:
        convert(data, Outer, "x.toml")
    except SettingsError as caught:
        error = str(caught)
    assert len(error.splitlines()) <= 1


def test_no_secret_is_cut_so_that_it_shows() -> None:
    with pytest.raises(SettingsError) as caught:
        convert(camera(name="rtsp://admin:" + "Zq9secret" * 9 + "@cam/1"), Outer, "x.toml")
    assert str(caught.value) == 'x.toml: cameras[1].name: expected small letters, got "rtsp://***@cam/1"'
