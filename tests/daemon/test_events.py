"""`vigil events`, as people call it, on journals of real alerts."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.cli import main
from tests.pipelines.journal.alerts import NOON, alert, closed, journal, keep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = journal(tmp_path / "journal")
    keep(
        made,
        alert(1, camera="gate", score=9.0),
        alert(2, "update", camera="gate", score=12.0),
        alert(3, "end", camera="gate"),
        alert(4, at=NOON + 7200),
    )
    closed(made)
    return tmp_path / "journal"


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["events", *map(str, arguments)])
    told = capsys.readouterr()
    return int(left.value.code or 0), told.out, told.err


def test_list_has_one_line_an_event(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "list", "--journal", folder)
    first, second = out.splitlines()
    assert code == 0
    assert re.search(r"gate .* 1\.0 s .*score  12\.00 of 3\.00 +3 alerts  calm +boot1-gate-1", first)
    assert "going on" in second


@pytest.mark.parametrize(
    ("options", "events"),
    [
        (["--camera", "gate"], ["boot1-gate-1"]),
        (["--min-score", "10"], ["boot1-gate-1"]),
        (["--since", "2026-11-14T12:26:00+00:00"], ["boot1-gate-1", "boot1-yard-1"]),
        (["--until", "UNTIL"], ["boot1-gate-1"]),
        (["--since", "1h"], []),
        (["--most", "1"], ["boot1-yard-1"]),
    ],
)
def test_list_by_camera_time_and_score(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], events: list[str]
) -> None:
    hour_later = datetime.fromtimestamp(NOON + 3600, UTC).isoformat()
    words = [hour_later if option == "UNTIL" else option for option in options]
    _, out, _ = said(capsys, "list", "--journal", folder, "--json", *words)
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == events


def test_show_tells_every_alert_and_where_its_picture_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "show", "boot1-gate-1", "--journal", folder)
    assert [line.split("  ")[1] for line in out.splitlines() if "number" in line] == ["begin", "update", "end (calm)"]
    (picture, *_) = re.findall(r"picture: (.+)", out)
    assert Path(picture).read_bytes()[:2] == b"\xff\xd8"


def test_export_writes_lines_and_pictures_into_a_folder_or_a_zip(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "export", "boot1-gate-1", "--journal", folder, "--out", tmp_path / "out")
    lines = (tmp_path / "out" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3]
    clean = tmp_path / "out" / "pictures" / "boot1_000002_gate_update.clean.jpg"
    assert clean.read_bytes() == alert(2).clean_jpeg

    _, _, told = said(capsys, "export", "--journal", folder, "--out", tmp_path / "all.zip")
    assert "4 alerts of 2 events, 12 pictures" in told
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.read("alerts.jsonl").splitlines()) == 4
        assert len(archive.namelist()) == 13


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["show", "never-1"], 1, "the journal has no event never-1"),
        (["list", "--since", "yesterday"], 2, "--since: expected 2h, 3d or a time like"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    left, _, error = said(capsys, *arguments, "--journal", folder)
    assert left == code
    assert told in error
    assert error.count("\n") == 1


def test_a_settings_file_says_where(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder.parent / "vigil.toml"
    config.write_text('[journal]\nfolder = "journal"\n[anything]\nelse = 1\n')
    assert len(said(capsys, "list", "--config", config)[1].splitlines()) == 2
    code, _, error = said(capsys, "list", "--journal", folder / "nowhere")
    assert code == 1
    assert "there is no journal in it" in error
