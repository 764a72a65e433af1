"""Names and colours for people of what goes over the wire as plain text."""

from __future__ import annotations

from pipelines.caption import SIGNAL_COLOURS, SIGNAL_NAMES, Colour
from pipelines.simulation.scene import Kind

KIND_NAMES: dict[Kind, str] = {
    "left-object": "object left behind",
    "cyclist": "cyclist",
    "running": "someone running",
    "vehicle": "vehicle",
    "against-flow": "against the flow",
}
_GREY: Colour = (164, 158, 152)
_names: dict[str, str] = {str(signal): name for signal, name in SIGNAL_NAMES.items()}
_colours: dict[str, Colour] = {str(signal): colour for signal, colour in SIGNAL_COLOURS.items()}


def signal_name(signal: str) -> str:
    """A signal's short name; that of the wire for one that this version does not know."""
    return _names.get(signal, signal)


def signal_colour(signal: str) -> Colour:
    """A signal's colour, blue, green, red."""
    return _colours.get(signal, _GREY)
