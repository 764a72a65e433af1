import re
import shutil
from pathlib import Path

import pytest

from daemon.config import WatchdogSettings
from daemon.errors import EXIT_USAGE
from tests.systemd.exporter import SYSTEMD
from tests.systemd.programs import call

UNIT = SYSTEMD / "vigil.service"
DROP_INS = sorted((SYSTEMD / "vigil.service.d").glob("*.conf.example"))


def setting(name: str) -> str:
    """The value of a key that stands in the unit once."""
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(value)


def exposure(unit: Path) -> float:
    """What `systemd-analyze security` says: 0 is the safest, 10 the least safe."""
    code, told = call("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    assert code == 0, told
    found = re.search(r"Overall exposure level for vigil\.service: ([\d.]+)", told)
    assert found, told
    return float(found[1])


@pytest.fixture
def with_drop_in(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the unit with one of the examples put to use."""
    example: Path = request.param
    shutil.copy(UNIT, tmp_path)
    (tmp_path / "vigil.service.d").mkdir()
    shutil.copy(example, tmp_path / "vigil.service.d" / example.name.removesuffix(".example"))
    return tmp_path / UNIT.name


def test_systemd_finds_nothing_to_say_about_the_unit() -> None:
    assert call("systemd-analyze", "verify", str(UNIT)) == (0, "")


def test_the_unit_is_hardened() -> None:
    assert exposure(UNIT) <= 1.4


@pytest.mark.parametrize("with_drop_in", DROP_INS, ids=[path.name for path in DROP_INS], indirect=True)
def test_a_drop_in_loosens_no_more_than_it_must(with_drop_in: Path) -> None:
    assert call("systemd-analyze", "verify", str(with_drop_in)) == (0, "")
    assert exposure(with_drop_in) <= 2.0


def test_sysusers_makes_the_user_that_the_unit_runs_as() -> None:
    code, told = call("systemd-sysusers", "--dry-run", str(SYSTEMD / "vigil.sysusers.conf"))
    assert code == 0, told
    assert f"u {setting('User')} " in (SYSTEMD / "vigil.sysusers.conf").read_text()


def test_the_daemon_leaves_by_itself_before_systemd_ends_it() -> None:
    assert int(setting("WatchdogSec")) > WatchdogSettings().stall_s
    assert int(setting("TimeoutStopSec")) > 4 + 1, "the daemon's own deadline, and its stack dump"


def test_wrong_settings_are_not_tried_again() -> None:
    assert setting("Restart") == "on-failure"
    assert setting("RestartPreventExitStatus") == str(EXIT_USAGE)


def test_what_openvino_and_the_metrics_cannot_do_without_stays_permitted() -> None:
    keys = re.findall(r"^(\w+)=", UNIT.read_text(), re.MULTILINE)
    assert not {"MemoryDenyWriteExecute", "ProcSubset"} & set(keys)
