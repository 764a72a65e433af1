from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest

from daemon.logs import LogSettings, set_up_logs

URL = "rtsp://admin:hunter2@10.0.0.7/stream1"


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root, vigil = logging.getLogger(), logging.getLogger("vigil")
    handlers, levels = root.handlers[:], (root.level, vigil.level)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    vigil.setLevel(levels[1])


def fail(text: str) -> None:
    raise ValueError(text)


def set_up(**settings: str) -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(LogSettings(**settings), stream)  # type: ignore[arg-type]  # as a file would say it
    return stream


def test_a_text_line_has_time_level_thread_and_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    stream = set_up()
    thread = threading.Thread(target=lambda: logging.getLogger("vigil.capture").warning("lost"), name="capture-gate")
    thread.start()
    thread.join()
    time, level, rest = stream.getvalue().split(" ", 2)
    assert "T" in time
    assert (level, rest) == ("WARNING", "capture-gate vigil.capture: lost\n")


def test_the_journal_gets_a_priority_on_every_line_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    stream = set_up()
    try:
        fail("no")
    except ValueError:
        logging.getLogger("vigil.x").exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<3>MainThread vigil.x: failed"
    assert all(line.startswith("<3>") for line in lines)


def test_json_lines_are_one_object_each() -> None:
    stream = set_up(format="json")
    try:
        fail(URL)
    except ValueError:
        logging.getLogger("vigil.x").exception("failed %s", URL, extra={"camera": "gate"})
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["camera"]) == ("error", "vigil.x", "gate")
    assert told["message"] == "failed rtsp://***@10.0.0.7/stream1"
    assert "ValueError" in told["error"]
    assert "hunter2" not in line


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_secret_gets_out_in_arguments_or_tracebacks(format_: str) -> None:
    stream = set_up(format=format_)
    logger = logging.getLogger("vigil.x")
    try:
        fail(f"cannot open {URL}")
    except ValueError:
        logger.exception("opening %s", URL)
    logger.warning("GET http://h/?token=abcdef")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"odd {URL}", stacklevel=1)
    assert "hunter2" not in stream.getvalue()
    assert "abcdef" not in stream.getvalue()
    assert "odd rtsp://***@" in stream.getvalue()


def test_levels_are_those_of_the_settings() -> None:
    stream = set_up(level="warning")
    logging.getLogger("vigil.x").info("quiet")
    logging.getLogger("other").info("quiet")
    logging.getLogger("vigil.x").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()
