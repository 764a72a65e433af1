from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.compose import status_header
from pipelines.errors import WireError
from pipelines.overlay import Painter
from pipelines.regions import RegionSettings, propose_regions
from pipelines.schema import wire_schema, wire_schema_text
from pipelines.types import Alert, Verdict
from pipelines.wire import AlertMessage, StatusMessage, decode, encode, encode_status
from tests.pipelines.publishing import status
from tests.pipelines.verdicts import SECOND, Camera

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(wire_schema())


def an_alert(verdict: Verdict, **changes: Any) -> Alert:
    regions = propose_regions(
        verdict.map, verdict.signal_maps, verdict.threshold, flagged=True, settings=RegionSettings()
    )
    alert = Alert(
        boot_id="boot1",
        seq=7,
        event_id=f"boot1-{verdict.frame.camera}-2",
        phase="update",
        verdict=verdict,
        regions=regions,
        began_wall_s=verdict.frame.wall_s - 1.5,
        duration_s=1.5,
        peak_score=9.25,
        frames=8,
        model="0123456789ab",
        profile="profile-1",
        camera_seq=3,
        end_reason=None,
        taken_ns=verdict.judged_ns + SECOND // 1000,
        rendered_ns=verdict.judged_ns + SECOND // 250,
        pictures=Painter().paint(verdict.frame.picture(), verdict, regions, "update"),
    )
    return replace(alert, **changes)


def parts_of(alert: Alert) -> list[bytes]:
    return encode(alert, published_ns=alert.rendered_ns + SECOND // 500, published_wall_s=1_800_000_000.25)


def an_encoded_status() -> list[bytes]:
    return encode_status(
        status_header(
            status("yard", "lost", "no data for 3 s"),
            boot_id="boot1",
            sent_wall_s=1_800_000_000.0,
            heartbeat_s=5,
            event_id=None,
            last_seq=7,
            last_camera_seq=3,
        )
    )


def decoded(picture: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


PARTS = parts_of(an_alert(Camera(wall_s=1_799_999_999.0).verdict(8.0)))


def test_an_alert_comes_back_as_it_went() -> None:
    message = decode(PARTS)
    assert isinstance(message, AlertMessage)
    header = message.header
    assert (header.seq, header.camera, header.phase, header.frames) == (7, "yard", "update", 8)
    assert (header.score, header.threshold, header.uncertainty, header.peak_score) == (8.0, 3.0, 0.25, 9.25)
    assert header.published_at == "2027-01-15T08:00:00.250Z"
    assert header.published_unix == 1_800_000_000.25
    assert [(s.name, s.fired) for s in header.signals] == [
        ("motion", True),
        ("appearance-latent", True),
        ("appearance-reconstruction", False),
    ]
    assert [message.overlay_jpeg, message.clean_jpeg, message.heatmap_png] == PARTS[2:]


def test_latencies_add_up() -> None:
    header = json.loads(PARTS[1])
    latency = header["latency_ms"]
    assert latency == {"queue": 2.0, "infer": 8.0, "handover": 1.0, "render": 3.0, "capture_to_publish": 16.0}


def test_regions_are_given_in_shares_and_in_pixels() -> None:
    (region,) = json.loads(PARTS[1])["regions"]
    assert (region["x"], region["y"], region["width"], region["height"]) == (8 / 32, 10 / 32, 6 / 32, 4 / 32)
    assert region["pixels"] == {"x": 80, "y": 56, "width": 60, "height": 23}  # of 320 x 180, rounded
    assert region["signal"] == "motion"


def test_pictures_have_the_sizes_that_the_header_states() -> None:
    message = decode(PARTS)
    assert isinstance(message, AlertMessage)
    stated = message.header.pictures
    for data, picture in ((message.overlay_jpeg, stated.overlay), (message.clean_jpeg, stated.clean)):
        assert decoded(data).shape == (picture.height, picture.width, 3)


def test_scores_come_back_out_of_the_heat_map() -> None:
    message = decode(PARTS)
    assert isinstance(message, AlertMessage)
    stated = message.header.pictures.heatmap
    grey = decoded(message.heatmap_png)
    assert grey.shape == (stated.height, stated.width) == (32, 32)
    scores = grey.astype(np.float64) * stated.score_per_level
    assert scores[11, 9] == pytest.approx(8.0)
    assert scores[0, 0] == pytest.approx(0.2, abs=stated.score_per_level)


def test_an_end_without_a_new_frame_states_no_latency() -> None:
    message = decode(parts_of(an_alert(Camera().verdict(8.0), phase="end", end_reason="camera")))
    assert isinstance(message, AlertMessage)
    assert message.header.latency_ms is None
    assert message.header.end_reason == "camera"


def test_headers_are_valid_against_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(wire_schema())
    VALIDATOR.validate(json.loads(PARTS[1]))
    VALIDATOR.validate(json.loads(an_encoded_status()[1]))
    broken = json.loads(PARTS[1])
    del broken["score"]
    assert not VALIDATOR.is_valid(broken)


@pytest.mark.parametrize("path", ["pipelines/alert.schema.json", "docs/alert.schema.json"])
def test_the_published_schema_is_what_the_types_generate(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text == wire_schema_text(), (
        "run: python -m pipelines.schema pipelines/alert.schema.json docs/alert.schema.json"
    )


def test_every_field_of_the_schema_is_described() -> None:
    for name in ("AlertHeader", "StatusHeader"):
        for key, field in wire_schema()["$defs"][name]["properties"].items():
            assert "description" in field or "$ref" in field, f"{name}.{key}"


def test_fields_of_later_versions_are_ignored() -> None:
    header = json.loads(PARTS[1]) | {"mood": {"deep": [1, 2, {"er": None}]}}
    header["regions"][0]["zone"] = "lawn"
    later = [PARTS[0], json.dumps(header).encode(), *PARTS[2:], b"a sixth part"]
    assert decode(later) == decode(PARTS)
    VALIDATOR.validate(header)


def test_another_major_version_is_named() -> None:
    header = json.loads(PARTS[1]) | {"schema": "vigil.alert/2"}
    with pytest.raises(WireError, match=r"'vigil\.alert/2', where this version of Vigil reads 'vigil\.alert/1'"):
        decode([PARTS[0], json.dumps(header).encode(), *PARTS[2:]])


def test_scores_beyond_json_are_bounded() -> None:
    verdict = replace(Camera().verdict(8.0), score=float("inf"), uncertainty=float("nan"))
    header = json.loads(parts_of(an_alert(verdict, peak_score=float("inf")))[1])
    VALIDATOR.validate(header)
    assert (header["score"], header["uncertainty"]) == (1e9, 0)


def test_a_camera_may_be_named_in_any_script() -> None:
    verdict = Camera(name="入口 Straße/2.b").verdict(5)
    message = decode(parts_of(an_alert(verdict)))
    assert message.header.camera == "入口 Straße/2.b"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], "0 parts"),
        ([b"alert.yard"], "1 parts"),
        ([b"\xff\xfe", b"{}"], "not UTF-8"),
        ([b"weather.yard", b"{}"], "begins with none of"),
        ([b"alert.yard", b"not json"], "JSON is malformed"),
        ([b"alert.yard", b"[" * 100_000], "not vigil.alert/1"),
        ([b"alert.yard", b"{}"], "missing required field `schema`"),
        ([b"alert.yard", b'{"schema":"vigil.alert/1"}'], "missing required field"),
        ([b"alert.other", PARTS[1], *PARTS[2:]], "does not fit"),
        ([*PARTS[:4]], "4 parts instead of five"),
        ([*PARTS[:4], b"GIF89a"], "not JPEG, JPEG and PNG"),
        ([b"status.yard", PARTS[1]], "vigil.status/1"),
        ([b"alert.yard", b" " * 2_000_000], "2000000 bytes"),
    ],
)
def test_what_is_no_message_is_refused_in_one_line(parts: list[bytes], why: str) -> None:
    with pytest.raises(WireError, match=why) as caught:
        decode(parts)
    assert "\n" not in str(caught.value)


