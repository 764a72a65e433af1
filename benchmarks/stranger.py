"""A subscriber that knows nothing of Vigil: plain pyzmq, written from docs/alerts.md alone.

    python benchmarks/stranger.py ENDPOINT SCHEMA.json

Prints one JSON line a message: what it was, and what was wrong with it (nothing, if all is well). Each header is
validated against the JSON Schema and each picture decoded.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import zmq


def faults(schema: dict[str, Any], header: dict[str, Any], pictures: list[bytes]) -> list[str]:
    """Everything in which a message differs from its description."""
    validator = jsonschema.Draft202012Validator(schema)
    found = [error.message for error in validator.iter_errors(header)]
    if not header["schema"].startswith("vigil.alert/"):
        return found
    if len(pictures) != 3:
        return [*found, f"{len(pictures)} pictures instead of 3"]
    for name, data in zip(("overlay", "clean", "heatmap"), pictures, strict=True):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        said = header["pictures"][name]
        if picture is None:
            found.append(f"{name} does not decode")
        elif picture.shape[:2] != (said["height"], said["width"]):
            found.append(f"{name} is {picture.shape[1]}x{picture.shape[0]}, the header says otherwise")
    return found


def main() -> None:
    """Listen until killed."""
    endpoint, schema = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    socket = zmq.Context().socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.setsockopt(zmq.SUBSCRIBE, b"alert.")
    socket.setsockopt(zmq.SUBSCRIBE, b"status.")
    socket.connect(endpoint)
    while True:
        topic, body, *pictures = socket.recv_multipart()
        header = json.loads(body)
        kept = ("schema", "boot_id", "seq", "camera", "phase", "state", "reason", "last_seq")
        line = {key: header[key] for key in kept if key in header}
        if header.get("latency_ms"):
            line["latency_ms"] = header["latency_ms"]["capture_to_publish"]
        line["faults"] = faults(schema, header, pictures)
        if topic.decode() != f"{header['schema'].split('.')[1].split('/')[0]}.{header['camera']}":
            line["faults"].append(f"topic {topic!r}")
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
