"""What a running daemon did over a stretch of time, by its own metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from daemon.bench.figures import Found
from daemon.bench.footage import Footage
from daemon.bench.rig import Plan, Seat, Site, watching
from daemon.bench.scrape import Page

VIEWS = 4
"""Different views that cameras show; further cameras repeat them."""
_ALARMED = 8
"""Of so many busy cameras one raises alerts all the time, so that there are some to be timed."""
_TICK_S = 5.0
"""Between looks, which are what Prometheus does every 15 s: with dozens of cameras one costs the daemon some 50 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Figures of a stretch of time."""

    cameras: int
    seconds: float
    offered: float
    """Frames chosen for analysis, a second, all cameras."""
    analysed: dict[str, float]
    """Frames analysed by camera; answers that were reused because nothing had changed count."""
    dropped: dict[str, float]
    """By cause."""
    cores: float
    """Processor seconds a second, of the daemon and its helper processes."""
    memory_mb: tuple[float, float, float]
    """Theirs at the beginning, at the end, and at its highest; pages that they share count once."""
    verdict_ms: tuple[float, float]
    """Median and 99th percentile from capture to verdict, all frames."""
    publish_ms: tuple[float, float]
    """The same from capture to publish, frames that raised an alert; NaN without any."""
    alerts: float

    @property
    def analysed_fps(self) -> float:
        """Frames analysed a second, all cameras."""
        return sum(self.analysed.values()) / self.seconds

    @property
    def share(self) -> float:
        """The share of the frames offered that was analysed."""
        return min(1.0, self.analysed_fps / self.offered)

    @property
    def unevenness(self) -> float:
        """How far the camera served worst lies behind the one served best, as a share of the mean."""
        counts = list(self.analysed.values())
        return (max(counts) - min(counts)) / (sum(counts) / len(counts))


def seats(footage: Footage, cameras: int, *, still: float = 0.0, views: int = VIEWS) -> dict[str, Seat]:
    """`cameras` cameras of which the share `still` shows a view where nothing moves; the busy ones come first."""
    busy = round(cameras * (1 - still))
    footage.views([number % views for number in range(busy)], [number % views for number in range(busy, cameras)])
    made = {}
    for number in range(cameras):
        view = number % views
        clip = footage.busy(view) if number < busy else footage.still(view)
        alarmed = number < busy and number % _ALARMED == 0
        made[f"cam{number:02d}"] = Seat(clip, footage.profile(view), alarmed)
    return made


def watch(folder: Path, plan: Plan, settle_s: float, seconds: float) -> Watched:
    """Run a daemon on the plan, let it settle, and read off what it does for so long. Raises `ChildFailed`."""
    with watching(folder, plan) as site:
        time.sleep(settle_s)
        return observe(site, len(plan.seats), len(plan.seats) * plan.fps, seconds)


def observe(site: Site, cameras: int, offered: float, seconds: float) -> Watched:
    """Read off what a daemon does for so long."""
    before, began = site.page(), time.monotonic()
    memory = [memory_mb(before)]
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(min(_TICK_S, max(0.05, seconds - passed)))
        memory.append(memory_mb(site.page()))
    after, passed = site.page(), time.monotonic() - began
    return Watched(
        cameras=cameras,
        seconds=passed,
        offered=offered,
        analysed=_grown(before, after, "camera", "vigil_frames_analysed_total"),
        dropped=_grown(before, after, "cause", "vigil_frames_dropped_total"),
        cores=(after.total("vigil_cpu_seconds_total") - before.total("vigil_cpu_seconds_total")) / passed,
        memory_mb=(memory[0], memory[-1], max(memory)),
        verdict_ms=_quantiles(before, after, "vigil_capture_to_verdict_seconds"),
        publish_ms=_quantiles(before, after, "vigil_capture_to_publish_seconds"),
        alerts=after.total("vigil_alerts_published_total") - before.total("vigil_alerts_published_total"),
    )


def tell(found: Found, name: str, seen: Watched) -> None:
    """Note the figures of a run under a name."""
    found.add(f"{name}: frames analysed", seen.analysed_fps, "frames/s", "more")
    found.add(f"{name}: share of frames analysed", seen.share, "", "more")
    found.add(f"{name}: cores used by the daemon", seen.cores, "", "less")
    found.add(f"{name}: streams a core", seen.cameras / seen.cores, "", "more")
    for what, (half, most) in (("verdict", seen.verdict_ms), ("publish", seen.publish_ms)):
        found.add(f"{name}: capture to {what}, p50", half, "ms", "less")
        found.add(f"{name}: capture to {what}, p99", most, "ms", "less")
    found.add(f"{name}: alerts", seen.alerts)
    found.add(f"{name}: memory, highest", seen.memory_mb[2], "MB", "less")
    found.add(f"{name}: unevenness among cameras", seen.unevenness, "", "less")
    for cause, count in seen.dropped.items():
        if count:
            found.add(f"{name}: dropped, {cause}", count / seen.seconds, "frames/s")


def memory_mb(page: Page) -> float:
    """What the daemon and its helper processes hold, MB; pages that they share count once.

    The benchmark's own processes use the same libraries, which lowers the daemon's part of them. What its own process
    has resident is the least that counts, and all there is when it has no helpers.
    """
    return max(page.total("vigil_memory_bytes"), page.total("process_resident_memory_bytes")) / 2**20


def p99_ms(seen: Watched) -> float:
    """The slower of the two 99th percentiles: to the verdict of any frame, and to the publishing of an alert."""
    return max(each for each in (seen.verdict_ms[1], seen.publish_ms[1]) if each == each)  # noqa: PLR0124 - NaN


def _grown(before: Page, after: Page, label: str, name: str) -> dict[str, float]:
    first = before.by(label, name)
    return {key: count - first.get(key, 0.0) for key, count in after.by(label, name).items()}


def _quantiles(before: Page, after: Page, name: str) -> tuple[float, float]:
    half, most = (1e3 * after.quantile(share, name, before) for share in (0.5, 0.99))
    return half, most
