from __future__ import annotations

import threading

from engines.network.files import Network
from engines.runtime.in_use import InUse
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.pictures import trial_pictures

PIXELS = trial_pictures(1, (256, 256))


class Watched(OpenVinoEngine):
    """A real engine that tells whether it was closed."""

    def closed(self) -> bool:
        return self._encoder is None


def opened(network: Network) -> Watched:
    engine = Watched(network, precision="f32", callers=2)
    engine.open()
    return engine


def test_an_engine_whose_time_is_over_is_closed_when_the_last_has_left_it(network: Network) -> None:
    old, new = opened(network), opened(network)
    engines = InUse(old)
    inside, go_on, told = threading.Event(), threading.Event(), []

    def work() -> None:
        with engines.use() as engine:
            inside.set()
            assert go_on.wait(30)
            told.append(engine.encode(PIXELS).latent.shape)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(30)
    assert engines.serve(new) is old
    engines.retire(old)
    assert not old.closed()
    with engines.use() as engine:
        assert engine is new
    go_on.set()
    thread.join()
    assert len(told) == 1
    assert old.closed()
    assert not new.closed()
    new.close()


def test_an_engine_that_nobody_uses_is_closed_at_once(network: Network) -> None:
    old = opened(network)
    engines = InUse(old)
    engines.serve(opened(network)).encode(PIXELS)
    engines.retire(old)
    assert old.closed()
    engines.serving.close()
