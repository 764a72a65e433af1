"""Programs of the system that the tests call where they are installed."""

import shutil
import subprocess

import pytest


def call(program: str, *arguments: str, stdin: str = "", cwd: str | None = None) -> tuple[int, str]:
    """Exit code, and standard output and error together; skips the test where the program is not installed."""
    path = find(program)
    done = subprocess.run(
        [path, *arguments],
        input=stdin,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def find(program: str) -> str:
    """The program's path; skips the test where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path
