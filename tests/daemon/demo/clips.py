"""Truth made by hand, and alerts about it that went through the real encoder and decoder of the wire."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from daemon.demo.matching import Sighting, shown, sighting
from daemon.demo.watching import Heard
from engines.contract import Maps, Signal
from pipelines.overlay import Painter
from pipelines.regions import RegionSettings, propose_regions
from pipelines.simulation.scene import Kind
from pipelines.simulation.sidecar import ClipTruth, PlantedSpan, Seen
from pipelines.types import Alert, Frame, Phase, Verdict
from pipelines.wire import AlertMessage, decode, encode

SIZE = (320, 180)
FPS = 10.0


def truth(*spans: tuple[Kind, str, float, float, tuple[int, int, int, int]], frames: int = 300) -> ClipTruth:
    """Anomalies that stand still: kind, id, first and last second, and left, top, width, height."""
    seen = [
        Seen(frame, name, *box, box[2] * box[3])
        for _, name, first_s, last_s, box in spans
        for frame in range(round(first_s * FPS), round(last_s * FPS) + 1)
    ]
    return ClipTruth(
        view=1,
        seed=1,
        fps=FPS,
        width=SIZE[0],
        height=SIZE[1],
        frames=frames,
        planted=tuple(PlantedSpan(kind=kind, id=name, first_s=a, last_s=b) for kind, name, a, b, _ in spans),
        seen=tuple(seen),
    )


def alert_at(
    clip_s: float, *boxes: tuple[float, float, float, float], event: str = "e1", over: bool = False
) -> Sighting:
    """A sighting on a map of 32 x 18 places: one place is 10 x 10 pixels."""
    return Sighting("yard", event, clip_s, boxes, (10.0, 10.0), over)


def message(
    place: tuple[int, int, int, int], *, camera: str = "yard", event: str = "e1", phase: Phase = "begin", wall_s: float
) -> AlertMessage:
    """An alert about a block of places (left, top, width, height) of a 32 x 18 map, as it arrives."""
    left, top, width, height = place
    scores = np.full((18, 32), 0.1, np.float32)
    scores[top : top + height, left : left + width] = 6.0
    signals: dict[Signal, float] = {"appearance-latent": 1.0, "appearance-reconstruction": 0.5, "motion": 6.0}
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    now = time.monotonic_ns()
    frame = Frame(camera, 1, np.zeros((8, 8, 3), np.uint8), now, 0.0, wall_s, lambda: picture)
    maps = {signal: scores * np.float32(value / 6) for signal, value in signals.items()}
    verdict = Verdict(frame, 6.0, 4.0, 0.2, Maps.of(scores, maps), signals, now, now)
    regions = propose_regions(scores, maps, 4.0, flagged=True, settings=RegionSettings())
    pictures = Painter().paint(picture, verdict, regions, phase)
    alert = Alert(
        boot_id="boot1", seq=1, camera_seq=1, event_id=event, phase=phase, verdict=verdict, regions=regions,
        began_wall_s=wall_s, duration_s=0.0, peak_score=6.0, frames=1, model="0123456789ab", profile="p",
        end_reason="calm" if phase == "end" else None, taken_ns=now, rendered_ns=now, pictures=pictures,
    )  # fmt: skip
    decoded = decode(encode(alert, published_ns=now + 5_000_000, published_wall_s=wall_s))
    assert isinstance(decoded, AlertMessage)
    return decoded


def heard(messages: Sequence[tuple[float, AlertMessage]], known: ClipTruth) -> list[Heard]:
    """What a listener makes of messages that came at times of the clip."""
    found = []
    for clip_s, one in messages:
        alert = sighting(one.header, clip_s)
        found.append(Heard(one, alert, shown(alert, known)))
    return found
