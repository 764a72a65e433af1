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

_TILE = (512, 288)
_STRIP, _GAP, _HEAD = 46, 18, 118
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
    """uint8 [H, W, 3] BGR: a column for each camera, a row for each kind."""
    pitch_x, pitch_y = _TILE[0] + _GAP, _TILE[1] + _STRIP
    shape = _HEAD + pitch_y * len(KINDS) + _GAP // 2, _GAP + pitch_x * len(outcomes), 3
    canvas: Pixels = np.full(shape, _GROUND, np.uint8)
    pen = Lettering()
    pen.draw(canvas, title, (_GAP, 48), PAPER, 26, 650)
    for column, outcome in enumerate(outcomes):
        left = _GAP + pitch_x * column
        _head_of_column(canvas, pen, outcome, left)
        for row, kind in enumerate(KINDS):
            tile = canvas[_HEAD + pitch_y * row :, left:][: _TILE[1] + _STRIP, : _TILE[0]]
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


def _head_of_column(canvas: Pixels, pen: Lettering, outcome: Outcome, left: int) -> None:
    found, planted = len(outcome.kinds_found), len(outcome.kinds_found) + len(outcome.kinds_missed)
    name = pen.fit(outcome.camera, _TILE[0] - 100, 22, 650)
    pen.draw(canvas, name, (left, _HEAD - 16), PAPER, 22, 650)
    x = left + pen.width(name, 22, 650) + 14
    pen.draw(canvas, f"{found} of {planted}", (x, _HEAD - 16), _FOUND if found == planted else _QUIET, 18, 500)


def _draw_tile(tile: Pixels, pen: Lettering, one: Heard | None, outcome: Outcome, kind: Kind) -> None:
    """The picture with its boxes, and below it what is to be said; a dark tile where nothing was found."""
    height = _TILE[1]
    parts: list[tuple[str, Colour]] = [(KIND_NAMES[kind], PAPER)]
    if one is None:
        planted = any(each.kind == kind for each in outcome.planted)
        tile[:height] = _EMPTY
        parts.append(("missed", _MISSED) if planted else ("not planted", _QUIET))
    else:
        tile[:height] = _scene(one)
        signal = one.header.signals[0].name
        delays = [p.found_after_s for p in outcome.planted if p.kind == kind and p.found_after_s is not None]
        parts += [
            (f"{one.header.score:.1f} of {one.header.threshold:.1f}", _QUIET),
            (signal_name(signal), signal_colour(signal)),
            (f"after {min(delays):.1f} s", _QUIET),
        ]
    x = 0
    for text, colour in parts:
        pen.draw(tile, text, (x, height + 25), colour, 17, 500)
        x += pen.width(text, 17, 500) + 16


def _scene(one: Heard) -> Pixels:
    """An alert's overlay at a tile's size, without its own caption."""
    overlay = cv2.imdecode(np.frombuffer(one.message.overlay_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert overlay is not None  # what it begins with was checked on arrival
    scene = overlay[: one.header.pictures.clean.height]
    return np.asarray(cv2.resize(scene, _TILE, interpolation=cv2.INTER_AREA), np.uint8)
