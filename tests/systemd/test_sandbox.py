import ctypes.util
import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.systemd.exporter import ROOT
from tests.systemd.programs import find


def confined(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python under the unit's system call filter."""
    find("systemd-analyze")
    if ctypes.util.find_library("seccomp") is None:
        pytest.skip("libseccomp is not installed")
    command = [sys.executable, "-m", "tests.systemd.sandbox", sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


def test_the_filter_holds() -> None:
    denied = "import os\ntry: os.setpriority(0, 0, 5)\nexcept OSError as error: print(error.errno)"
    done = confined("-c", denied)
    assert done.stdout == f"{errno.EPERM}\n", done.stderr


def test_decoder_engine_sockets_and_metrics_work_under_the_units_filter(tmp_path: Path) -> None:
    done = confined("-m", "tests.systemd.at_work", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
