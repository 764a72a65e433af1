from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from engines.contract import Engine, EngineInfo, EngineState, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.gated import GatedEngine, Option
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.pictures import trial_pictures

pytest.importorskip("onnx", reason="needs the learn extra")

from tests.engines.runtime.broken import perturbed

PIXELS = trial_pictures(2, (256, 256))


@dataclass
class Told:
    """What a metric would be told."""

    states: list[tuple[str, EngineState]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        self.states.append((info.device, state))

    def engine_refused(self, info: EngineInfo) -> None:
        self.refused.append(info.device)


class Named(OpenVinoEngine):
    """A real engine under a name of its own."""

    cache: EngineCache

    def __init__(self, network: Network, name: str) -> None:
        super().__init__(network, precision="f32", threads=1, cache=self.cache)
        self._info = replace(self._info, device=name)

    @property
    def closed(self) -> bool:
        return self._encoder is None


@dataclass
class Elsewhere:
    """A build whose end the test decides."""

    done: bool = False
    error: str = ""
    told: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.told.append("start")

    def finished(self) -> bool:
        if self.error:
            raise EngineError(self.error)
        return self.done

    def stop(self) -> None:
        self.told.append("stop")


def option(engine: Named, build: Elsewhere | None = None) -> Option:
    return Option(engine.info, lambda: engine, (1, 2), build)


@pytest.fixture(autouse=True, scope="module")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    Named.cache = EngineCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def reference(network: Network) -> Named:
    return Named(network, "reference")


@pytest.fixture(scope="module")
def off(network: Network) -> Network:
    return perturbed(network, 0.1)


@pytest.fixture
def told() -> Told:
    return Told()


def judge(engine: Engine, pixels: Pixels = PIXELS) -> None:
    """What a detector does with an engine."""
    engine.decode(engine.encode(pixels).latent)


def test_what_agrees_serves_from_the_start(network: Network, reference: Named, told: Told) -> None:
    fast = Named(network, "fast")
    engine = GatedEngine(reference, [option(fast)], watcher=told)
    assert isinstance(engine, Engine)
    assert engine.info.device == "fast"
    engine.open()
    assert engine.info.device == "fast"
    assert reference.closed
    np.testing.assert_array_equal(engine.encode(PIXELS).latent, fast.encode(PIXELS).latent)
    engine.close()
    engine.close()
    assert fast.closed
    assert told.states[-1] == ("fast", "serving")


def test_what_is_off_is_refused_told_and_counted(
    network: Network, off: Network, reference: Named, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Named(off, "int8"), Named(network, "bf16")
    engine = GatedEngine(reference, [option(bad), option(good)], watcher=told)
    engine.open()
    assert engine.info.device == "bf16"
    assert told.refused == ["int8"]
    assert "int8 may not serve: at batch" in caplog.text
    assert bad.closed
    engine.close()


def test_when_nothing_agrees_the_reference_serves(
    off: Network, reference: Named, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    engine = GatedEngine(reference, [option(Named(off, "bad"))], watcher=told)
    engine.open()
    assert engine.info.device == "reference"
    judge(engine)
    assert told.states[-1] == ("reference", "serving")
    assert "no faster engine may serve" in caplog.text
    engine.close()


def test_what_cannot_be_opened_is_refused(network: Network, reference: Named, told: Told) -> None:
    rubbish = Named(replace(network, encoder=b"rubbish"), "rubbish")
    engine = GatedEngine(reference, [option(rubbish)], watcher=told)
    engine.open()
    assert (engine.info.device, told.refused) == ("reference", ["rubbish"])
    engine.close()


def test_with_cameras_it_serves_by_the_reference_until_their_frames_agree(
    network: Network, reference: Named, told: Told
) -> None:
    engine = GatedEngine(reference, [option(Named(network, "fast"))], frames=3, watcher=told)
    engine.open()
    served = []
    for _ in range(5):
        judge(engine)
        served.append(engine.info.device)
    assert served == ["reference"] * 3 + ["fast"] * 2
    assert [state for _, state in told.states] == ["checking", "serving"]
    assert reference.closed
    engine.close()


def test_frames_of_cameras_refuse_what_is_off(network: Network, off: Network, reference: Named, told: Told) -> None:
    options = [option(Named(off, "int8")), option(Named(network, "bf16"))]
    engine = GatedEngine(reference, options, frames=2, watcher=told)
    engine.open()
    for _ in range(3):
        judge(engine)
    assert (engine.info.device, told.refused) == ("bf16", ["int8"])
    engine.close()


def test_while_the_best_is_built_the_next_best_serves(
    network: Network, reference: Named, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vigil.engine")
    build = Elsewhere()
    options = [option(Named(network, "gpu"), build), option(Named(network, "cpu"))]
    engine = GatedEngine(reference, options, frames=1, watcher=told)
    engine.open()
    assert build.told == []
    for _ in range(3):
        judge(engine)
    assert build.told == ["start"]
    assert engine.info.device == "cpu"
    assert told.states[-1] == ("cpu", "building")
    assert "building openvino f32 on gpu; openvino f32 on cpu serves meanwhile" in caplog.text
    build.done = True
    judge(engine)
    assert engine.info.device == "gpu"
    assert told.states[-1] == ("gpu", "serving")
    engine.close()


def test_a_build_that_fails_leaves_what_serves(network: Network, reference: Named, told: Told) -> None:
    build = Elsewhere()
    engine = GatedEngine(reference, [option(Named(network, "gpu"), build)], frames=1, watcher=told)
    engine.open()
    judge(engine)
    build.error = "the compiler fell over"
    judge(engine)
    assert (engine.info.device, told.refused) == ("reference", ["gpu"])
    assert told.states[-1] == ("reference", "serving")
    engine.close()


def test_closing_ends_a_build(network: Network, reference: Named) -> None:
    build = Elsewhere()
    engine = GatedEngine(reference, [option(Named(network, "gpu"), build)], frames=1)
    engine.open()
    engine.close()
    assert build.told == ["start", "stop"]


def test_opens_again_after_it_was_closed(network: Network, reference: Named) -> None:
    engine = GatedEngine(reference, [option(Named(network, "fast"))])
    for _ in range(2):
        engine.open()
        assert engine.info.device == "fast"
        judge(engine)
        engine.close()
    with pytest.raises(EngineError, match="not open"):
        engine.encode(PIXELS)


def test_encoding_without_decoding_settles_nothing(network: Network, reference: Named) -> None:
    engine = GatedEngine(reference, [option(Named(network, "fast"))], frames=1)
    engine.open()
    for _ in range(3):
        engine.encode(PIXELS)
    assert engine.info.device == "reference"
    engine.close()
