"""What the judging threads are told of cameras that come, go or change: messages, obeyed between two batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from engines.contract import Batch, EngineInfo, NetworkSpec, Scores
from engines.detector import Detector, Watched
from engines.zoning import Zoning
from pipelines.gate import Gate
from pipelines.metrics import CameraMetrics


class Scorer(Protocol):
    """What judges frames: the detector."""

    def score(self, batch: Batch) -> Scores:
        """Score a batch; one entry a frame, in the batch's order."""

    def hold(self, camera: str, until_s: float, *, changed: bool) -> None:
        """Take in that a camera showed until then what its last scored frame shows; the next one may differ."""

    def forget(self, camera: str) -> None:
        """Drop what is remembered of a camera's last frames."""

    def remove(self, camera: str) -> None:
        """Drop a camera; does nothing when there is none of that name."""

    def retune(self, camera: str, threshold: float) -> None:
        """Flag a camera's frames from another score on."""

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        """Have a camera's places count by other weights from its next frame on."""


class Machine(Protocol):
    """What a detector computes with: an `engines.contract.Engine`, or what stands for one."""

    @property
    def info(self) -> EngineInfo:
        """Which engine this is."""

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""

    def open(self) -> None:
        """Compile or load from cache."""

    def close(self) -> None:
        """Release everything; may be called twice."""


class Prepared(Protocol):
    """What a camera is to be judged by: a profile made ready, for one detector. It has the camera's history too."""

    def join(self, camera: str) -> None:
        """Have the detector judge a camera by it from now on; a history that there is goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A profile made ready for a detector in this process."""

    detector: Detector
    watched: Watched

    def join(self, camera: str) -> None:
        """Have the detector judge a camera by it from now on."""
        self.detector.add(camera, self.watched)


@dataclass(frozen=True, slots=True)
class Judge:
    """A compiled network and the detector that runs on it, for the cameras whose profiles embed that network."""

    engine: Machine
    detector: Scorer


@dataclass(frozen=True, slots=True)
class Enter:
    """A camera is to be judged from now on, or by another profile than before."""

    camera: str
    judge: Judge
    watched: Prepared
    metrics: CameraMetrics
    gate: Gate | None
    gap_s: float
    zoning: Zoning | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """A camera is to be judged no more."""

    camera: str


@dataclass(frozen=True, slots=True)
class Retune:
    """A camera's frames are to be flagged from another score on, or come at another rate."""

    camera: str
    threshold: float
    gap_s: float


@dataclass(frozen=True, slots=True)
class Rezone:
    """A camera's places are to count by other weights, its frames to come behind other masks.

    To be ordered before the masks are drawn: of every frame it is known by then what is hidden of it.
    """

    camera: str
    zoning: Zoning | None


@dataclass(frozen=True, slots=True)
class Try:
    """Another profile is to judge the camera's frames on trial, and to take over after so many."""

    camera: str
    profile_id: str
    judge: Judge
    watched: Prepared
    frames: int


@dataclass(frozen=True, slots=True)
class EndTrial:
    """The profile on trial at a camera is not wanted any more."""

    camera: str


@dataclass(frozen=True, slots=True)
class Succeed:
    """The profile on trial has seen enough, and is to judge the camera from now on."""

    camera: str
    profile_id: str


@dataclass(frozen=True, slots=True)
class TookOver:
    """What the judging threads tell in turn: the profile on trial judges the camera from now on."""

    camera: str
    profile_id: str


Order: TypeAlias = Enter | Leave | Retune | Rezone | Try | EndTrial | Succeed
