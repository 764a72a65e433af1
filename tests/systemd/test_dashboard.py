import subprocess
import sys
from pathlib import Path

import pytest

from tests.systemd.exporter import SYSTEMD, Exporter
from tests.systemd.expressions import dashboard, dashboard_expressions, metric_names, panels, recorded_names
from tests.systemd.programs import call

TITLES = [panel["title"] for panel in panels()]


def test_the_file_is_what_the_generator_makes() -> None:
    script = SYSTEMD / "dashboards" / "build.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_metric_that_a_panel_names_is_exported() -> None:
    asked = set[str]().union(*(metric_names(expression) for _, expression in dashboard_expressions()))
    assert asked <= Exporter().names()


def test_every_metric_of_the_daemon_is_on_the_dashboard() -> None:
    asked = set[str]().union(*(metric_names(expression) for _, expression in dashboard_expressions()))
    exported = {name for name in Exporter().names() if not name.endswith(("_created", "_sum", "_count"))}
    beside_the_point = {"process_virtual_memory_bytes", "process_max_fds", "vigil_batch_size_bucket"}
    assert exported - asked == beside_the_point


def test_recorded_series_that_panels_name_are_recorded_by_the_rules() -> None:
    asked = set[str]().union(*(recorded_names(expression) for _, expression in dashboard_expressions()))
    rules = (SYSTEMD / "prometheus" / "vigil.rules.yml").read_text()
    assert asked
    assert all(f"record: {name}\n" in rules for name in asked)


def test_promtool_parses_every_expression(tmp_path: Path) -> None:
    lines = ["groups:", "  - name: panels", "    rules:"]
    for index, (_, expression) in enumerate(dashboard_expressions()):
        lines += [f"      - record: panel:{index}", f"        expr: '{expression}'"]
    rules = tmp_path / "panels.yml"
    rules.write_text("\n".join(lines))
    code, told = call("promtool", "check", "rules", str(rules))
    assert code == 0, told


@pytest.mark.parametrize("panel", list(panels()), ids=TITLES)
def test_a_panel_says_what_it_shows(panel: dict[str, object]) -> None:
    defaults = panel["fieldConfig"]["defaults"]  # type: ignore[index]  # JSON
    assert str(panel["description"]).endswith(".")
    assert defaults["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_titles_and_ids_are_unique() -> None:
    assert len(set(TITLES)) == len(TITLES)
    ids = [panel["id"] for panel in [*panels(), *dashboard()["panels"]] if panel["type"] != "row"]
    assert all(isinstance(number, int) for number in ids)


def test_the_reader_can_choose_data_source_job_daemon_and_camera() -> None:
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "job", "instance", "camera"]


def test_panels_fill_their_rows_without_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
