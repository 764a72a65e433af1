"""A profile on trial: it judges the same frames beside the one that counts, and takes over when it has seen enough."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from engines.contract import Batch, Scores
from pipelines.metrics import CameraMetrics
from pipelines.seating import Judge, Prepared
from pipelines.types import FLAGGED_BY, FlaggedBy, Frame

_log = logging.getLogger("vigil.infer")


def shadow_name(camera: str) -> str:
    """What a detector knows the camera's trial by; no camera can have this name."""
    return f"{camera}+shadow"


@dataclass(slots=True)
class Shadow:
    """One camera's trial. Belongs to the thread that has the camera's frame in hand."""

    camera: str
    profile_id: str
    judge: Judge
    watched: Prepared
    metrics: CameraMetrics
    frames: int
    """Frames to judge until it takes over."""
    seen: int = 0
    counts: dict[FlaggedBy, int] = field(default_factory=lambda: dict.fromkeys(FLAGGED_BY, 0))

    @property
    def name(self) -> str:
        """What its detector knows it by."""
        return shadow_name(self.camera)

    @property
    def ripe(self) -> bool:
        """Whether it has seen enough."""
        return self.seen >= self.frames

    def observe(self, scores: Scores, index: int, *, flagged: bool) -> None:
        """Take in what it said of a frame that the profile which counts has flagged, or not."""
        score, new = float(scores.score[index]), bool(scores.score[index] >= scores.threshold[index])
        by: FlaggedBy = ("both" if new else "old") if flagged else ("new" if new else "neither")
        self.seen += 1
        self.counts[by] += 1
        self.metrics.shadow_score.set(score)
        self.metrics.shadow_frames[by].inc()

    def tell(self) -> None:
        """Log that it takes over, and on what grounds."""
        counts = ", ".join(f"{count} by {by}" for by, count in self.counts.items())
        _log.info(
            "camera %s: profile %s takes over after %d frames, of which were flagged: %s",
            self.camera,
            self.profile_id,
            self.seen,
            counts,
            extra={"camera": self.camera},
        )


def judge_once_more(trials: Sequence[tuple[Shadow, Frame, bool]]) -> None:
    """Judge frames by the profiles on trial, each engine's in one batch; the last says if the frame was flagged."""
    groups: dict[int, list[tuple[Shadow, Frame, bool]]] = {}
    for trial in trials:
        groups.setdefault(id(trial[0].judge.detector), []).append(trial)
    for group in groups.values():
        scores = group[0][0].judge.detector.score(
            Batch(
                cameras=tuple(shadow.name for shadow, _, _ in group),
                times_s=tuple(frame.time_s for _, frame, _ in group),
                pixels=[frame.pixels for _, frame, _ in group],
            )
        )
        for index, (shadow, _, flagged) in enumerate(group):
            shadow.observe(scores, index, flagged=flagged)
