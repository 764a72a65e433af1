from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime import select
from engines.runtime.gated import GatedEngine
from engines.runtime.openvino import processor
from engines.runtime.prepare import Build, Order
from engines.runtime.select import EngineSettings, cache_folder, candidates, judges_of, select_engine, try_engines

FASTEST = processor().precisions[0]


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(threads=1, cache=str(tmp_path / "engines"))


def without_gpu() -> None:
    if any(each.usable for each in candidates() if each.runtime != "openvino"):
        pytest.skip("this machine has a GPU")


def test_every_candidate_says_why() -> None:
    assert {each.runtime for each in candidates()} == {"tensorrt", "torch", "openvino"}
    assert all(each.why for each in candidates())


def test_auto_takes_the_fastest_that_agrees(network: Network, settings: EngineSettings) -> None:
    without_gpu()
    engine = select_engine(network, settings)
    engine.open()
    assert (engine.info.runtime, engine.info.precision) == ("openvino", FASTEST)
    assert np.isfinite(engine.encode(np.zeros((1, 256, 256, 3), np.uint8)).latent).all()
    engine.close()


def test_float32_is_the_reference_itself(network: Network) -> None:
    engine = select_engine(network, EngineSettings(runtime="openvino", precision="f32"))
    assert not isinstance(engine, GatedEngine)
    assert engine.info.precision == "f32"


def test_what_a_processor_lacks_is_refused(network: Network) -> None:
    with pytest.raises(EngineError, match="no f16 arithmetic"):
        select_engine(network, EngineSettings(runtime="openvino", precision="f16"))


def test_int8_needs_a_quantised_network(network: Network) -> None:
    with pytest.raises(EngineError, match="never quantised"):
        select_engine(network, EngineSettings(runtime="openvino", precision="int8"))


def test_forcing_a_runtime_that_cannot_run_says_what_to_do(network: Network) -> None:
    if any(each.usable for each in candidates() if each.runtime == "tensorrt"):
        pytest.skip("this machine has it")
    with pytest.raises(EngineError, match=r"set the engine.s runtime to auto or openvino"):
        select_engine(network, EngineSettings(runtime="tensorrt"))


def test_torch_can_be_forced_onto_a_processor(network: Network, settings: EngineSettings) -> None:
    pytest.importorskip("torch", reason="needs the learn extra")
    pytest.importorskip("onnx", reason="needs the learn extra")
    without_gpu()
    engine = select_engine(network, EngineSettings(runtime="torch", cache=settings.cache), most=2)
    engine.open()
    assert (engine.info.runtime, engine.info.precision) == ("torch", "f32")
    engine.close()


def test_trying_tells_of_every_engine_and_the_reference_last(network: Network, settings: EngineSettings) -> None:
    without_gpu()
    found = try_engines(network, settings)
    assert [each.info.precision for each in found] == [*dict.fromkeys((FASTEST, "f32"))]
    assert not any(each.trouble() for each in found)
    assert list(Path(settings.cache).iterdir())


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/vigil"}, "/var/cache/vigil/engines"),
        ({"CACHE_DIRECTORY": "/var/cache/one:/var/cache/two"}, "/var/cache/one/engines"),
        ({"XDG_CACHE_HOME": "/home/a/cache"}, "/home/a/cache/vigil/engines"),
        ({"HOME": "/home/a"}, "/home/a/.cache/vigil/engines"),
    ],
)
def test_the_cache_is_where_the_system_keeps_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("CACHE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder(EngineSettings()) == Path(folder)


def test_the_cache_can_be_put_elsewhere_or_off() -> None:
    assert cache_folder(EngineSettings(cache="/somewhere")) == Path("/somewhere")
    assert cache_folder(EngineSettings(cache="off")) is None


def test_a_build_in_its_own_process_fills_the_cache_or_says_why(network: Network, tmp_path: Path) -> None:
    if select._installed("torch", "onnx") and not any(each.usable for each in candidates() if each.runtime == "torch"):
        build = Build(network, Order(runtime="torch", precision="f16", most=2, cache=str(tmp_path)))
        build.start()
        with pytest.raises(EngineError, match="sees no CUDA device"):
            wait(build)
        assert build.finished()
    build = Build(network, Order(runtime="torch-cpu", precision="f32", most=2, cache=str(tmp_path)))
    build.start()
    build.stop()
    build.stop()
    assert build.finished()


def wait(build: Build) -> None:
    deadline = time.monotonic() + 60
    while not build.finished() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_processor_has_as_many_judges_as_asked_for_or_leaves_cores_to_decoding() -> None:
    assert judges_of(EngineSettings(runtime="openvino", judges=3)) == 3
    cores = len(os.sched_getaffinity(0))
    found = judges_of(EngineSettings(runtime="openvino"))
    assert 1 <= found <= min(4, cores)
    assert found > cores / 2 or found == 4


def test_torch_has_one_judge_and_says_so_if_more_were_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("torch", reason="needs the learn extra")
    pytest.importorskip("onnx", reason="needs the learn extra")
    assert judges_of(EngineSettings(runtime="torch", judges=3)) == 1
    assert "judges = 3 is not followed" in caplog.text
