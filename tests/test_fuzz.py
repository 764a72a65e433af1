"""Every parser against broken and hostile input, for a moment: `python -m benchmarks.fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz import TARGETS, workshop
from benchmarks.fuzzing.run import fuzz
from engines.profile import Profile

CASES = {
    "fragment": 1500,
    "network": 600,
    "settings": 80,
    "wire": 250,
    "source": 150,
    "list": 150,
    "truth": 250,
    "zap": 500,
    "request": 300,
    "answer": 300,
}
"""About half a second of a quiet core each."""


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_raises_what_it_documents_and_takes_only_what_makes_sense(
    name: str, tmp_path: Path, profile: Profile
) -> None:
    outcome = fuzz(TARGETS[name](workshop(tmp_path, profile)), cases=CASES.get(name, 100), seed=1)
    assert not outcome.failures, "\n".join(failure.trace for failure in outcome.failures.values())
    assert 0 < outcome.accepted < outcome.tried, "both valid and broken input must be among it"
