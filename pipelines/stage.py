"""A stage of the pipeline: plain steps that a thread elsewhere repeats."""

from typing import Protocol


class Stage(Protocol):
    """Opened, stepped and closed by one thread, which owns everything made in `open`.

    Tests call `step` without any thread. An exception out of any method ends the stage.
    """

    @property
    def name(self) -> str:
        """Names the thread, the log lines and the metrics."""

    def open(self) -> None:
        """Acquire sockets, decoders, device contexts."""

    def step(self) -> bool:
        """Do a bounded piece of work, in at most a second or so; False when the stage has finished for good."""

    def close(self) -> None:
        """Release what `open` acquired; called once, also after a failure."""
