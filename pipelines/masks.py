"""Privacy masks: what lies behind them is filled right after decoding, before anything else sees the frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from engines.contract import Pixels
from engines.zoning import Cells, Hidden
from pipelines.polygon import Corners, drawn
from pipelines.sources.source import Sample, Source
from pipelines.zones import MaskSettings, hidden_by

GREY: Final = (112, 112, 112)
"""What is shown in place of what is hidden."""
_WIDER: Final = 2
"""Pixels around a mask that are filled too: scaling and coded colour mix a pixel with its neighbours."""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """The privacy masks of a camera at one time."""

    polygons: tuple[Corners, ...]
    hidden: Hidden
    _drawn: dict[tuple[int, int], Cells] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, settings: Sequence[MaskSettings]) -> Self | None:
        """None without masks."""
        hidden = hidden_by(settings)
        return None if hidden is None else cls(tuple(mask.polygon for mask in settings), hidden)

    def fill(self, picture: Pixels) -> Pixels:
        """A copy of a picture, uint8 [H, W, 3], with what is hidden filled."""
        filled = picture.copy()
        filled[self._on(*picture.shape[:2])] = GREY
        return filled

    def hide(self, sample: Sample) -> Sample:
        """The same frame with what is hidden filled, in the pixels to analyse and in the picture for people."""
        picture: Callable[[], Pixels] = sample.picture
        return dataclasses.replace(
            sample, pixels=self.fill(sample.pixels), picture=lambda: self.fill(picture()), hidden=self.hidden
        )

    def _on(self, rows: int, columns: int) -> Cells:
        """A camera has one size, or two while it changes."""
        if (known := self._drawn.get((rows, columns))) is None:
            if len(self._drawn) > 3:
                self._drawn.clear()
            self._drawn[rows, columns] = known = drawn(self.polygons, rows, columns, wider=_WIDER)
        return known


class Curtain:
    """What hangs before a camera: the masks that are in force. Any thread may draw it; the next frame is behind it."""

    def __init__(self, masks: Masks | None = None) -> None:
        self.masks = masks
        """None: nothing is hidden."""

    def before(self, source: Source) -> Source:
        """The source as it is seen through the curtain."""
        return _Curtained(source, self)


class _Curtained:
    """A source whose frames come with what is hidden filled."""

    def __init__(self, source: Source, curtain: Curtain) -> None:
        self._source = source
        self._curtain = curtain

    @property
    def still(self) -> bool:
        return self._source.still

    @property
    def size_hint(self) -> int | None:
        return self._source.size_hint

    def open(self) -> None:
        self._source.open()

    def read(self, patience_s: float | None = None) -> Sample | None:
        sample = self._source.read(patience_s)
        masks = self._curtain.masks
        return sample if sample is None or masks is None else masks.hide(sample)

    def close(self) -> None:
        self._source.close()
