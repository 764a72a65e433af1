"""The frames of an evaluation that are worth a look: overlay, picture and truth of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np

from engines.contract import Pixels
from engines.evaluation.record import ClipRecord
from engines.evaluation.report import Shown
from engines.evaluation.truth import FrameTruth
from pipelines.overlay import Painter
from pipelines.regions import RegionSettings, propose_regions
from pipelines.types import Verdict

_Key = TypeVar("_Key")

_WIDTH: Final = 480
_HEIGHT: Final = 400
_MOST: Final = 4
_KEPT: Final = 32
_WINDOW_S: Final = 10.0
_STEP: Final = 0.02
"""A frame replaces another of its key when it outdoes it by this share of the threshold: pictures cost time."""
_INK: Final = (40, 210, 90)
_QUALITY: Final = (cv2.IMWRITE_JPEG_QUALITY, 78)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    clip: str
    what: str
    verdict: Verdict
    picture: Pixels
    truth: FrameTruth
    still: bool

    @property
    def margin(self) -> float:
        return self.verdict.score - self.verdict.threshold


class Gallery:
    """Keeps each anomaly's highest frame and the highest normal frames while footage goes by."""

    def __init__(self) -> None:
        self._abnormal: dict[tuple[str, str, int], _Candidate] = {}
        self._normal: dict[tuple[str, int], _Candidate] = {}

    def consider(self, record: ClipRecord, verdict: Verdict) -> None:
        """Look at the frame that was added last to a record."""
        time_s = verdict.frame.time_s
        window = int(time_s // (1.0 if record.still else _WINDOW_S))
        if record.states[-1] == 1:
            frame = record.truth.number(time_s)
            for span in record.truth.spans:
                if span.first <= frame <= span.last:
                    _keep(self._abnormal, (record.name, span.id, window), record, verdict, span.id)
        elif record.states[-1] == 0:
            _keep(self._normal, (record.name, window), record, verdict, "normal")
        _thin_out(self._abnormal, both_ends=True)
        _thin_out(self._normal, both_ends=False)

    def best(self) -> list[Shown]:
        """The moments of anomalies that stood out most."""
        return _shown(self._best())

    def worst(self) -> list[Shown]:
        """The moments of anomalies that stood out least, by their highest frame."""
        shown = self._best()
        rest = [one for one in self._abnormal.values() if all(one is not other for other in shown)]
        return _shown(_varied(sorted(rest, key=lambda one: one.margin)))

    def highest_normal(self) -> list[Shown]:
        """The normal frames that stood out most, from different moments."""
        return _shown(_varied(sorted(self._normal.values(), key=lambda one: -one.margin)))

    def _best(self) -> list[_Candidate]:
        return _varied(sorted(self._abnormal.values(), key=lambda one: -one.margin))


def _varied(ranked: Sequence[_Candidate]) -> list[_Candidate]:
    """The first few: each anomaly once before any comes again, and no two of nearly the same moment."""
    chosen: list[_Candidate] = []
    for again in (False, True):
        for one in ranked:
            same = [other for other in chosen if (other.clip, other.what) == (one.clip, one.what)]
            if len(chosen) < _MOST and not any(_near(one, other) for other in same) and (again or not same):
                chosen.append(one)
    return chosen


def _near(one: _Candidate, other: _Candidate) -> bool:
    apart_s = abs(one.verdict.frame.time_s - other.verdict.frame.time_s)
    return one is other or (not one.still and apart_s < _WINDOW_S / 2)


def _keep(kept: dict[_Key, _Candidate], key: _Key, record: ClipRecord, verdict: Verdict, what: str) -> None:
    """Keep the highest frame of a key; one whose anomaly is located goes before any that is not."""
    truth = record.truth.at(verdict.frame.time_s, _WIDTH)
    old = kept.get(key)
    if old is not None:
        better = verdict.score - verdict.threshold > old.margin + _STEP * abs(verdict.threshold)
        located, was = truth.regions is not None, old.truth.regions is not None
        if (was and not located) or (was == located and not better):
            return
    # Taken out first, so that the newest key is the last.
    kept.pop(key, None)
    picture = _small(verdict.frame.picture())
    kept[key] = _Candidate(record.name, what, verdict, picture, truth, record.still)


def _thin_out(kept: dict[_Key, _Candidate], *, both_ends: bool) -> None:
    """Let go of candidates that will not be shown; the newest may still rise."""
    if len(kept) <= _KEPT:
        return
    order = sorted(list(kept)[:-2], key=lambda key: kept[key].margin)
    del kept[order[len(order) // 2 if both_ends else 0]]


def _shown(candidates: Sequence[_Candidate]) -> list[Shown]:
    painter = Painter(jpeg_quality=78)
    return [_paint(one, painter) for one in candidates]


def _paint(one: _Candidate, painter: Painter) -> Shown:
    verdict = one.verdict
    regions = propose_regions(
        verdict.map, verdict.signal_maps, verdict.threshold, flagged=verdict.flagged, settings=RegionSettings()
    )
    pictures = painter.paint(one.picture, verdict, regions, None)
    when = f"picture {verdict.frame.time_s:.0f}" if one.still else f"{verdict.frame.time_s:.1f} s"
    return Shown(
        title=f"{one.clip}, {when}",
        what=one.what,
        score=verdict.score,
        threshold=verdict.threshold,
        overlay=pictures.overlay_jpeg,
        picture=pictures.clean_jpeg,
        truth=_draw_truth(one.picture, one.truth) if one.truth.abnormal else None,
        located=one.truth.regions is not None,
    )


def _small(picture: Pixels) -> Pixels:
    """Fit a picture into a box, so that an upright one is not taller than the page."""
    height, width = picture.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _draw_truth(picture: Pixels, truth: FrameTruth) -> bytes:
    """The picture with its abnormal regions outlined, as JPEG."""
    canvas = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
    faded = cv2.addWeighted(canvas, 0.45, np.zeros_like(canvas), 0.55, 0)
    size = (canvas.shape[1], canvas.shape[0])
    for region in truth.regions or ():
        grown = np.asarray(cv2.resize(region.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST))
        faded[grown > 0] = canvas[grown > 0]
        outline, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(faded, outline, -1, _INK[::-1], 2, cv2.LINE_AA)
    _, data = cv2.imencode(".jpg", faded if truth.regions else canvas, _QUALITY)
    return data.tobytes()
