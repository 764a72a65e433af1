"""The JSON Schema of the wire, generated from `pipelines.headers`.

``python -m pipelines.schema FILE...`` writes it. A test keeps two copies equal to it: pipelines/alert.schema.json, to
ship with the package, and docs/alert.schema.json, where people look.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from pipelines.headers import AlertHeader, HealthHeader, JournalHeader, RegimeHeader, StatusHeader


def wire_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of the second part of every message, whatever it tells of."""
    kinds = (AlertHeader, StatusHeader, HealthHeader, RegimeHeader, JournalHeader)
    _, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vigil's messages, major version 1",
        "description": "The JSON in the second part of every message. The field `schema` tells the kinds apart.",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds],
        "$defs": components,
    }


def wire_schema_text() -> str:
    """The schema as it stands in the files."""
    return msgspec.json.format(msgspec.json.encode(wire_schema()), indent=2).decode() + "\n"


def main(paths: list[str]) -> None:
    """Write the schema to each of the paths."""
    for path in paths:
        Path(path).write_text(wire_schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
