"""The contact sheet: for every camera and kind of anomaly the best alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from daemon.demo.matching import area, overlap, seen_box
from daemon.demo.tally import Outcome
from daemon.demo.watching import Heard
from daemon.demo.words import KIND_NAMES, signal_colour, signal_name
from engines.contract import Pixels
from pipelines.caption import PAPER, PHASE_COLOURS, Colour, Lettering
from pipelines.simulation.scene import KINDS, Kind
from pipelines.simulation.sidecar import ClipTruth

_TILE = (448, 252)
_STRIP, _GAP, _HEAD, _SIDE = 44, 14, 92, 150
_GROUND: Colour = (34, 29, 26)
_EMPTY: Colour = (48, 42, 38)
_QUIET: Colour = (164, 158, 152)
_FOUND, _MISSED = PHASE_COLOURS["end"], PHASE_COLOURS["begin"]


def best_alerts(heard: Sequence[Heard], truths: Mapping[str, ClipTruth]) -> dict[tuple[str, Kind], Heard]:
    """For each camera and kind that was found, the alert that shows it best."""
    best: dict[tuple[str, Kind], tuple[float, Heard]] = {}
    for one in heard:
        for span in one.shown:
            key = (one.sighting.camera, span.kind)
            rated = worth(one, truths[one.sighting.camera], span.id)
            if key not in best or rated > best[key][0]:
                best[key] = (rated, one)
    return {key: one for key, (_, one) in best.items()}


def worth(one: Heard, truth: ClipTruth, name: str) -> float:
    """How well an alert shows an anomaly: how close its boxes fit, how large it is and how few boxes lie elsewhere."""
    box = seen_box(truth, name, one.sighting.clip_s)
    boxes = one.sighting.boxes
    if box is None or not boxes:
        return -1.0
    shared = [overlap(region, box) for region in boxes]
    fit = max(s / (area(region) + area(box) - s) for s, region in zip(shared, boxes, strict=True))
    astray = sum(s == 0 for s in shared)
    size = min(1.0, area(box) / (0.02 * truth.width * truth.height))
    return fit + 0.3 * size - 0.2 * astray


def draw_wall(best: Mapping[tuple[str, Kind], Heard], outcomes: Sequence[Outcome], title: str) -> Pixels:
    """uint8 [H, W, 3] BGR: a row for each camera, a column for each kind."""
    pitch_x, pitch_y = _TILE[0] + _GAP, _TILE[1] + _STRIP + _GAP
    height, width = _HEAD + pitch_y * len(outcomes) + _GAP, _SIDE + pitch_x * len(KINDS) + _GAP
    canvas: Pixels = np.full((height, width, 3), _GROUND, np.uint8)
    pen = Lettering()
    pen.draw(canvas, title, (_GAP * 2, 44), PAPER, 24, 650)
    for column, kind in enumerate(KINDS):
        pen.draw(canvas, KIND_NAMES[kind], (_SIDE + pitch_x * column, _HEAD - 14), _QUIET, 18, 500)
    for row, outcome in enumerate(outcomes):
        top = _HEAD + pitch_y * row
        _head_of_row(canvas, pen, outcome, top)
        for column, kind in enumerate(KINDS):
            tile = canvas[top : top + _TILE[1] + _STRIP, _SIDE + pitch_x * column :][:, : _TILE[0]]
            _draw_tile(tile, pen, best.get((outcome.camera, kind)), outcome, kind)
    return canvas


def save_pictures(
    heard: Sequence[Heard], truths: Mapping[str, ClipTruth], outcomes: Sequence[Outcome], wall: Path, best: Path
) -> None:
    """Write the contact sheet, and beside it the overlay of the best alert of all if there is one. Raises OSError."""
    chosen = best_alerts(heard, truths)
    found = sum(len(one.kinds_found) for one in outcomes)
    planted = sum(len(one.kinds_found) + len(one.kinds_missed) for one in outcomes)
    title = f"Vigil: {found} of {planted} planted anomalies found, {_alarms(outcomes)}"
    wall.write_bytes(cv2.imencode(".png", draw_wall(chosen, outcomes, title))[1].tobytes())
    if chosen:
        _, first = max(chosen.items(), key=lambda item: _rated(item[1], item[0], truths))
        best.write_bytes(first.message.overlay_jpeg)


def _rated(one: Heard, key: tuple[str, Kind], truths: Mapping[str, ClipTruth]) -> float:
    return max(worth(one, truths[key[0]], span.id) for span in one.shown if span.kind == key[1])


def _alarms(outcomes: Sequence[Outcome]) -> str:
    count = sum(len(one.false_alarms) for one in outcomes)
    return "no false alarm" if count == 0 else f"{count} false alarm{'s' if count > 1 else ''}"


def _head_of_row(canvas: Pixels, pen: Lettering, outcome: Outcome, top: int) -> None:
    found, planted = len(outcome.kinds_found), len(outcome.kinds_found) + len(outcome.kinds_missed)
    pen.draw(canvas, pen.fit(outcome.camera, _SIDE - 3 * _GAP, 22, 650), (_GAP * 2, top + 24), PAPER, 22, 650)
    pen.draw(canvas, f"{found} of {planted}", (_GAP * 2, top + 52), _FOUND if found == planted else _QUIET, 18, 500)


def _draw_tile(tile: Pixels, pen: Lettering, one: Heard | None, outcome: Outcome, kind: Kind) -> None:
    """The picture with its boxes, and below it what is to be said; a dark tile where nothing was found."""
    height = _TILE[1]
    if one is None:
        tile[:height] = _EMPTY
        planted = any(each.kind == kind for each in outcome.planted)
        pen.draw(
            tile, "missed" if planted else "not planted", (16, height + 28), _MISSED if planted else _QUIET, 17, 500
        )
        return
    overlay = cv2.imdecode(np.frombuffer(one.message.overlay_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert overlay is not None  # the wire format was checked on arrival
    scene = overlay[: one.header.pictures.clean.height]
    tile[:height] = cv2.resize(scene, _TILE, interpolation=cv2.INTER_AREA)
    delays = [each.found_after_s for each in outcome.planted if each.kind == kind and each.found_after_s is not None]
    signal = one.header.signals[0].name
    parts: list[tuple[str, Colour]] = [
        (f"{one.header.score:.1f} of {one.header.threshold:.1f}", PAPER),
        (signal_name(signal), signal_colour(signal)),
        (f"found after {min(delays):.1f} s", _QUIET),
    ]
    x = 0
    for text, colour in parts:
        pen.draw(tile, text, (x, height + 28), colour, 17, 500)
        x += pen.width(text, 17, 500) + 18
