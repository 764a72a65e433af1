"""The contract of the engine room: tensors in, scores out.

Nothing here knows of cameras' streams, sockets or threads. A *place* is a cell of the map: the picture is
divided into ``h x w`` places whatever the camera's resolution. Shapes use N frames, H x W pixels of the
network's input, h x w places, C latent channels, F feature channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

Signal: TypeAlias = Literal["appearance-latent", "appearance-reconstruction", "motion"]
"""One cause for suspicion."""

SIGNALS: tuple[Signal, ...] = ("appearance-latent", "appearance-reconstruction", "motion")

Regime: TypeAlias = Literal["day", "infrared"]
"""How a camera sees: in colour, or, at night and if it never does otherwise, without."""

REGIMES: tuple[Regime, ...] = ("day", "infrared")


GAP_S = 2.0
"""Frames of a camera further apart than this, in seconds, do not belong together."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Frames of one or several cameras, to be scored together.

    A camera may appear more than once; its frames are then in order of time.
    """

    cameras: tuple[str, ...]
    """Length N: whose profile judges each frame."""
    times_s: tuple[float, ...]
    """Length N: seconds on each camera's own clock, increasing within a camera; only differences count."""
    pixels: Pixels | Sequence[Pixels]
    """uint8 [N, H, W, 3], RGB, at the network's input size: one array, or one a frame."""
    again: bool = False
    """Whether some of these frames are to be scored by another profile next: then they are not encoded once more."""

    def __len__(self) -> int:
        return len(self.cameras)


class Maps:
    """What is said of each place of one frame: made when first asked for, since few frames are ever looked at.

    Any thread may ask.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[Floats, Mapping[Signal, Floats]]]) -> None:
        """`make` gives the fused map, float32 [h, w], and one a signal; it may be called by several threads."""
        self._make: Callable[[], tuple[Floats, Mapping[Signal, Floats]]] | None = make
        self._made: tuple[Floats, Mapping[Signal, Floats]] | None = None

    @classmethod
    def of(cls, fused: Floats, signals: Mapping[Signal, Floats]) -> Maps:
        """Maps that are there already."""
        return cls(lambda: (fused, signals))

    @property
    def fused(self) -> Floats:
        """float32 [h, w]: the fused score of each place, in the unit of scores."""
        return self._all()[0]

    @property
    def signals(self) -> Mapping[Signal, Floats]:
        """One float32 [h, w] a signal, same unit."""
        return self._all()[1]

    def _all(self) -> tuple[Floats, Mapping[Signal, Floats]]:
        # In this order: whoever clears the one has set the other before.
        make, made = self._make, self._made
        if made is None:
            assert make is not None
            made = self._made = make()
        self._make = None  # with what it holds on to
        return made


@dataclass(frozen=True, slots=True)
class Situation:
    """What a frame was judged in."""

    regime: Regime = "day"
    enrolled: bool = True
    """Whether the profile knows this regime; if not, the frame was judged by another's as far as that goes."""
    changing: bool = False
    """Whether the light was changing all over the picture."""
    suppressed: bool = False
    """Whether the frame would have been flagged but for what is allowed to a light that has changed."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the detector says of a batch.

    The unit of every score is *surprise*: ``-log10`` of the share of the camera's normal frames that score at
    least as high, extrapolated beyond the footage by the fitted tail. 3 means one normal frame in a thousand.
    It is not clamped.
    """

    score: Floats
    """float32 [N]: the fused score, smoothed causally over the camera's last frames."""
    threshold: Floats
    """float32 [N]: at or above it a frame is flagged."""
    maps: Sequence[Maps]
    """N: what is said of each place, same unit as `score`."""
    signals: Mapping[Signal, Floats]
    """One float32 [N] a signal, same unit."""
    uncertainty: Floats
    """float32 [N]: one standard deviation of `score`, from the ensemble of fits made at enrolment."""
    situations: Sequence[Situation] = ()
    """N; or none, of an engine that knows no regimes."""

    def __len__(self) -> int:
        return len(self.score)

    @property
    def map(self) -> Floats:
        """float32 [N, h, w]: the fused maps of all frames."""
        return np.stack([one.fused for one in self.maps])

    @property
    def signal_maps(self) -> Mapping[Signal, Floats]:
        """One float32 [N, h, w] a signal: the maps of all frames."""
        return {signal: np.stack([one.signals[signal] for one in self.maps]) for signal in SIGNALS}


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoder makes of a batch."""

    latent: Floats
    """float32 [N, h, w, C]: the representation, whitened so that channels are comparable."""
    features: Floats
    """float32 [N, h, w, F]: what the decoder has to give back."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What the decoder regenerates from latents."""

    features: Floats
    """float32 [N, h, w, F]."""
    picture: Floats
    """float32 [N, P, P, 3], RGB in 0..1, at the size the network's description states (`picture_size`)."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine runs, for logs, metrics and alerts."""

    runtime: str
    """``openvino``, ``tensorrt`` or ``torch``."""
    device: str
    """``AMD EPYC`` or ``NVIDIA H100``: the maker's name of what computes."""
    precision: str
    """``f32``, ``bf16``, ``f16`` or ``int8``."""
    model: str
    """The first 12 hex digits of the network file's SHA-256."""


EngineState: TypeAlias = Literal["building", "checking", "serving"]
"""What goes on beside serving: a better engine is built, or checked against the reference, or nothing."""

ENGINE_STATES: tuple[EngineState, ...] = ("building", "checking", "serving")


DevicePart: TypeAlias = Literal["upload", "compute", "download"]
"""What a device of its own spends time on: frames going there, the network, results coming back."""

DEVICE_PARTS: tuple[DevicePart, ...] = ("upload", "compute", "download")


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Sizes that a network file states of itself (ONNX metadata)."""

    input_size: tuple[int, int]
    """(H, W) of the uint8 NHWC RGB input."""
    places: tuple[int, int]
    """(h, w) of the map."""
    latent_channels: int
    feature_channels: int
    picture_size: tuple[int, int]
    """Height and width of the regenerated picture."""


@runtime_checkable
class Engine(Protocol):
    """A compiled encoder-decoder.

    Normalisation is inside the compiled graph. An engine belongs to the thread that opened it: device contexts
    and streams are made in `open` and released in `close`. One that was made for several callers, on a processor, may
    be called by so many threads at a time. Calls raise `engines.errors.EngineError`.
    """

    @property
    def info(self) -> EngineInfo:
        """Which engine this is; valid before `open`."""

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors; valid before `open`."""

    def open(self) -> None:
        """Compile or load from cache, and warm up, on the calling thread."""

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]. The arrays returned are the caller's to keep."""

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]. The arrays returned are the caller's to keep."""

    def close(self) -> None:
        """Release everything; may be called twice."""


@runtime_checkable
class Timed(Protocol):
    """An engine whose device keeps time."""

    def take_times(self) -> Mapping[DevicePart, float]:
        """Seconds that the device spent since the last call, by its own clock; empty when it was not used.

        Parts overlap where a device copies and computes at once, so their sum can exceed the time that passed.
        """


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long task is, for a progress bar."""

    done: int
    total: int | None
    what: str = field(default="")
