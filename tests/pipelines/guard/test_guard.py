from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
from pathlib import Path

import pytest
import zmq

from pipelines.errors import PublishError, SubscribeError
from pipelines.guard.keyfiles import ClientKeys, KeyPair, read_pair
from pipelines.guard.lobby import Bounds
from pipelines.outlet import Outlet
from pipelines.subscribe import Subscriber
from tests.pipelines.guard.minded import PATIENCE_S, KeyFolder, Minded, minded

GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00NULL" + bytes(16) + bytes(32)
CURVE_GREETING = GREETING.replace(b"NULL" + bytes(1), b"CURVE")
READY = b"\x04\x19\x05READY\x0bSocket-Type" + bytes(3) + b"\x03SUB"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path)


def stranger() -> KeyPair:
    return KeyPair(*zmq.curve_keypair())


def connect(made: Minded) -> socket.socket:
    return socket.create_connection(("127.0.0.1", made.port), timeout=10)


def shake_hands(made: Minded) -> socket.socket:
    """A client that speaks ZeroMQ's protocol by hand, without a key."""
    link = connect(made)
    link.sendall(GREETING)
    while len(received := link.recv(4096, socket.MSG_PEEK)) < 64:
        assert received
    link.sendall(READY)
    while b"READY" not in link.recv(4096, socket.MSG_PEEK):
        pass
    return link


def hung_up(link: socket.socket) -> bool:
    """Whether the other end has closed; waits a little."""
    link.settimeout(0.05)
    try:
        while link.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def sent_until_cut_off(made: Minded, link: socket.socket, chunk: bytes) -> int:
    """Send over and over while the others are published to; returns the bytes that went."""
    sent = 0
    link.settimeout(0.2)
    while True:
        try:
            sent += link.send(chunk)
        except TimeoutError:
            pass
        except OSError:
            return sent
        made.publish()


def test_a_key_that_is_allowed_gets_in_and_no_other(keys: KeyFolder, caplog: pytest.LogCaptureFixture) -> None:
    known, unknown = keys.make("gate"), stranger()
    with minded(keys) as made:
        friend, foe = made.subscriber(known), made.subscriber(unknown)
        made.hears(friend)
        made.until(lambda: made.refused("unknown_key") == 1 and made.connections() == 1)
        assert made.refused("too_long") == 0
        assert not foe.poll(0)
        assert unknown.public.decode() in caplog.text
        assert "refused 127.0.0.1" in caplog.text


def test_a_revoked_key_is_cut_off_and_the_others_stay(keys: KeyFolder, caplog: pytest.LogCaptureFixture) -> None:
    leaver, stayer = keys.make("leaver"), keys.make("stayer")
    with minded(keys) as made:
        first, second = made.subscriber(leaver), made.subscriber(stayer)
        drops = second.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        made.hears(first)
        made.hears(second)
        keys.revoke("leaver")
        made.until(lambda: made.connections() == 1)
        while first.poll(0):
            first.recv_multipart()
        made.hears(second)
        assert not first.poll(100)
        assert not drops.poll(0), "who stays is not even interrupted"
        again = made.subscriber(leaver)
        made.until(lambda: made.refused("revoked_key") >= 2)
        assert not again.poll(0)
        assert "its key, leaver, is revoked" in caplog.text
        second.disable_monitor()
        drops.close()


def test_a_key_that_is_added_counts_without_a_restart(keys: KeyFolder) -> None:
    with minded(keys) as made:
        pair = keys.make("new")
        time.sleep(1.0)
        made.hears(made.subscriber(pair))


def test_no_key_and_a_wrong_server_key_are_refused_by_name(keys: KeyFolder, caplog: pytest.LogCaptureFixture) -> None:
    with minded(keys) as made:
        bare = made.subscriber()
        misled = made.subscriber(keys.make("misled"), server=stranger())
        made.until(lambda: made.refused("no_key") > 0 and made.refused("wrong_server_key") > 0)
        # A try may be over sooner than a busy machine gets to look at its address; a client tries on and on.
        who = "(127.0.0.1|an address that hung up before it could be read)"
        assert re.search(f"refused {who}: (no key|it shows no key|hung up without having shown a key)", caplog.text)
        assert re.search(f"refused {who}: expects another server key", caplog.text)
        assert not bare.poll(0)
        assert not misled.poll(0)


def test_a_file_that_is_no_key_is_left_out_and_the_rest_counts(
    keys: KeyFolder, caplog: pytest.LogCaptureFixture
) -> None:
    pair = keys.make("gate")
    (keys.folder / "allowed" / "broken.key").write_text("nonsense")
    with minded(keys) as made:
        made.hears(made.subscriber(pair))
    assert "broken.key: is no key file" in caplog.text


