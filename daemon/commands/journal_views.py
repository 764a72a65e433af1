"""What `vigil events` shows of the journal, beside a daemon that writes it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.markup import escape

from daemon.commands.exporting import export_alerts
from daemon.commands.terminal import notes, results, write_json
from daemon.config import journal_folder, load_journal_settings
from daemon.errors import SettingsError
from engines.errors import VigilError
from engines.quoting import shortened
from pipelines.headers import AlertHeader
from pipelines.journal.reader import JournalReader, KeptAlert, KeptEvent, Query
from pipelines.journal.settings import JournalSettings
from pipelines.journal.sqlite import DATABASE

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_INSTALLED = Path("/var/lib/vigil/journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which journal, and which of its events; as written on the command line."""

    config: Path
    journal: Path | None
    camera: str | None = None
    since: str | None = None
    until: str | None = None
    min_score: float | None = None

    def query(self, most: int | None = None) -> Query:
        """The conditions. Raises `SettingsError`."""
        return Query(
            camera=self.camera,
            since_unix=_when(self.since, "--since"),
            until_unix=_when(self.until, "--until"),
            min_score=self.min_score,
            most=most,
        )

    def reader(self) -> JournalReader:
        """The journal. Raises `JournalError`."""
        return JournalReader(self.journal if self.journal is not None else _folder(self.config))


def list_events(chosen: Chosen, most: int, *, as_json: bool) -> None:
    """One line an event."""
    query = chosen.query(most)
    with chosen.reader() as reader:
        events = reader.events(query)
    for event in events:
        if as_json:
            write_json(event)
        else:
            results().print(_event_line(event))
    if as_json:
        return
    if not events:
        notes().print("no event fits")
    elif len(events) == most:
        notes().print(f"the latest {most}; --most shows more")


def show_event(chosen: Chosen, event: str, *, as_json: bool) -> None:
    """Every alert of an event."""
    with chosen.reader() as reader:
        for alert in _alerts(reader, [event]):
            if as_json:
                write_json(alert.header)
            else:
                _show_alert(alert.header, reader.picture_file(alert))


def export_events(chosen: Chosen, events: Sequence[str], out: Path, *, pictures: bool) -> None:
    """The alerts of the events named, or of all that fit, into a folder or a zip file."""
    query = chosen.query()
    with chosen.reader() as reader:
        ids = events or [event.event_id for event in reader.events(query)]
        counted = export_alerts(reader, _alerts(reader, ids), out, pictures=pictures)
    notes().print(f"{counted.alerts} alerts of {len(ids)} events, {counted.pictures} pictures: {escape(str(out))}")


def _alerts(reader: JournalReader, ids: Sequence[str]) -> Iterator[KeptAlert]:
    for event_id in ids:
        found = reader.alerts_of(event_id)
        if not found:
            raise VigilError(f"the journal has no event {event_id}: vigil events list shows those it has")
        yield from found


def _folder(config: Path) -> Path:
    """Where the journal lies: as the settings say, else where it lies by default, else where the service has it."""
    settings = load_journal_settings(config) if config.is_file() else JournalSettings()
    folder = journal_folder(config, settings)
    if settings.folder == "auto" and not (folder / DATABASE).is_file():
        with suppress(OSError):
            if (_INSTALLED / DATABASE).is_file():
                return _INSTALLED
    return folder


def _when(text: str | None, option: str) -> float | None:
    """Unix time of ``2h`` (ago) or an ISO time, which is the machine's own unless it says otherwise."""
    if text is None:
        return None
    ago = _AGO.match(text)
    if ago is not None:
        return time.time() - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise SettingsError(
            f"{option}: expected 2h, 3d or a time like 2026-11-27T08:00, got {shortened(text, 60)!r}"
        ) from None


def _event_line(event: KeptEvent) -> str:
    end = "[yellow]going on[/]" if event.end_reason is None else escape(event.end_reason)
    return (
        f"{_clock(event.began_unix)}  {escape(event.camera):12}  {event.duration_s:7.1f} s  "
        f"score {event.peak_score:6.2f} of {event.threshold:.2f}  {event.alerts:4} alerts  {end:11}  "
        f"[dim]{escape(event.event_id)}[/]"
    )


def _show_alert(header: AlertHeader, picture: Path | None) -> None:
    reason = f" ({header.end_reason})" if header.end_reason else ""
    results().print(
        f"{_clock(header.captured_unix)}  [bold]{header.phase}[/]{escape(reason)}  number {header.seq}  "
        f"score {header.score:.2f} of {header.threshold:.2f}, peak {header.peak_score:.2f}, "
        f"for {header.duration_s:.1f} s"
    )
    fired = ", ".join(f"{signal.name} {signal.score:.2f}" for signal in header.signals if signal.fired)
    if fired:
        results().print(f"    fired: {escape(fired)}")
    for region in header.regions:
        box = region.pixels
        results().print(
            f"    at {box.x},{box.y}: {box.width} x {box.height} pixels, {region.score:.2f} by {escape(region.signal)}"
            + (f", in {escape(', '.join(region.zones))}" if region.zones else "")
        )
    results().print(f"    picture: {escape(str(picture)) if picture is not None else 'not kept'}")


def _clock(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))
