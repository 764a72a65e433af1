"""Graphs by the driver's own calls: in which order, and what a refusal comes to."""

from __future__ import annotations

from ctypes import POINTER, c_char_p, c_void_p, cast
from typing import Any

import pytest

from engines.errors import EngineError
from engines.runtime.cuda_driver import CudaDriver


class Driver:
    """The calls that the driver would get, and what it answers; a call that is not answered succeeds."""

    def __init__(self, **refusals: int) -> None:
        self.made: list[str] = []
        self.alive = {"graph": 0, "ready": 0}
        self._refusals = refusals
        names = ("cuStreamBeginCapture_v2", "cuGraphLaunch", "cuCtxPopCurrent_v2")
        calls: dict[str, Any] = {name: self._call(name) for name in names}
        calls["cuStreamEndCapture"] = self._call("cuStreamEndCapture", self._hand_out, "graph")
        calls["cuGraphInstantiateWithFlags"] = self._call("cuGraphInstantiateWithFlags", self._hand_out, "ready")
        calls["cuGraphExecDestroy"] = self._call("cuGraphExecDestroy", self._take_back, "ready")
        calls["cuGraphDestroy"] = self._call("cuGraphDestroy", self._take_back, "graph")
        calls["cuGetErrorName"] = self._name
        self.driver = CudaDriver(calls)

    def _call(self, name: str, effect: Any = None, what: str = "") -> Any:
        def call(*arguments: Any) -> int:
            self.made.append(name)
            status = self._refusals.get(name, 0)
            if status == 0 and effect is not None:
                effect(what, arguments)
            return status

        return call

    def _hand_out(self, what: str, arguments: tuple[Any, ...]) -> None:
        self.alive[what] += 1
        pointer = arguments[0] if what == "ready" else arguments[1]
        cast(pointer, POINTER(c_void_p))[0] = 0x1234

    def _take_back(self, what: str, _: tuple[Any, ...]) -> None:
        self.alive[what] -= 1

    def _name(self, status: int, name: Any) -> int:
        if status != 901:
            return 1
        cast(name, POINTER(c_char_p))[0] = b"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
        return 0


def test_a_graph_is_captured_launched_and_destroyed() -> None:
    fake = Driver()
    with fake.driver.capture(7) as graph:
        pass
    graph.launch(7)
    assert fake.alive == {"graph": 1, "ready": 1}
    graph.close()
    graph.close()
    assert fake.alive == {"graph": 0, "ready": 0}
    assert fake.made.count("cuGraphLaunch") == 1
    with pytest.raises(EngineError, match="not captured"):
        graph.launch(7)


def test_a_refusal_is_told_by_its_name() -> None:
    fake = Driver(cuStreamEndCapture=901)
    with (
        pytest.raises(EngineError, match=r"refused cuStreamEndCapture \(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED\)"),
        fake.driver.capture(7),
    ):
        pass
    assert fake.alive == {"graph": 0, "ready": 0}


def test_an_unknown_refusal_is_told_by_its_number() -> None:
    with pytest.raises(EngineError, match="CUDA error 35"):
        Driver(cuCtxPopCurrent_v2=35).driver.pop_context()


def test_a_capture_in_which_something_fails_is_ended_all_the_same() -> None:
    fake = Driver()
    with pytest.raises(EngineError, match="the network"), fake.driver.capture(7):
        raise EngineError("cannot run the network")
    assert fake.made == ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphDestroy"]
    assert fake.alive["graph"] == 0


def test_a_graph_that_cannot_be_made_ready_leaves_nothing() -> None:
    fake = Driver(cuGraphInstantiateWithFlags=2)
    with pytest.raises(EngineError, match="cuGraphInstantiateWithFlags"), fake.driver.capture(7):
        pass
    assert fake.alive == {"graph": 0, "ready": 0}
