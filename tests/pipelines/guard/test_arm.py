from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import zmq

from pipelines.guard.arm import arm_client, arm_server
from pipelines.guard.keyfiles import ClientKeys, KeyPair

Context = zmq.Context[zmq.Socket[bytes]]


@pytest.fixture
def context() -> Iterator[Context]:
    with zmq.Context() as context:
        context.linger = 0
        yield context


def test_without_an_allow_list_at_work_nobody_is_let_in(context: Context) -> None:
    """ZeroMQ itself admits any key then."""
    server, own = KeyPair(*zmq.curve_keypair()), KeyPair(*zmq.curve_keypair())
    with closing(context.socket(zmq.XPUB)) as outlet, closing(context.socket(zmq.SUB)) as subscriber:
        arm_server(outlet, server, most_bytes=4096)
        port = outlet.bind_to_random_port("tcp://127.0.0.1")
        arm_client(subscriber, ClientKeys(own, server.public))
        subscriber.subscribe(b"")
        subscriber.connect(f"tcp://127.0.0.1:{port}")
        assert not outlet.poll(500)


def test_without_keys_anybody_is_let_in_and_too_long_a_message_ends_the_connection(context: Context) -> None:
    with closing(context.socket(zmq.XPUB)) as outlet, closing(context.socket(zmq.XSUB)) as subscriber:
        arm_server(outlet, None, most_bytes=64)
        port = outlet.bind_to_random_port("tcp://127.0.0.1")
        arm_client(subscriber, None)
        events = subscriber.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        subscriber.connect(f"tcp://127.0.0.1:{port}")
        subscriber.send(b"\x01alert.")
        assert outlet.poll(5000)
        assert outlet.recv() == b"\x01alert."
        subscriber.send(b"\x01" + b"x" * 100)
        assert events.poll(5000)
        subscriber.disable_monitor()
        events.close()
