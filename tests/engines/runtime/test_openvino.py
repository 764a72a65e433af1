from __future__ import annotations

import gc
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.contract import Engine
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.openvino import OpenVinoEngine, default_threads, processor


def noise(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, 256, 256, 3), np.uint8)


def test_is_an_engine_that_knows_itself_before_it_is_open(network: Network) -> None:
    engine = OpenVinoEngine(network, precision="f32")
    assert isinstance(engine, Engine)
    assert engine.info.runtime == "openvino"
    assert engine.info.precision == "f32"
    assert engine.info.model == network.id
    assert engine.spec == network.spec


def test_a_frame_means_the_same_alone_and_in_a_batch(engine: OpenVinoEngine) -> None:
    pixels = noise(3)
    together, alone = engine.encode(pixels), engine.encode(pixels[1:2])
    np.testing.assert_array_equal(together.latent[1], alone.latent[0])
    decoded = engine.decode(together.latent)
    np.testing.assert_array_equal(decoded.picture[1], engine.decode(alone.latent).picture[0])
    assert decoded.picture.min() >= 0
    assert decoded.picture.max() <= 1


def test_results_are_the_callers_to_keep(engine: OpenVinoEngine) -> None:
    first = engine.encode(noise(1)).latent
    kept = first.copy()
    engine.encode(np.zeros((1, 256, 256, 3), np.uint8))
    np.testing.assert_array_equal(first, kept)


def test_takes_pixels_that_may_not_be_written(engine: OpenVinoEngine) -> None:
    pixels = noise(1)
    pixels.setflags(write=False)
    assert np.isfinite(engine.encode(pixels).latent).all()


def test_takes_pixels_that_do_not_lie_side_by_side_and_leaves_them_as_they_are(engine: OpenVinoEngine) -> None:
    pixels = noise(3)
    before, latent = pixels.copy(), engine.encode(pixels).latent
    np.testing.assert_array_equal(engine.encode(pixels[::-1]).latent, latent[::-1])
    np.testing.assert_array_equal(engine.encode(np.asfortranarray(pixels)).latent, latent)
    np.testing.assert_array_equal(pixels, before)


def test_releases_the_interpreter_while_it_computes(engine: OpenVinoEngine) -> None:
    turns = 0
    done = threading.Event()

    def compute() -> None:
        engine.encode(noise(8))
        done.set()

    thread = threading.Thread(target=compute)
    thread.start()
    while not done.wait(0.0005):
        turns += 1
    thread.join()
    assert turns > 1


@pytest.mark.parametrize(
    ("pixels", "what"),
    [(np.zeros((1, 128, 256, 3), np.uint8), "128"), (np.zeros((1, 256, 256, 3), np.float32), "float32")],
)
def test_refuses_pixels_that_do_not_fit(engine: OpenVinoEngine, pixels: np.ndarray, what: str) -> None:
    with pytest.raises(EngineError, match=what):
        engine.encode(pixels)


def test_a_closed_engine_says_so(network: Network) -> None:
    engine = OpenVinoEngine(network)
    with pytest.raises(EngineError, match="not open"):
        engine.encode(noise(1))
    engine.open()
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="not open"):
        engine.decode(np.zeros((1, 32, 32, network.spec.latent_channels), np.float32))


def test_a_network_of_rubbish_is_refused_in_one_line(network: Network) -> None:
    engine = OpenVinoEngine(Network(b"rubbish", network.decoder, network.spec))
    with pytest.raises(EngineError, match="cannot compile the network") as caught:
        engine.open()
    assert "\n" not in str(caught.value)


def test_leaves_a_core_to_the_decoders() -> None:
    assert 1 <= default_threads() <= 8


def test_precisions_agree(network: Network) -> None:
    if "bf16" not in processor().precisions:
        pytest.skip("this processor has no bf16")
    made = []
    for precision in ("f32", "bf16"):
        engine = OpenVinoEngine(network, precision=precision, threads=1)
        engine.open()
        made.append(engine.encode(noise(1)).features.ravel())
        engine.close()
    assert np.corrcoef(made[0], made[1])[0, 1] > 0.99


def test_signals_can_be_taken_after_engines_came_and_went_in_any_order(network: Network) -> None:
    first, second = OpenVinoEngine(network, threads=1), OpenVinoEngine(network, threads=1)
    first.close()
    del first
    gc.collect()
    second.close()
    del second
    gc.collect()
    taken: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: taken.append(number))
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert taken == [signal.SIGUSR1]


def test_streams_give_what_one_stream_gives(network: Network, engine: OpenVinoEngine) -> None:
    streamed = OpenVinoEngine(network, precision=engine.info.precision, threads=2, streams=2)  # type: ignore[arg-type]  # one of its literals
    streamed.open()
    for count in (1, 2, 5):
        np.testing.assert_array_equal(streamed.encode(noise(count)).latent, engine.encode(noise(count)).latent)
    streamed.close()


def test_the_second_start_takes_the_engine_from_the_cache(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EngineCache(tmp_path)
    first = OpenVinoEngine(network, threads=1, cache=cache)
    first.open()
    assert len(list(tmp_path.iterdir())) == 2
    second = OpenVinoEngine(network, threads=1, cache=cache)
    monkeypatch.setattr(second, "_compile", lambda *_: pytest.fail("it compiled again"))
    second.open()
    np.testing.assert_array_equal(second.encode(noise(1)).latent, first.encode(noise(1)).latent)


def test_an_entry_that_openvino_refuses_is_compiled_again(network: Network, tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    engine = OpenVinoEngine(network, threads=1, cache=cache)
    spec = network.spec
    key = engine._key("decoder", network.decoder, [1, *spec.places, spec.latent_channels])
    cache.load_or_build(key, lambda: b"whole, but no engine")
    engine.open()
    assert np.isfinite(engine.encode(noise(1)).latent).all()
    assert cache.load(key) is None


@pytest.mark.parametrize("options", [{"precision": "f32"}, {"threads": 2}, {"threads": 2, "streams": 2}])
def test_other_options_are_other_entries(network: Network, tmp_path: Path, options: dict[str, Any]) -> None:
    ours = OpenVinoEngine(network, threads=1)._key("encoder", network.encoder, [1])
    theirs = OpenVinoEngine(network, **{"threads": 1, **options})._key("encoder", network.encoder, [1])
    if options == {"precision": processor().precisions[0]}:
        pytest.skip("f32 is this processor's own")
    assert ours != theirs


def test_int8_needs_a_quantised_network(network: Network) -> None:
    with pytest.raises(EngineError, match="never quantised"):
        OpenVinoEngine(network, precision="int8")
