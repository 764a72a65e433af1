"""What the demonstration says in the terminal; plain lines where stdout is a file or a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from daemon.commands.terminal import results
from daemon.demo.folder import Folder
from daemon.demo.tally import Outcome, Summary
from daemon.demo.watching import Heard
from daemon.demo.words import signal_name
from daemon.demo.workshop import Job

_PHASE_STYLES = {"begin": "bold red", "update": "yellow", "end": "green"}
_CAMERA_STYLES = ("cyan", "magenta", "blue", "bright_green")


class Teller:
    """Says what is going on. Everything goes through one console, so that bars and lines do not mix."""

    def __init__(self, cameras: Sequence[str], console: Console | None = None) -> None:
        self._console = console or results()
        self._styles = {name: _CAMERA_STYLES[i % len(_CAMERA_STYLES)] for i, name in enumerate(cameras)}
        self._width = max(len(name) for name in cameras)
        self._began: set[str] = set()
        self._steps = 0

    def step(self, text: str, remark: str = "") -> None:
        """Begin a part."""
        self._steps += 1
        self._console.print(f"\n[bold]{self._steps}. {escape(text)}[/]")
        if remark:
            self._console.print(f"   [dim]{escape(remark)}[/]")

    def line(self, text: str) -> None:
        """Say something within a part."""
        self._console.print(f"   {escape(text)}")

    def command(self, text: str) -> None:
        """Show a command as a user would type it."""
        self._console.print(f"   [bold green]$[/] {escape(text)}")

    def bars(self) -> Progress:
        """Progress bars, seen on a terminal only."""
        return Progress(
            TextColumn("  "), SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
            MofNCompleteColumn(), TimeElapsedColumn(),
            console=self._console, disable=not self._console.is_terminal, transient=True,
        )  # fmt: skip

    def follow(self, bars: Progress, jobs: Mapping[str, Job]) -> Callable[[], None]:
        """Give each job a bar under its name; what is returned brings them up to date."""
        tasks = [(name, job, bars.add_task(name, total=None)) for name, job in jobs.items()]

        def show() -> None:
            for name, job, task in tasks:
                what = "done" if job.finished else job.what or "waits"
                bars.update(task, description=f"{name}: {what}", completed=job.done, total=job.total)

        return show

    def state(self, camera: str, state: str) -> None:
        """A camera came into a state."""
        self._console.print(f"   [dim]{clock(time.time())}[/]  {self._name(camera)}  [dim]is {escape(state)}[/]")

    def alert(self, one: Heard) -> None:
        """An alert, as it comes."""
        header = one.header
        latency = f"{header.latency_ms.capture_to_publish:4.0f} ms" if header.latency_ms else ""
        fired = ", ".join(signal_name(s.name) for s in header.signals if s.fired)
        # Several signals can reach the threshold together though none of them does alone.
        together = " and ".join(dict.fromkeys(signal_name(s.name) for s in header.signals[:2]))
        signals = fired or ("" if header.phase == "end" else together)
        parts = [
            f"[dim]{clock(header.captured_unix)}[/]",
            self._name(header.camera),
            f"[{_PHASE_STYLES.get(header.phase, 'default')}]{header.phase:6}[/]",
            f"score {header.score:5.2f} of {header.threshold:.2f}",
            f"{latency:>8}",
            self._meaning(one),
            f"[dim]{escape(signals)}[/]",
        ]
        self._console.print("   " + "  ".join(parts).rstrip())

    def _name(self, camera: str) -> str:
        return f"[{self._styles[camera]}]{escape(camera):{self._width}}[/]"

    def _meaning(self, one: Heard) -> str:
        if one.sighting.over:
            return f"[dim]after {one.header.duration_s:.1f} s[/]"
        if not one.shown:
            return "[yellow]nothing planted there[/]"
        fresh = [span for span in one.shown if f"{one.sighting.camera} {span.id}" not in self._began]
        self._began.update(f"{one.sighting.camera} {span.id}" for span in one.shown)
        if not fresh:
            return f"[dim]{', '.join(span.id for span in one.shown)}[/]"
        span = fresh[0]
        return f"[bold green]found {span.id}, {max(0.0, one.sighting.clip_s - span.first_s):.1f} s after it appeared[/]"

    def summary(self, summary: Summary, folder: Folder, metrics: str) -> None:
        """The table, and where to look."""
        self._console.print()
        self._console.print(_table(summary))
        look = [
            (folder.wall, "the best alert of each kind and camera"),
            (folder.best, "the best of them as it came"),
            (f"{folder.alerts}/", "overlay, picture, heat map and header of every alert"),
            (metrics, "Prometheus metrics, while the daemon runs: vigil demo --keep leaves it running"),
        ]
        self._console.print("\n[bold]look at[/]")
        for where, what in look:
            self._console.print(f"   {escape(f'{where!s:<36}')}  [dim]{escape(what)}[/]")
        if summary.passed:
            self._console.print(
                "[bold green]good enough:[/] at least 4 of 5 kinds found in each view, at most 1 false alarm"
            )
        for text in summary.shortcomings:
            self._console.print(f"[bold red]not good enough:[/] {escape(text)}")


def clock(unix_s: float) -> str:
    """Local time to a tenth of a second."""
    return time.strftime("%H:%M:%S", time.localtime(unix_s)) + f".{int(unix_s % 1 * 10)}"


def _table(summary: Summary) -> Table:
    table = Table(title="what came of it", title_justify="left", title_style="bold")
    table.add_column("camera")
    for title in ("frames analysed", "dropped", "alerts", "events", "capture to publish\np50 / p99, ms", "found"):
        table.add_column(title, justify="right")
    table.add_column("missed")
    table.add_column("false alarms", justify="right")
    for one in summary.cameras:
        table.add_row(one.camera, *_row([one], one.latency_p50_ms, one.latency_p99_ms))
    table.add_section()
    table.add_row("all", *_row(summary.cameras, summary.latency_p50_ms, summary.latency_p99_ms), style="bold")
    return table


def _row(outcomes: Sequence[Outcome], p50_ms: float | None, p99_ms: float | None) -> list[str]:
    found = sum(len(one.kinds_found) for one in outcomes)
    missed = [kind for one in outcomes for kind in one.kinds_missed]
    alarms = sum(len(one.false_alarms) for one in outcomes)
    return [
        str(sum(one.frames_analysed for one in outcomes)),
        str(sum(one.frames_dropped for one in outcomes)),
        str(sum(one.alerts for one in outcomes)),
        str(sum(one.events for one in outcomes)),
        "-" if p50_ms is None or p99_ms is None else f"{p50_ms:.0f} / {p99_ms:.0f}",
        f"{found} of {found + len(missed)}",
        ", ".join(missed) if len(outcomes) == 1 else str(len(missed)),
        str(alarms),
    ]