def test_a_status_comes_back_as_it_went() -> None:
    message = decode(an_encoded_status())
    assert isinstance(message, StatusMessage)
    assert (message.header.state, message.header.reason) == ("lost", "no data for 3 s")
    assert (message.header.last_seq, message.header.last_frame_at) == (7, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
topics = st.sampled_from([b"alert.yard", b"status.yard", b"alert.", b"status."]) | st.binary(max_size=20)
any_parts = st.lists(st.binary(max_size=60), max_size=7)


@given(topics, st.binary(max_size=200) | json_values.map(msgspec.json.encode), any_parts)
def test_foreign_bytes_never_do_worse_than_wire_error(topic: bytes, header: bytes, rest: list[bytes]) -> None:
    with pytest.raises(WireError):
        decode([topic, header, *rest])


@given(st.data())
def test_a_damaged_header_is_read_or_refused(data: st.DataObject) -> None:
    header = json.loads(PARTS[1])
    key = data.draw(st.sampled_from(sorted(header)))
    header[key] = data.draw(json_values)
    try:
        message = decode([PARTS[0], msgspec.json.encode(header), *PARTS[2:]])
    except WireError:
        return
    assert isinstance(message, AlertMessage)


@given(st.integers(0, len(PARTS[1]) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(place: int, byte: int) -> None:
    header = bytearray(PARTS[1])
    header[place] = byte
    with contextlib.suppress(WireError):
        decode([PARTS[0], bytes(header), *PARTS[2:]])
