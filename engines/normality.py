"""A camera's normality: everything the detector judges a frame by, as fitted at enrolment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.contract import Decoded, Floats
from engines.paces import Paces
from engines.place import Memory
from engines.reconstruction import Reconstruction
from engines.scoring import Fusion, View
from engines.traffic import Traffic

_ENSEMBLE = "ensemble"
_MIRRORED = "mirrored"


@dataclass(frozen=True, slots=True, eq=False)
class Lasting:
    """What normally stays."""

    memory: Memory
    scale: Floats
    """float32 [h, w]: how far from the memory averaged latents normally stand."""

    def distance(self, latent: Floats) -> Floats:
        """Compare averaged latents [N, h, w, C]: float32 [N, h, w], for `lasting.Standing`."""
        return self.memory.distance(latent)


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """What is normal of frames that follow each other."""

    traffic: Traffic
    lasting: Lasting | None
    """None when no stretch of the footage was long enough to say."""
    paces: Paces | None
    """None when too little moved in it, or of a profile of before bodies were measured."""

    def compare(self, fields: Floats) -> dict[View, Floats]:
        """Maps of the motion views from displacements [N, CELLS, CELLS, 2], as they are before `steady`."""
        maps: dict[View, Floats] = {"motion": self.traffic.compare(fields)}
        return maps if self.paces is None else maps | {"motion-bodies": self.paces.compare_all(fields)}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        arrays = self.traffic.to_arrays()
        if self.lasting is not None:
            arrays |= {**self.lasting.memory.to_arrays("lasting"), "lasting_scale": self.lasting.scale}
        return arrays if self.paces is None else arrays | self.paces.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Moving:
        """The inverse of `to_arrays`."""
        lasting = None
        if "lasting_scale" in arrays:
            lasting = Lasting(Memory.from_arrays(arrays, "lasting"), arrays["lasting_scale"].astype(np.float32))
        paces = Paces.from_arrays(arrays) if "paces.known" in arrays else None
        return cls(Traffic.from_arrays(arrays), lasting, paces)


@dataclass(frozen=True, slots=True, eq=False)
class Normality:
    """The fitted models of one camera and their calibration."""

    memory: Memory
    latent_scale: Floats
    """float32 [h, w]: how far from the memory latents normally get at each place."""
    reconstruction: Reconstruction
    moving: Moving | None
    """None for stills."""
    fusion: Fusion
    ensemble: tuple[Fusion, ...]
    """The calibration fitted again without each of several blocks of the footage."""
    mirrored: bool = False
    """Whether pictures are seen in a mirror too, as stills are; not by a profile of before. See `stills.look_twice`."""

    def appearance(self, distance: Floats, features: Floats, regenerated: Decoded) -> dict[View, Floats]:
        """Maps [1, h, w] of both appearance signals of one frame, 1 where as far from normal as normal frames get.

        `regenerated` has the residual of the picture, not the picture.
        """
        left = self.reconstruction.compare_regenerated(features, regenerated.features, regenerated.picture)
        return {"appearance-latent": distance / self.latent_scale, "appearance-reconstruction": left}

    @property
    def whitens_alike(self) -> bool:
        """Whether frames and averages are compared in one space, as is learnt today."""
        lasting = None if self.moving is None else self.moving.lasting
        return lasting is not None and np.array_equal(lasting.memory.whiten, self.memory.whiten)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        arrays = {
            **self.memory.to_arrays("memory"),
            "latent_scale": self.latent_scale,
            **self.reconstruction.to_arrays(),
            **({} if self.moving is None else self.moving.to_arrays()),
            **self.fusion.to_arrays("fusion"),
            **({_MIRRORED: np.ones(1, np.float32)} if self.mirrored else {}),
        }
        for index, member in enumerate(self.ensemble):
            arrays.update(member.to_arrays(f"{_ENSEMBLE}{index}"))
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Normality:
        """The inverse of `to_arrays`. Raises LookupError, ValueError or TypeError when they are not of a profile."""
        members = sum(name.startswith(_ENSEMBLE) and name.endswith(".fused") for name in arrays)
        return cls(
            Memory.from_arrays(arrays, "memory"),
            arrays["latent_scale"].astype(np.float32),
            Reconstruction.from_arrays(arrays),
            Moving.from_arrays(arrays) if "traffic.scale" in arrays else None,
            Fusion.from_arrays(arrays, "fusion"),
            tuple(Fusion.from_arrays(arrays, f"{_ENSEMBLE}{index}") for index in range(members)),
            _MIRRORED in arrays,
        )
