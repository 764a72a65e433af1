"""Whether an alert shows what was planted: the rule, free of clocks, sockets and pictures.

An alert (its begin or an update; the end shows what is already over) shows a planted anomaly if both hold:

- **Time.** Its frame was captured while the anomaly could be seen, or within `SLACK_S` before or after. The score is
  smoothed over the last frames and motion looks back over some tenths of a second, so an alert may lag; and whoever
  brings or fetches an object stands over it for a second, which belongs to the anomaly although only the object is
  flagged in the truth.
- **Place.** One of its regions lies on the anomaly: at least `SHARE` of the region is inside the anomaly's box, in some
  frame not further away than `SLACK_S`. The box is grown on every side by a place of the heat map (its resolution) and
  by half the box's longer side (the shadow and the wake of what moves, which the truth does not mark). That a share of
  the *region* is asked for keeps a region as large as the picture from matching everything.

A planted anomaly is found if an alert shows it. An event is a false alarm if none of its alerts shows any anomaly; one
that also goes on after the anomaly is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pipelines.headers import AlertHeader
from pipelines.simulation.sidecar import ClipTruth, PlantedSpan, Seen

SLACK_S = 1.2
SHARE = 0.1

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an alert says about where and when."""

    camera: str
    event_id: str
    clip_s: float
    """When its frame was captured, seconds from the start of the clip."""
    boxes: tuple[Box, ...]
    """Its regions, strongest first."""
    place: tuple[float, float]
    """Width and height of a place of its heat map, pixels."""
    over: bool
    """Whether it ends its event."""


def sighting(header: AlertHeader, clip_s: float) -> Sighting:
    """Take from an alert what the rule needs."""
    pixels = [region.pixels for region in header.regions]
    clean, heat = header.pictures.clean, header.pictures.heatmap
    return Sighting(
        camera=header.camera,
        event_id=header.event_id,
        clip_s=clip_s,
        boxes=tuple((b.x, b.y, b.x + b.width, b.y + b.height) for b in pixels),
        place=(clean.width / heat.width, clean.height / heat.height),
        over=header.phase == "end",
    )


def shown(alert: Sighting, truth: ClipTruth) -> tuple[PlantedSpan, ...]:
    """The planted anomalies that an alert shows."""
    if alert.over:
        return ()
    return tuple(one for one in truth.during(alert.clip_s, SLACK_S) if _lies_on(alert, _near(truth, one.id, alert)))


def seen_box(truth: ClipTruth, name: str, clip_s: float) -> Box | None:
    """Where an anomaly is seen in the frame shown at a time of the clip; None where it is not."""
    frame = int(clip_s * truth.fps + 1e-6)
    return next((_box(one) for one in truth.seen if one.id == name and one.frame == frame), None)


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share, pixels."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def area(box: Box) -> float:
    """Pixels in a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _near(truth: ClipTruth, name: str, alert: Sighting) -> list[Box]:
    """Boxes of an anomaly in the frames about an alert."""
    frame, reach = alert.clip_s * truth.fps, SLACK_S * truth.fps
    return [_box(one) for one in truth.seen if one.id == name and abs(one.frame - frame) <= reach + 1e-6]


def _lies_on(alert: Sighting, boxes: Sequence[Box]) -> bool:
    grown = [_grown(box, alert.place) for box in boxes]
    return any(overlap(region, box) >= SHARE * area(region) > 0 for region in alert.boxes for box in grown)


def _grown(box: Box, place: tuple[float, float]) -> Box:
    reach = 0.5 * max(box[2] - box[0], box[3] - box[1])
    across, down = place[0] + reach, place[1] + reach
    return box[0] - across, box[1] - down, box[2] + across, box[3] + down


def _box(one: Seen) -> Box:
    return one.left, one.top, one.left + one.width, one.top + one.height
