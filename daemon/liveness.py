"""Whether the daemon does its work, which is more than being alive: what the watchdog is fed by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of the stages at one moment; all times from `time.monotonic_ns`."""

    now_ns: int
    essential: Sequence[tuple[str, int]]
    """(thread, last completed step) of each stage that the process cannot do without."""
    captures: Sequence[tuple[str, int]]
    """The same of each capture thread that runs; one that waits for its restart or has finished is not there."""
    live_since_ns: int | None
    """Since when at least one camera has been delivering frames; None when none is."""
    analysed_ns: int
    """When a frame was last analysed; 0 for never."""


def ailment(vitals: Vitals, stall_s: float) -> str | None:
    """Why the daemon no longer does its work, or None while it does.

    That every camera is down is no ailment: then it is enough that the threads keep stepping. One wedged capture
    thread is none either, for ending the process would take the other cameras with it.
    """

    def silent_s(since_ns: int) -> float:
        return (vitals.now_ns - since_ns) / 1e9

    for thread, beat_ns in vitals.essential:
        if silent_s(beat_ns) > stall_s:
            return f"{thread} has not completed a step for {silent_s(beat_ns):.0f} s"
    if vitals.live_since_ns is not None:
        idle_s = silent_s(max(vitals.live_since_ns, vitals.analysed_ns))
        return f"cameras deliver but no frame was analysed for {idle_s:.0f} s" if idle_s > stall_s else None
    if vitals.captures and all(silent_s(beat_ns) > stall_s for _, beat_ns in vitals.captures):
        return f"no capture thread has completed a step for {stall_s:.0f} s"
    return None
