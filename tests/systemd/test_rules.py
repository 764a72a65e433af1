import re
from pathlib import Path

from tests.systemd.exporter import ROOT, SYSTEMD, Exporter
from tests.systemd.expressions import metric_names, recorded_names
from tests.systemd.programs import call

RULES = SYSTEMD / "prometheus" / "vigil.rules.yml"


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def test_promtool_accepts_the_rules() -> None:
    assert call("promtool", "check", "rules", str(RULES))[0] == 0


def test_promtool_accepts_the_example_scrape_settings() -> None:
    code, told = call("promtool", "check", "config", str(SYSTEMD / "prometheus" / "prometheus.yml"))
    assert code == 0, told


def test_alerts_fire_when_they_should_and_not_before() -> None:
    code, told = call("promtool", "test", "rules", "vigil.rules.test.yml", cwd=str(RULES.parent))
    assert code == 0, told


def test_every_alert_has_a_unit_test() -> None:
    tested = set(re.findall(r"alertname: (\w+)", (RULES.parent / "vigil.rules.test.yml").read_text()))
    assert set(alerts()) == tested


def test_every_metric_that_the_rules_name_is_exported() -> None:
    assert metric_names(RULES.read_text()) <= Exporter().names()


def test_every_recorded_series_that_the_rules_read_is_recorded() -> None:
    recorded = set(re.findall(r"- record: (\S+)", RULES.read_text()))
    assert recorded_names(RULES.read_text()) == recorded


def test_every_alert_has_its_section_in_the_runbook_and_points_to_it() -> None:
    headings = re.findall(r"^#+ (Vigil\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())
    pointers = re.findall(r"runbook: docs/operations\.md#(\w+)", RULES.read_text())
    assert pointers == [name.lower() for name in alerts()]


def test_the_exposition_is_clean(tmp_path: Path) -> None:
    code, told = call("promtool", "check", "metrics", stdin=Exporter().text(), cwd=str(tmp_path))
    assert (code, told) == (0, "")
