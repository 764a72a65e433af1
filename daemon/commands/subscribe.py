"""``vigil subscribe``: the reference subscriber."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from daemon.commands.terminal import notes, results, write_json
from daemon.errors import SettingsError
from engines.errors import VigilError
from pipelines.errors import WireError
from pipelines.guard.keyfiles import ClientKeys, read_client
from pipelines.headers import AlertHeader, HealthHeader, JournalHeader, RegimeHeader, StatusHeader
from pipelines.subscribe import After, Subscriber, first_from, save_message
from pipelines.wire import AlertMessage, HealthMessage, Message, RegimeMessage

_COLOURS = {"begin": "bold red", "update": "yellow", "end": "green"}


@dataclass(frozen=True, slots=True)
class SubscribeOptions:
    """The command's arguments."""

    endpoint: str
    camera: str | None = None
    save: Path | None = None
    as_json: bool = False
    first: str | None = None
    """The alert to begin with, as it is written."""
    replay: str = "auto"
    count: int | None = None
    timeout_s: float | None = None
    key: Path | None = None
    server_key: Path | None = None


def subscribe(options: SubscribeOptions) -> None:
    """Print what comes until told to stop, or until enough alerts have.

    Raises `SubscribeError` for an endpoint that makes no sense and after a silence of the time given.
    """
    show = _Show(options)
    # Ctrl-C is how a person ends it; one who stops reading the pipe ends it too.
    with suppress(KeyboardInterrupt, BrokenPipeError):
        subscriber = Subscriber(
            options.endpoint,
            options.camera,
            after=_after(options.first),
            replay=None if options.replay == "off" else options.replay,
            timeout_s=options.timeout_s,
            on_gap=show.gap,
            on_journal=show.journal,
            on_refused=show.remark,
            keys=_keys(options),
        )
        with subscriber as messages:
            while options.count is None or show.alerts < options.count:
                try:
                    show.message(messages.receive(options.timeout_s))
                except WireError as error:
                    show.remark(str(error))


def _after(first: str | None) -> After | None:
    try:
        return None if first is None else first_from(first)
    except ValueError as error:
        raise SettingsError(f"--from: {error}") from None


def _keys(options: SubscribeOptions) -> ClientKeys | None:
    if options.key is None:
        if options.server_key is not None:
            raise SettingsError("--server-key: expected --key FILE beside it, the subscriber's own")
        return None
    return read_client(options.key, options.server_key)


class _Show:
    """Puts messages before people or programs."""

    def __init__(self, options: SubscribeOptions) -> None:
        self.alerts = 0
        self._options = options
        self._results, self._notes = results(), notes()
        self._states: dict[str, str] = {}
        self._journal = "ok"

    def message(self, message: Message) -> None:
        """Print and keep one message."""
        self.alerts += isinstance(message, AlertMessage)
        if self._options.as_json:
            write_json(message.header)
        elif isinstance(message, AlertMessage):
            self._results.print(_alert_line(message.header))
        elif isinstance(message, HealthMessage):
            self._results.print(_health_line(message.header))
        elif isinstance(message, RegimeMessage):
            self._results.print(_regime_line(message.header))
        else:
            self._status(message.header)
        if self._options.save is not None:
            self._keep(message, self._options.save)
        sys.stdout.flush()

    def gap(self, gap: object) -> None:
        """Say that messages were lost."""
        self.remark(str(gap))

    def journal(self, header: JournalHeader) -> None:
        """Say when the daemon's journal does not keep all, and when it does again."""
        if header.state not in {self._journal, "starting"}:
            self._journal = header.state
            self.remark(f"the journal of alerts is {header.state}{f': {header.reason}' if header.reason else ''}")

    def remark(self, text: str) -> None:
        """Say something beside the results."""
        self._notes.print(f"[yellow]note:[/] {escape(text)}")

    def _status(self, header: StatusHeader) -> None:
        """Heartbeats repeat a state; people want its changes."""
        why = f": {header.reason}" if header.reason and header.state in ("lost", "refused") else ""
        told = f"{header.state}{why}"
        if self._states.get(header.camera) != told:
            self._states[header.camera] = told
            self._results.print(f"[dim]{_clock(header.sent_unix)} {header.camera} is {escape(told)}[/]")

    @staticmethod
    def _keep(message: Message, folder: Path) -> None:
        try:
            save_message(message, folder)
        except OSError as error:
            raise VigilError(f"--save {folder}: cannot write there ({error.strerror})") from error


def _alert_line(header: AlertHeader) -> str:
    latency = header.latency_ms
    parts = [
        _clock(header.captured_unix),
        escape(header.camera),
        f"[{_COLOURS.get(header.phase, 'default')}]{header.phase:6}[/]",
        f"score {header.score:.2f} of {header.threshold:.2f}",
        f"by {header.signals[0].name}" if header.signals else "",
        f"in {escape(', '.join(zones))}" if (zones := zones_of(header)) else "",
        f"for {header.duration_s:.1f} s" if header.phase != "begin" else "",
        f"({header.end_reason})" if header.end_reason else "",
        f"[dim]{escape(header.event_id)}[/]",
        f"[dim]{latency.capture_to_publish:.0f} ms[/]" if latency else "",
    ]
    return "  ".join(part for part in parts if part)


def zones_of(header: AlertHeader) -> list[str]:
    """The zones that an alert's regions touch, those of the strongest first."""
    return list(dict.fromkeys(zone for region in header.regions for zone in region.zones))


def _health_line(header: HealthHeader) -> str:
    colour = "magenta" if header.phase == "begin" else "green"
    after = f"after {header.duration_s:.1f} s" if header.phase == "end" else escape(header.cause)
    unwatched = "" if header.judged or header.phase == "end" else "  (not watched meanwhile)"
    camera = escape(header.camera)
    return f"{_clock(header.at_unix)}  {camera}  [{colour}]fault {header.phase}[/]  {header.kind}: {after}{unwatched}"


def _regime_line(header: RegimeHeader) -> str:
    after = f"after {header.duration_s:.1f} s: " if header.phase == "end" else ""
    spared = f"  ({header.suppressed} frames suppressed)" if header.suppressed else ""
    camera, kind = escape(header.camera), header.kind.replace("_", " ")
    return f"{_clock(header.at_unix)}  {camera}  [cyan]{kind} {header.phase}[/]  {after}{escape(header.reason)}{spared}"


def _clock(unix_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix_s)) + f".{int(unix_s % 1 * 1000):03d}"
