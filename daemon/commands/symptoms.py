"""What ails the daemon of a settings file, in plain words with what to do: files, crashes, the running process."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.commands.asking import Asked, ask
from daemon.commands.finding import Finding
from daemon.config import Config, engine_settings, journal_folder, load_config
from daemon.crash import crash_folder, crashes, told
from daemon.errors import SettingsError
from engines.runtime.select import cache_folder

_FRESH_S: Final = 86_400.0
_LEAST_FREE: Final = 500_000_000
_CLOCK_ERROR: Final = 5
"""What adjtimex(2) answers when nothing keeps the clock right."""
_TIMEX_BYTES: Final = 512
"""More than a `struct timex` has."""


def symptoms(file: Path) -> list[Finding]:
    """Every finding of the daemon that runs, or should run, by a settings file."""
    findings = [*_crashes(), _clock()]
    try:
        config = load_config(file)
    except SettingsError as error:
        trouble = f"{error}: a running daemon keeps the old ones, the next start would fail; mend the file"
        return [Finding("settings", trouble, "problem"), *findings]
    count = len(config.cameras)
    return [
        Finding("settings", f"{file}: {count} camera{'s' if count > 1 else ''}"),
        *_secrets(config),
        *findings,
        *_disks(config),
        *_running(asked := ask(config)),
        *_journal(config, asked),
    ]


def _secrets(config: Config) -> Iterator[Finding]:
    """A password in the settings themselves is for the eyes of few."""
    open_to_all = config.file.stat().st_mode & stat.S_IROTH
    inside = [c.name for c in config.settings.cameras if c.source and "@" in c.source.partition("://")[2]]
    if open_to_all and inside:
        what = f"everybody on this machine can read the passwords of {', '.join(inside)} in {config.file}"
        yield Finding("permissions", f"{what}: chmod o-r it, or use source_file", "problem")


def _crashes() -> Iterator[Finding]:
    """The latest crash is a problem for a day; older ones are history."""
    kept = crashes(crash_folder())
    if not kept:
        yield Finding("crashes", "none is on record")
        return
    latest = kept[0]
    try:
        age_s, text = time.time() - latest.stat().st_mtime, latest.read_text(errors="replace")
    except OSError as error:
        yield Finding("crashes", f"{latest} cannot be read ({error.strerror}): ask as root", "problem")
        return
    when = f"{age_s / 3600:.0f} h ago" if age_s >= 3600 else f"{age_s / 60:.0f} min ago"
    words = f"{len(kept)} on record, the latest {when}: {told(latest, text)}"
    yield Finding("crashes", words, "problem" if age_s < _FRESH_S else "ok")


def _clock() -> Finding:
    """Whether the wall clock is kept right: times in alerts are compared with those of other machines."""
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return Finding("clock", "cannot be asked", "absent")
    if answer == _CLOCK_ERROR:
        return Finding("clock", "nothing keeps it right: times in alerts may be off; install chrony", "absent")
    return Finding("clock", "synchronised")


def _disks(config: Config) -> Iterator[Finding]:
    cache = cache_folder(engine_settings(config))
    if cache is None:
        yield Finding("engine cache", "off: each start compiles anew, for some seconds", "absent")
    elif not cache.is_dir():
        yield Finding("engine cache", f"{cache}: not there yet; the first start fills it", "absent")
    elif not os.access(cache, os.W_OK):
        yield Finding("engine cache", f"{cache} cannot be written by this user: sudo -u vigil vigil doctor", "problem")
    else:
        size = sum(each.stat().st_size for each in cache.rglob("*") if each.is_file())
        yield Finding("engine cache", f"{cache}: {size / 1e6:.0f} MB")
    folders = {"crashes": crash_folder(), "profiles": config.cameras[0].profile.parent}
    for what, folder in folders.items():
        there = next((each for each in (folder, *folder.parents) if each.is_dir()), None) if folder else None
        if there is not None:
            free = shutil.disk_usage(there).free
            words = f"{free / 1e9:.1f} GB free at {there}"
            if free < _LEAST_FREE:
                yield Finding(f"disk of {what}", f"{words}: make room, or alerts can no longer be kept", "problem")
            else:
                yield Finding(f"disk of {what}", words)


def _running(asked: Asked) -> Iterator[Finding]:
    """What the daemon says of itself."""
    if asked.trouble:
        yield Finding("daemon", asked.trouble, asked.state)
        return
    for page, meaning in (("live", "it works"), ("ready", "it has started"), ("degraded", "nothing is amiss")):
        reasons = asked.reasons[page]
        for reason in reasons:
            yield Finding(f"daemon, {page}", reason, "problem")
        if not reasons:
            yield Finding(f"daemon, {page}", meaning)
    yield from _cameras(asked)
    load = asked.value("vigil_engine_load")
    if load is not None and load > 1:
        what = f"{load:.0%} of what it can do is asked of it: frames are left out; lower fps, or use another machine"
        yield Finding("engine", what, "problem")
    for key in asked.labels("vigil_config_restart_needed", "key"):
        yield Finding("settings", f"{key} differs from what runs: it takes effect when Vigil is restarted", "problem")


def _journal(config: Config, asked: Asked) -> Iterator[Finding]:
    """How much is kept, and since when; what is amiss with it the daemon says itself."""
    if not config.settings.journal.enabled:
        words = "off: alerts are not kept, and nobody can ask for what was missed; set [journal] enabled = true"
        yield Finding("journal", words, "absent")
        return
    states = {sample.labels["state"]: sample.value for sample in asked.samples if sample.name == "vigil_journal_state"}
    state = next((state for state, holds in states.items() if holds), None)
    if state is None:
        return
    count, size = (asked.value(f"vigil_journal_stored_{what}") or 0.0 for what in ("alerts", "bytes"))
    oldest, waiting = asked.value("vigil_journal_oldest_timestamp_seconds"), asked.value("vigil_journal_waiting")
    words = f"{state}, {journal_folder(config.file, config.settings.journal)}: {count:.0f} alerts, {size / 1e6:.1f} MB"
    if oldest:
        words += f", the oldest of {time.strftime('%Y-%m-%d %H:%M', time.localtime(oldest))}"
    if waiting:
        words += f"; {waiting:.0f} wait for the disk"
    yield Finding("journal", words, "ok" if state in {"ok", "starting"} else "problem")


def _cameras(asked: Asked) -> Iterator[Finding]:
    down = [camera for camera, up in asked.by_camera("vigil_camera_up").items() if not up]
    for camera in down:
        yield Finding(f"camera {camera}", "delivers no frames: `vigil check` says why", "problem")
    idle = [camera for camera, count in asked.by_camera("vigil_frames_analysed_total").items() if not count]
    for camera in idle:
        if camera not in down:
            yield Finding(
                f"camera {camera}", "delivers frames, but none was analysed yet: look again in a minute", "problem"
            )
    if not down and not idle:
        yield Finding("cameras", "all deliver frames, and all are analysed")
