from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.contract import Regime
from engines.errors import ProfileError
from engines.network.files import Network
from engines.profile import FORMAT, MAGIC, Arrays, Part, Profile


def small(network: Network) -> Profile:
    arrays: Arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.zeros(0, np.float32)}
    return Profile(network, still=False, threshold=4.5, provenance={"sources": ["gate"]}, arrays=arrays)


@pytest.fixture(scope="session")
def written(network: Network, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("profile") / "small.vigil"
    small(network).save(path)
    return path.read_bytes()


def test_comes_back_as_it_was_saved(network: Network, tmp_path: Path) -> None:
    path, made = tmp_path / "gate.vigil", small(network)
    made.save(path)
    again = Profile.load(path)
    assert (again.id, again.threshold, again.still) == (made.id, 4.5, False)
    assert again.provenance == {"sources": ["gate"]}
    assert again.network.id == network.id
    np.testing.assert_array_equal(again.arrays["a"], made.arrays["a"])
    assert [p.name for p in tmp_path.iterdir()] == ["gate.vigil"], "no temporary file is left"


def test_equal_profiles_give_equal_files(network: Network, tmp_path: Path, written: bytes) -> None:
    small(network).save(tmp_path / "again.vigil")
    assert (tmp_path / "again.vigil").read_bytes() == written


def test_saving_replaces_what_was_there(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "gate.vigil"
    path.write_bytes(b"old")
    small(network).save(path)
    assert Profile.load(path).threshold == 4.5


def test_a_failed_save_leaves_nothing(network: Network, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="missing"):
        small(network).save(tmp_path / "missing" / "gate.vigil")
    (tmp_path / "taken").mkdir()
    with pytest.raises(ProfileError, match="taken"):
        small(network).save(tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 2**31), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(written: bytes, at: int, bit: int) -> None:
    damaged = bytearray(written)
    damaged[at % len(written)] ^= 1 << bit
    with pytest.raises(ProfileError) as caught:
        Profile.from_bytes(bytes(damaged))
    assert "\n" not in str(caught.value)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 0.9999))
def test_a_truncated_file_is_found(written: bytes, share: float) -> None:
    with pytest.raises(ProfileError):
        Profile.from_bytes(written[: int(share * len(written))])


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    for each in (data, MAGIC + data):
        with pytest.raises(ProfileError):
            Profile.from_bytes(each)


def test_each_regime_comes_back_and_one_alone_is_for_older_vigils_too(network: Network, tmp_path: Path) -> None:
    one, path = small(network), tmp_path / "gate.vigil"
    both = dataclasses.replace(one, others={"infrared": Part(6.0, {"a": np.ones(3, np.float32)})})
    both.save(path)
    again = Profile.load(path)
    assert {regime: part.threshold for regime, part in again.regimes.items()} == {"day": 4.5, "infrared": 6.0}
    assert {regime: sorted(part.arrays) for regime, part in again.regimes.items()} == {
        "day": ["a", "b"],
        "infrared": ["a"],
    }
    assert again.with_threshold(2.0).others["infrared"].threshold == 2.0
    assert path.read_bytes()[8] == FORMAT == 2
    one.save(path)
    assert path.read_bytes()[8] == 1


def test_a_newer_format_asks_for_a_newer_vigil(written: bytes) -> None:
    newer = written[:8] + (FORMAT + 1).to_bytes(4, "little") + written[12:]
    with pytest.raises(ProfileError, match="update Vigil"):
        Profile.from_bytes(newer)


def test_a_regime_that_is_none_is_quoted_in_short(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "gate.vigil"
    dataclasses.replace(small(network), regime=cast("Regime", "9" * 10_000)).save(path)
    with pytest.raises(ProfileError, match="enrol the camera again") as refused:
        Profile.load(path)
    assert len(str(refused.value)) < 500 + len(str(path))


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_an_error_names_the_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gate.vigil"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProfileError, match=r"gate\.vigil"):
        Profile.load(path)