def test_no_secret_is_logged(keys: KeyFolder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pair = keys.make("gate")
    with minded(keys) as made:
        made.hears(made.subscriber(pair))
        keys.revoke("gate")
        made.until(lambda: made.refused("revoked_key") > 0)
    for secret in (pair.secret, read_pair(keys.folder / "server.key_secret").secret):
        assert secret.decode() not in caplog.text


def test_who_sends_a_huge_message_is_cut_off_and_named(caplog: pytest.LogCaptureFixture) -> None:
    with minded() as made, shake_hands(made) as link:
        good = made.subscriber()
        made.hears(good)
        link.settimeout(10)
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it happens
            link.sendall(b"\x02" + (100 << 20).to_bytes(8, "big") + bytes(100 << 20))
        made.until(lambda: made.refused("too_long") == 1)
        assert "refused 127.0.0.1: a message of more than 1024 bytes" in caplog.text
        made.hears(good)


def test_who_sends_a_huge_message_before_it_is_let_in_is_counted_too(keys: KeyFolder) -> None:
    with minded(keys) as made:
        for _ in range(3):
            with contextlib.suppress(OSError), connect(made) as link:
                link.sendall(CURVE_GREETING + b"\x06" + (100 << 20).to_bytes(8, "big"))
                link.sendall(bytes(1 << 20))
        made.until(lambda: made.refused("too_long") == 3)


def test_who_floods_with_requests_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    with minded() as made, shake_hands(made) as link:
        good = made.subscriber()
        made.hears(good)
        requests = b"".join(b"\x00\x09\x01" + number.to_bytes(8, "big") for number in range(1000))
        assert sent_until_cut_off(made, link, requests) < 100 << 20
        made.until(lambda: made.refused("too_much") == 1)
        made.hears(good)


def test_connections_are_bounded_and_those_at_work_keep_theirs(caplog: pytest.LogCaptureFixture) -> None:
    with minded(bounds=Bounds(connections=8)) as made:
        good = made.subscriber()
        made.hears(good)
        made.until(lambda: made.connections() == 1)
        links = [connect(made) for _ in range(40)]
        made.until(lambda: made.refused("too_many") >= 33 and made.connections() <= 8)
        made.hears(good)
        late = made.subscriber()
        made.hears(late)
        assert "8 connections are the most" in caplog.text
        assert len([line for line in caplog.text.splitlines() if "refused" in line]) == 1, "told once, then in sum"
        for link in links:
            link.close()


def test_who_only_connects_is_let_go_after_a_while() -> None:
    with minded() as made, connect(made) as silent:
        made.until(lambda: made.refused("handshake") == 1)
        assert hung_up(silent)


def test_a_port_scan_is_no_refusal() -> None:
    with minded() as made:
        for _ in range(5):
            connect(made).close()
        made.until(lambda: made.connections() == 0)
        made.hears(made.subscriber())
        assert made.refused("handshake") == made.refused("too_long") == 0


def test_where_keys_are_asked_for_it_is_counted_all_the_same(keys: KeyFolder) -> None:
    with minded(keys) as made:
        for _ in range(5):
            connect(made).close()
        made.until(lambda: made.refused("no_key") == 5)


def opened(outlet: Outlet) -> str:
    """A former socket's monitor goes when ZeroMQ's own thread has closed it; a supervisor tries again likewise."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return outlet.open("tcp://127.0.0.1:*")
        except PublishError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_socket_that_is_made_anew_is_minded_again() -> None:
    """ZeroMQ's one thread blocks on a monitor that nobody reads: no socket of the context would work any more."""
    with minded() as made:
        made.hears(made.subscriber())
        for _ in range(3):
            made.outlet.close()
            made.outlet = Outlet(high_water=100, linger_ms=100, context=made.guard)
            made.endpoint = opened(made.outlet)
            made.hears(made.subscriber())
            made.until(lambda: made.connections() == 1)
        made.outlet.close()


def test_descriptors_end_where_they_began() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with minded(bounds=Bounds(connections=4)) as made:
        good = made.subscriber()
        made.hears(good)
        before = count()
        for _ in range(3):
            links = [connect(made) for _ in range(20)]
            for link in links:
                link.close()
        made.until(lambda: made.connections() == 1 and count() <= before)


def test_a_subscriber_that_is_turned_away_is_told_why(keys: KeyFolder) -> None:
    with minded(keys) as made:
        keys_of_a_stranger = ClientKeys(stranger(), keys.server.public)
        with (
            Subscriber(made.endpoint, keys=keys_of_a_stranger, context=made.clients) as messages,
            pytest.raises(SubscribeError, match="its key is not"),
        ):
            messages.receive(PATIENCE_S)
