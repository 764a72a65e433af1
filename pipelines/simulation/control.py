"""The camera server's control by lines of text, for a process of its own.

Each line is answered by one line of JSON: ``{"done": LINE}`` or ``{"refused": WHY}``.

========================  =============================================================
``stall NAME``            send nothing more, keep the connections
``refuse NAME``           answer new clients with 503
``drop NAME``             close the connections; new ones are served
``reset NAME``            the same by RST
``faults NAME JSON``      all that is wrong from now on: the fields of `Faults`, such as
                          ``{"look": "blurred", "lost": 0.02}``
``restore NAME``          nothing is wrong any more
``prepare NAME LOOK``     code a look beforehand, so that it is there at once later
``jump NAME SECONDS``     set the stream's timestamps forward, or back
``wrap NAME SECONDS``     have them overflow so soon
``quit``                  end
========================  =============================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from pipelines.errors import SourceError
from pipelines.simulation.faults import Faults, Look

if TYPE_CHECKING:
    from pipelines.simulation.rtsp import RtspServer


def obey(server: RtspServer, lines: Iterable[str], answer: Callable[[str], None]) -> None:
    """Do what the lines say, until ``quit`` or their end; `answer` is given a line for each."""
    for line in lines:
        text = line.strip()
        if text == "quit":
            return
        answer(json.dumps(_answer(server, text)))


def announcement(server: RtspServer) -> dict[str, Any]:
    """What a parent process needs: where the streams are, and when they began."""
    streams = {}
    for name in server.names:
        line = server.timeline(name)
        streams[name] = {
            "url": server.url(name),
            "began_monotonic_s": line.began_monotonic_s,
            "began_wall_s": line.began_wall_s,
            "duration_s": line.clip.duration_s,
            "frames": len(line.clip.pictures),
        }
    return {"port": server.port, "streams": streams}


def _answer(server: RtspServer, text: str) -> dict[str, str]:
    verb, _, rest = text.partition(" ")
    name, _, argument = rest.partition(" ")
    if verb not in _ACTIONS or name not in server.names:
        return {"refused": f"{text!r}: say COMMAND NAME with {', '.join(_ACTIONS)} and one of the cameras"}
    try:
        _ACTIONS[verb](server, name, argument)
    except (ValueError, SourceError) as error:  # a DecodeError is a ValueError
        return {"refused": f"{text!r}: {error}"}
    return {"done": text}


def _prepare(server: RtspServer, name: str, argument: str) -> None:
    look = next((look for look in get_args(Look) if look == argument), None)
    if look is None:
        raise ValueError(f"no look {argument!r}: there are {', '.join(get_args(Look))}")
    server.prepare(name, look)


_ACTIONS: Mapping[str, Callable[[RtspServer, str, str], None]] = {
    "stall": lambda server, name, _: server.stall(name),
    "refuse": lambda server, name, _: server.refuse(name),
    "drop": lambda server, name, _: server.drop(name),
    "reset": lambda server, name, _: server.reset(name),
    "faults": lambda server, name, text: server.fault(name, msgspec.json.decode(text, type=Faults)),
    "restore": lambda server, name, _: server.restore(name),
    "prepare": _prepare,
    "jump": lambda server, name, text: server.jump(name, float(text)),
    "wrap": lambda server, name, text: server.wrap(name, float(text)),
}
