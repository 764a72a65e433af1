from pathlib import Path

import pytest
import zmq
import zmq.auth

from pipelines.errors import KeysError
from pipelines.guard.keyfiles import SERVER_KEY, is_key_name, make_pair, read_client, read_pair, read_public


def test_a_new_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    pair = make_pair(tmp_path / "gate.key_secret")
    assert (tmp_path / "gate.key_secret").stat().st_mode & 0o777 == 0o600
    assert read_pair(tmp_path / "gate.key_secret") == pair
    assert read_public(tmp_path / "gate.key") == pair.public
    assert pair.secret.decode() not in repr(pair)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate.key", "gate.key_secret"]


def test_pyzmq_reads_what_was_written(tmp_path: Path) -> None:
    pair = make_pair(tmp_path / "gate.key_secret", {SERVER_KEY: "x"})
    assert zmq.auth.load_certificate(tmp_path / "gate.key_secret") == (pair.public, pair.secret)
    assert zmq.auth.load_certificates(tmp_path) == {pair.public: True}


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    pair = make_pair(tmp_path / "gate.key_secret")
    with pytest.raises(KeysError, match="is there already"):
        make_pair(tmp_path / "gate.key_secret")
    assert read_pair(tmp_path / "gate.key_secret") == pair


def test_a_subscribers_file_may_hold_the_servers_key(tmp_path: Path) -> None:
    server = make_pair(tmp_path / "server.key_secret")
    make_pair(tmp_path / "with.key_secret", {SERVER_KEY: server.public.decode()})
    make_pair(tmp_path / "without.key_secret")
    assert read_client(tmp_path / "with.key_secret").server == server.public
    assert read_client(tmp_path / "without.key_secret", tmp_path / "server.key").server == server.public
    with pytest.raises(KeysError, match="give the server's public key too"):
        read_client(tmp_path / "without.key_secret")


def test_a_secret_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    make_pair(tmp_path / "gate.key_secret")
    (tmp_path / "gate.key_secret").chmod(0o644)
    with pytest.raises(KeysError, match="chmod 600"):
        read_pair(tmp_path / "gate.key_secret")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no key file"),
        (b"public-key\n", "is no key file"),
        (b'public-key = "short"\nsecret-key = "short"\n', "40 characters"),
        (b'public-key = "' + b"~" * 40 + b'"\n', "40 characters"),
        (b'public-key = "' + b"#" * 40 + b'"\nsecret-key = "' + b"#" * 40 + b'"\n', "40 characters"),
        (b"\xff\xfe" * 40_000, "too long"),
    ],
)
def test_what_is_no_key_is_refused_in_one_line_without_its_content(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "x.key_secret"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeysError, match=told) as caught:
        read_pair(file)
    assert "\n" not in str(caught.value)
    assert "short" not in str(caught.value)


def test_halves_of_two_keys_are_no_key(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path / "one.key_secret"), make_pair(tmp_path / "other.key_secret")
    file = tmp_path / "one.key_secret"
    file.write_text(file.read_text().replace(one.secret.decode(), other.secret.decode()))
    with pytest.raises(KeysError, match="do not belong together") as caught:
        read_pair(file)
    assert other.secret.decode() not in str(caught.value)


@pytest.mark.parametrize(("name", "good"), [("control-room", True), ("../x", False), ("", False), ("a\n", False)])
def test_names_of_keys_are_safe_as_file_names(name: str, good: bool) -> None:
    assert is_key_name(name) is good


def test_a_servers_key_beyond_what_z85_can_say_is_refused(tmp_path: Path) -> None:
    make_pair(tmp_path / "gate.key_secret", {SERVER_KEY: "#" * 40})
    with pytest.raises(KeysError, match="40 characters of Z85"):
        read_client(tmp_path / "gate.key_secret")
