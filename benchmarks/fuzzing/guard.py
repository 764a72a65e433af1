"""Who may connect: key files, and what ZeroMQ asks about newcomers."""

from __future__ import annotations

import random

import zmq

from benchmarks.fuzzing.mutate import spoil_bytes, spoil_parts, spoil_text
from benchmarks.fuzzing.target import Target, Workshop, require
from benchmarks.fuzzing.wire import pack, unpack
from pipelines.errors import KeysError
from pipelines.guard.keyfiles import SERVER_KEY, make_pair, read_client, read_pair, read_public
from pipelines.guard.zap import read_question


def zap_target(_: Workshop) -> Target:
    """`pipelines.guard.zap.read_question`: a key is only what has the length of one and came by CURVE."""

    def check(data: bytes) -> bool:
        question = read_question(unpack(data))
        if question is None or question.key is None:
            return False
        require(question.mechanism == "CURVE", f"a key by {question.mechanism}")
        require(len(question.credentials) == 1, "a key among other credentials")
        require(zmq.utils.z85.decode(question.key) == question.credentials[0], "a key that is not the one shown")
        return True

    def mutate(data: bytes, chance: random.Random) -> bytes:
        return pack(spoil_parts(unpack(data), chance, spoil_bytes))

    asked = [b"1.0", b"7", b"vigil", b"10.0.0.9", b"", b"CURVE", bytes(range(32))]
    return Target("zap", [pack(asked), pack([*asked[:5], b"NULL"])], mutate, check)


def keys_target(workshop: Workshop) -> Target:
    """`pipelines.guard.keyfiles`: a damaged file gives no key, and never tells the secret."""
    made = make_pair(workshop.folder / "made.key_secret", {SERVER_KEY: "x" * 40})
    whole = (workshop.folder / "made.key_secret").read_text().replace("x" * 40, made.public.decode()).encode()
    file = workshop.folder / "tried.key_secret"
    file.touch(0o600)

    def check(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            public = read_public(file)
            pair = read_pair(file)
            client = read_client(file)
        except KeysError as error:
            require(file.name in str(error), "the error does not name the file")
            require(made.secret.decode() not in str(error), "the error tells the secret")
            return False
        require(public == pair.public == zmq.curve_public(pair.secret), "keys that do not belong together")
        require(len(client.server) == 40, "a server's key of another length")
        return True

    return Target("keys", [whole], spoil_text, check)
