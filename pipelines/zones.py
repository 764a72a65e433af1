"""Zones of a camera's picture, which have a name and a weight, and privacy masks, behind which nothing is shown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np

from engines.zoning import GRAIN, Cells, Hidden, Zoning
from pipelines.polygon import Corners, drawn, flaw_of
from pipelines.types import Region

MOST_WEIGHT: Final = 2.0
"""Normal frames get as far as 1 at every place, and thresholds lie not far above: more than this would flag them."""
_MOST: Final = 32
"""Zones, and masks, of a camera."""
_MIXED: Final = 3
"""Cells around a mask that are not what they were: scaling mixes pixels with their neighbours."""
_MOST_HIDDEN: Final = 0.9
"""Share of the picture: what is left must tell how the camera is."""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Polygon: TypeAlias = tuple[
    Annotated[tuple[_Share, _Share], msgspec.Meta(description="[x, y], each a number from 0 to 1")], ...
]
ZoneName: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\w([\w .-]{0,62}[\w.-])?\Z",
        description="1 to 64 letters, digits, spaces, dots, - or _, the first a letter or digit",
    ),
]


class ZoneSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[cameras.zones]]`` table: a part of the picture with a name and a weight."""

    name: ZoneName
    polygon: Polygon
    """Corners in order, x from the left and y from the top as shares of the picture's width and height."""
    weight: Annotated[float, msgspec.Meta(ge=0, le=MOST_WEIGHT)] = 1.0
    """Multiplies how far from normal its places are: 0 never raises an alarm, 1 is as without the zone, more is more
    sensitive, and more false alarms. Where zones overlap, the later one counts."""


class MaskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[cameras.masks]]`` table: a part of the picture that nobody is shown."""

    polygon: Polygon


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A zone, as alerts tell of it."""

    name: str
    corners: Corners
    weight: float
    cells: Cells
    """bool [GRAIN, GRAIN]: which cells lie in it."""

    @classmethod
    def of(cls, settings: ZoneSettings) -> Zone:
        """Draw it."""
        return cls(settings.name, settings.polygon, settings.weight, drawn([settings.polygon], GRAIN, GRAIN))

    @property
    def share(self) -> float:
        """The share of the picture that it covers."""
        return float(self.cells.mean())

    def touches(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether any of it lies in a box, given in shares of the picture."""
        rows = slice(math.floor(y * GRAIN), math.ceil((y + height) * GRAIN))
        return bool(self.cells[rows, math.floor(x * GRAIN) : math.ceil((x + width) * GRAIN)].any())


def in_zones(region: Region, zones: Sequence[Zone]) -> Region:
    """The region with the names of the zones that it touches."""
    box = region.x, region.y, region.width, region.height
    return replace(region, zones=tuple(zone.name for zone in zones if zone.touches(*box)))


def flaw_in(zones: Sequence[ZoneSettings], masks: Sequence[MaskSettings]) -> str | None:
    """What is wrong with a camera's zones and masks, as ``KEY: expected ..., got ...``; None if nothing is."""
    for kind, polygons in (("zones", [zone.polygon for zone in zones]), ("masks", [mask.polygon for mask in masks])):
        if len(polygons) > _MOST:
            return f"{kind}: expected at most {_MOST}, got {len(polygons)}"
        for index, polygon in enumerate(polygons):
            if (flaw := flaw_of(polygon)) is not None:
                return f"{kind}[{index}].polygon: {flaw}"
    return _double_name(zones) or _all_hidden(masks)


def _double_name(zones: Sequence[ZoneSettings]) -> str | None:
    names = [zone.name for zone in zones]
    for index, name in enumerate(names):
        if Counter(names)[name] > 1 and names.index(name) != index:
            return f'zones[{index}].name: expected a name of its own, got "{name}" a second time'
    return None


def _all_hidden(masks: Sequence[MaskSettings]) -> str | None:
    hidden = hidden_by(masks)
    share = 0.0 if hidden is None else float(hidden.cells.mean())
    if share <= _MOST_HIDDEN:
        return None
    return f"masks: expected at most {_MOST_HIDDEN:.0%} of the picture to be hidden, got {share:.0%}"


def hidden_by(masks: Sequence[MaskSettings]) -> Hidden | None:
    """What masks hide, and the cells beside it into which their grey is mixed; None without masks."""
    return Hidden(drawn([mask.polygon for mask in masks], GRAIN, GRAIN, wider=_MIXED)) if masks else None


def zoning_of(zones: Sequence[ZoneSettings], hidden: Hidden | None) -> Zoning | None:
    """What zones make of a frame's places, and what masks hide of it; None where they leave all as it is."""
    weights = np.ones((GRAIN, GRAIN), np.float32)
    for zone in zones:
        weights[drawn([zone.polygon], GRAIN, GRAIN)] = zone.weight
    return None if hidden is None and bool((weights == 1).all()) else Zoning(weights, hidden)
