"""What the daemon does all day, in short: run under the sandbox by a test. Prints ``done``."""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import av
import cv2
import numpy as np
import zmq
from prometheus_client import CollectorRegistry

from daemon.probes import Health, Http, HttpSettings
from daemon.worker import Worker
from engines.network.files import shared_network
from engines.runtime.openvino import OpenVinoEngine
from pipelines.metrics import process_metrics


def decode_video(folder: Path) -> None:
    """Write a short H.264 file and read it back on the decoder's threads."""
    file = folder / "clip.mp4"
    with av.open(file, "w") as made:
        stream = made.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(15):
            pixels = np.full((240, 320, 3), 16 * index, np.uint8)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        made.mux(stream.encode())
    with av.open(file) as opened:
        opened.streams.video[0].thread_type = "AUTO"
        assert sum(1 for _ in opened.decode(video=0)) == 15


def score_frames() -> None:
    """Compile the network that ships and run both halves; optical flow beside it."""
    engine = OpenVinoEngine(shared_network(), precision="auto", threads=2)
    engine.open()
    pixels = np.zeros((2, *engine.spec.input_size, 3), np.uint8)
    assert len(engine.decode(engine.encode(pixels).latent).features) == 2
    engine.close()
    grey = pixels[0, :, :, 0]
    cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(
        grey, grey, np.zeros((*grey.shape, 2), np.float32)
    )


def publish() -> None:
    """Bind, connect, send and receive."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as out, context.socket(zmq.SUB) as into:
        into.setsockopt(zmq.SUBSCRIBE, b"alert")
        into.setsockopt(zmq.RCVTIMEO, 5000)
        into.connect(f"tcp://127.0.0.1:{out.bind_to_random_port('tcp://127.0.0.1')}")
        out.recv()
        out.send(b"alert.gate")
        assert into.recv() == b"alert.gate"


def serve_metrics() -> None:
    """Answer a scrape that holds the figures of the process, and of it and another together."""
    registry = CollectorRegistry()
    process_metrics(registry)
    http = Http(HttpSettings(port=0), registry, lambda: Health(ok=True), lambda: Health(ok=True))
    server = Worker(http, "http")
    server.start()
    while not server.opened:
        time.sleep(0.01)
    with subprocess.Popen(["sleep", "20"]) as other:
        with urllib.request.urlopen(f"http://127.0.0.1:{http.port}/metrics", timeout=5) as answer:
            told = answer.read()
        other.kill()
    assert b"process_resident_memory_bytes" in told
    assert b"vigil_processes 2" in told
    server.stop()
    assert server.join(5)
    assert server.error is None


if __name__ == "__main__":
    decode_video(Path(sys.argv[1]))
    socket.getaddrinfo("localhost", 554)
    score_frames()
    publish()
    serve_metrics()
    sys.stdout.write("done\n")
