"""Records of made-up footage, for tests of what is said of them."""

from __future__ import annotations

import numpy as np

from engines.contract import SIGNALS
from engines.evaluation.record import ClipRecord, Judged
from engines.evaluation.truth import Labels, Span, Truth

FPS = 5
SIZE = (36, 64)


def square(frame: int) -> Labels:
    """An anomaly of 8 by 8 pixels that moves to the right."""
    labels = np.zeros(SIZE, np.uint8)
    labels[16:24, frame % 56 : frame % 56 + 8] = 1
    return labels


def record(
    name: str = "clip", *, frames: int = 200, abnormal: tuple[int, int] | None = (100, 149), sharp: float = 4.0
) -> ClipRecord:
    """Scores that rise by `sharp` where there is an anomaly, and maps that show it in its place."""
    spans = () if abnormal is None else (Span(*abnormal, "square", "square-1"),)
    made = ClipRecord(name, Truth(FPS, spans, labels=square), threshold=3.0)
    noise = np.random.default_rng(7)
    for frame in range(frames):
        there = abnormal is not None and abnormal[0] <= frame <= abnormal[1]
        scores = noise.gamma(2, 0.2, (9, 16)).astype(np.float32)
        if there:
            scores[4:6, frame % 56 // 4 : frame % 56 // 4 + 2] += np.float32(sharp)
        made.add(
            Judged(
                time_s=frame / FPS,
                score=float(scores.max()),
                signals={signal: float(scores.max()) * (1 + index) for index, signal in enumerate(SIGNALS)},
                map=scores,
                signal_maps=dict.fromkeys(SIGNALS, scores),
                uncertainty=0.1,
                latency_ms=5.0,
            )
        )
    return made


def stills(*scores: float, abnormal: tuple[int, ...]) -> ClipRecord:
    """Unrelated pictures with these scores."""
    truth = Truth(None, tuple(Span(number, number, "crack", f"crack-{number}") for number in abnormal))
    made = ClipRecord("stills", truth, threshold=3.0, still=True)
    for number, score in enumerate(scores):
        flat = np.full((4, 4), score, np.float32)
        made.add(
            Judged(
                time_s=float(number),
                score=score,
                signals=dict.fromkeys(SIGNALS, score),
                map=flat,
                signal_maps=dict.fromkeys(SIGNALS, flat),
                uncertainty=0.1,
                latency_ms=5.0,
            )
        )
    return made
