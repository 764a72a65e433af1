from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engines.version import _checked_out_commit, code_version, installed_version


def test_the_code_has_a_version_and_a_digest() -> None:
    told = code_version()
    assert told["vigil"] == installed_version()
    assert told["engines"] is not None
    assert len(told["engines"]) == 12
    assert told == code_version()


@pytest.mark.parametrize("packed", [False, True])
def test_a_working_copy_knows_its_commit(tmp_path: Path, packed: bool) -> None:
    def git(*arguments: str) -> str:
        user = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        done = subprocess.run(["git", *user, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    assert _checked_out_commit(tmp_path / ".git") is None
    git("commit", "-q", "--allow-empty", "-m", "first")
    if packed:
        git("pack-refs", "--all")
    commit = git("rev-parse", "HEAD")[:12]
    assert _checked_out_commit(tmp_path / ".git") == commit
    git("checkout", "-q", "--detach")
    assert _checked_out_commit(tmp_path / ".git") == commit


def test_no_working_copy_no_commit(tmp_path: Path) -> None:
    assert _checked_out_commit(tmp_path / ".git") is None
