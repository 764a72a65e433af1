"""Two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from daemon.bench.compare import compare, regressed
from daemon.bench.figures import load, save
from daemon.errors import SettingsError
from tests.daemon.bench.results import ELSEWHERE, result
from tests.daemon.test_commands import vigil


def verdicts(before: dict[str, float], after: dict[str, float], tolerance: float = 0.1) -> dict[str, str]:
    rows = compare(result(**before), result(**after), tolerance)  # type: ignore[arg-type]  # only numbers are given
    return {row.name: row.verdict for row in rows}


class TestVerdicts:
    def test_figures_within_the_tolerance_are_the_same(self) -> None:
        assert verdicts({"speed": 100}, {"speed": 92})["speed"] == "same"
        assert verdicts({"speed": 100}, {"speed": 92}, 0.05)["speed"] == "worse"

    def test_more_is_better_of_a_speed_and_worse_of_a_cost(self) -> None:
        assert verdicts({"speed": 100}, {"speed": 150})["speed"] == "better"
        assert verdicts({"ratio": 1}, {"ratio": 1.5})["against <decoding>"] == "worse"
        assert verdicts({"ratio": 1}, {"ratio": 0.5})["against <decoding>"] == "better"

    def test_a_figure_that_only_describes_is_never_worse(self) -> None:
        after = result()
        figures = (*after.figures[:2], msgspec.structs.replace(after.figures[2], value=30.0))
        rows = compare(result(), msgspec.structs.replace(after, figures=figures), 0.1)
        assert rows[2].verdict == "differs"
        assert not regressed(rows)

    def test_a_figure_that_is_gone_is_a_regression_and_a_new_one_is_not(self) -> None:
        fewer = msgspec.structs.replace(result(), figures=result().figures[1:])
        gone, new = compare(result(), fewer, 0.1), compare(fewer, result(), 0.1)
        assert gone[0].verdict == "only before"
        assert regressed(gone)
        assert new[-1].verdict == "only after"
        assert not regressed(new)

    def test_another_machine_is_judged_by_ratios_alone(self) -> None:
        rows = compare(result(), result(speed=10.0, ratio=9.0, machine=ELSEWHERE), 0.1)
        assert [row.verdict for row in rows] == ["other machine", "worse", "other machine"]

    def test_only_like_is_compared_with_like(self) -> None:
        with pytest.raises(SettingsError, match="of bench engine"):
            compare(result(), result(bench="ingest"), 0.1)
        with pytest.raises(SettingsError, match="quick"):
            compare(result(), result(quick=True), 0.1)


class TestFiles:
    def test_what_is_kept_is_read_back(self, tmp_path: Path) -> None:
        save(result(), tmp_path / "a.json")
        assert load(tmp_path / "a.json") == result()

    @pytest.mark.parametrize("text", ["", "{}", '{"schema": 3}'])
    def test_another_file_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(SettingsError, match=r"a\.json: is not what vigil bench writes"):
            load(tmp_path / "a.json")

    def test_another_schema_is_refused(self, tmp_path: Path) -> None:
        save(msgspec.structs.replace(result(), schema="vigil.bench/9"), tmp_path / "a.json")
        with pytest.raises(SettingsError, match=r"vigil\.bench/9"):
            load(tmp_path / "a.json")


class TestCommand:
    def test_exit_code_1_only_when_asked_to_fail(self, tmp_path: Path) -> None:
        before, after = tmp_path / "before.json", tmp_path / "after.json"
        save(result(), before)
        save(result(speed=50.0), after)
        assert "worse" in vigil("bench", "compare", before, after).stdout
        told = json.loads(vigil("bench", "compare", before, after, "--fail", "--json", code=1).stdout)
        assert told[0]["ratio"] == 0.5
        vigil("bench", "compare", before, after, "--fail", "--tolerance", "1.5")

    def test_plots_are_drawn_from_what_is_kept(self, tmp_path: Path) -> None:
        save(result(), tmp_path / "a.json")
        vigil("bench", "plot", tmp_path / "a.json", "--out", tmp_path / "a.svg")
        assert (tmp_path / "a.svg").read_text().startswith("<svg")
