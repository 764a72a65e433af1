"""Which faults of a camera are looked for."""

from __future__ import annotations

import msgspec

from pipelines.types import HealthKind


class HealthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which faults of the picture and the stream are told apart from anomalies."""

    enabled: bool = True
    ignore: tuple[HealthKind, ...] = ()
    """Kinds that are not looked for, such as ``["moved"]`` for a camera that turns, or ``["frame_rate"]`` for one that
    sends fewer frames when little happens. A lost camera is always told."""
