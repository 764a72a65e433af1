"""The replay: what subscribers ask, and how they are answered."""

from __future__ import annotations

import random

from benchmarks.fuzzing.mutate import spoil_json, spoil_parts
from benchmarks.fuzzing.target import Target, Workshop, require
from benchmarks.fuzzing.wire import pack, unpack
from pipelines.errors import WireError
from pipelines.replay_wire import (
    REPLAY_SCHEMA,
    ReplayAnswer,
    ReplayRequest,
    read_answer,
    read_request,
    write_answer,
    write_request,
)


def request_target(_: Workshop) -> Target:
    """`pipelines.replay_wire.read_request`, as the daemon reads it from anybody."""

    def check(data: bytes) -> bool:
        try:
            request = read_request(unpack(data))
        except WireError as error:
            require(len(str(error)) < 1_000, "an error of more than 1000 characters")
            return False
        require(read_request([write_request(request)]) == request, "a request does not come back")
        return True

    whole = ReplayRequest(schema=REPLAY_SCHEMA, id=7, boot_id="2d3ee1aa6254", seq=41, camera="gate")
    first = ReplayRequest(schema=REPLAY_SCHEMA, id=0)
    return Target("request", [pack([write_request(one)]) for one in (whole, first)], _mutate, check)


def answer_target(_: Workshop) -> Target:
    """`pipelines.replay_wire.read_answer`, as a subscriber reads it."""

    def check(data: bytes) -> bool:
        try:
            answer = read_answer(unpack(data))
        except WireError as error:
            require(len(str(error)) < 1_000, "an error of more than 1000 characters")
            return False
        require(answer is None or read_answer(write_answer(answer)) == answer, "an answer does not come back")
        return True

    whole = ReplayAnswer(schema=REPLAY_SCHEMA, id=7, outcome="done", alerts=3)
    return Target("answer", [pack(write_answer(whole))], _mutate, check)


def _mutate(data: bytes, chance: random.Random) -> bytes:
    return pack(spoil_parts(unpack(data), chance, spoil_json))
