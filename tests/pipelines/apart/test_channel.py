"""Whole messages between two processes, or a plain error."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.apart.channel import Channel
from pipelines.errors import HelperError, HelperSilent


def head(count: int, first: int = 0, second: int = 0) -> bytes:
    """How a message begins."""
    return struct.pack("<IQQ", count, first, second)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = Channel.pair()
    with closing(ours), closing(Channel(theirs)) as other:
        yield ours, other


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_message_arrives_part_by_part_as_it_was_sent(parts: list[bytes]) -> None:
    ours, theirs = Channel.pair()
    with closing(ours), closing(Channel(theirs)) as other:
        ours.send(*parts)
        ours.send(b"next")
        assert [bytes(part) for part in other.receive(1.0)] == parts
        assert [bytes(part) for part in other.receive(1.0)] == [b"next"]


def test_an_array_that_fills_every_buffer_on_the_way_arrives_whole(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    pixels = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    sending = threading.Thread(target=ours.send, args=(b"pixels", pixels.data))
    sending.start()
    _, came = theirs.receive(5.0)
    sending.join()
    assert np.array_equal(came.reshape(pixels.shape), pixels)


def test_an_open_file_goes_along(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    read, write = os.pipe()
    ours.send(b"take this", files=[write])
    os.close(write)
    (said,), (descriptor,) = theirs.receive_with_files(1.0)
    os.write(descriptor, b"hello")
    os.close(descriptor)
    with os.fdopen(read, "rb") as pipe:
        assert (bytes(said), pipe.read()) == (b"take this", b"hello")


def test_who_hangs_up_is_told_of_at_once_also_in_the_middle_of_a_message() -> None:
    for said in (b"", b"\x01\x00", head(1, 8) + b"abc", head(3, 0, 0) + b"abc"):
        ours, theirs = Channel.pair()
        with closing(ours):
            theirs.sendall(said)
            theirs.close()
            with pytest.raises(HelperError, match="has ended or hung up"):
                ours.receive(5.0)


def test_silence_is_an_error_after_a_bound_and_the_channel_is_then_closed(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    began = time.monotonic()
    with pytest.raises(HelperError, match="does not answer"):
        ours.receive(0.1)
    assert time.monotonic() - began < 2
    with pytest.raises(HelperError, match="hung up"):
        theirs.receive(1.0)


@pytest.mark.parametrize(
    "said",
    [
        head(1001),
        head(1, (1 << 64) - 1),
        head(2, 0x1F000000, 0x1F000000),
        head(3, 0, 0) + (1 << 30).to_bytes(8, "little"),
    ],
    ids=["too many parts", "a part without end", "too much in all", "too much after the first two"],
)
def test_what_claims_to_be_larger_than_any_message_is_refused_before_memory_is_taken_for_it(said: bytes) -> None:
    ours, theirs = Channel.pair()
    with closing(ours), theirs:
        theirs.sendall(said)
        with pytest.raises(HelperError, match="no message"):
            ours.receive(1.0)


def test_sending_to_who_has_gone_is_the_same_error(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    theirs.close()
    with pytest.raises(HelperError):
        ours.send(b"x" * 10_000_000)


def test_a_pair_leaves_no_descriptor_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    ours, theirs = Channel.pair()
    assert isinstance(theirs, socket.socket)
    theirs.close()
    ours.close()
    ours.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_file_that_nobody_asked_for_is_closed(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    read, write = os.pipe()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    ours.send(b"take this", files=[read, write])
    theirs.receive(1.0)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    os.close(read)
    os.close(write)


def test_a_message_that_comes_in_bits_is_waited_for_no_longer_than_one_that_does_not() -> None:
    ours, theirs = Channel.pair()
    over = threading.Event()

    def trickle() -> None:
        theirs.sendall(head(1, 1000))
        while not over.wait(0.05):
            theirs.sendall(b"x")

    trickling = threading.Thread(target=trickle)
    with closing(ours), theirs:
        trickling.start()
        began = time.monotonic()
        with pytest.raises(HelperSilent):
            ours.receive(0.3)
        assert time.monotonic() - began < 2
        over.set()
        trickling.join()


def test_hanging_up_wakes_who_waits_without_a_bound(ends: tuple[Channel, Channel]) -> None:
    woken = threading.Event()

    def wait() -> None:
        with pytest.raises(HelperError):
            ends[0].receive()
        woken.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    ends[0].hang_up()
    assert woken.wait(2)
    waiting.join()
    ends[0].hang_up()


def test_who_does_not_listen_is_waited_for_no_longer_than_that(ends: tuple[Channel, Channel]) -> None:
    began = time.monotonic()
    with pytest.raises(HelperSilent):
        ends[0].send(bytes(10_000_000), timeout_s=0.2)
    assert time.monotonic() - began < 2


def test_a_signal_in_the_middle_of_a_message_does_no_harm(ends: tuple[Channel, Channel]) -> None:
    """It cuts calls of the kernel short, on the main thread; who handles it goes on."""
    rung = 0

    def ring(*_: object) -> None:
        nonlocal rung
        rung += 1

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    pixels = np.random.default_rng(1).integers(0, 255, 30_000_000, np.uint8)
    came: list[np.ndarray] = []
    slow = threading.Thread(target=lambda: came.extend(ends[1].receive(20.0)))
    try:
        slow.start()
        ends[0].send(pixels.data, timeout_s=20.0)
        slow.join()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung
    np.testing.assert_array_equal(came[0], pixels)
