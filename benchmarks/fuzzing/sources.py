"""Names of sources: what people write into settings, lists and arguments."""

from __future__ import annotations

import math

from benchmarks.fuzzing.mutate import spoil_text
from benchmarks.fuzzing.target import Target, Workshop, require
from pipelines.errors import SourceError, SourceRefused
from pipelines.redact import redact
from pipelines.sources.fragment import Stretch, parse_stretch
from pipelines.sources.spec import SourceSpec, parse_source, read_sources_file


def fragment_target(_: Workshop) -> Target:
    """`pipelines.sources.fragment.parse_stretch`."""

    def check(data: bytes) -> bool:
        try:
            stretch = parse_stretch(data.decode("utf-8", "replace"))
        except SourceRefused:
            return False
        _check_stretch(stretch)
        end = "" if stretch.end_s is None else f",{stretch.end_s:f}"
        again = parse_stretch(f"{stretch.start_s:f}{end}") if stretch != Stretch() else stretch
        require(math.isclose(again.start_s, stretch.start_s, abs_tol=1e-6), "the start does not come back")
        return True

    seeds = [b"2.5,9", b",1:30", b"npt:10", b"1:02:03.5,1:02:04", b"0,", b"00:10,00:20"]
    return Target("fragment", seeds, spoil_text, check)


def source_target(workshop: Workshop) -> Target:
    """`pipelines.sources.spec.parse_source` and what hides secrets in its labels."""

    def check(data: bytes) -> bool:
        text = data.decode("utf-8", "surrogateescape")
        hidden = redact(text)
        require(redact(hidden) == hidden, "hiding twice is not hiding once")
        try:
            spec = parse_source(text, workshop.folder)
        except SourceRefused:
            return False
        _check_spec(spec)
        return True

    seeds = [
        b"rtsp://user:secret@10.0.0.7:554/stream1?token=abc#t=2.5,9",
        b"monday.mp4#t=60,1800",
        b"night/*.jpg",
        b"device:0",
        b"/dev/video1",
        b"file:///tmp/a%20b.mp4",
        b"~/clips/[a-z]*.png#t=,5",
        b"https://host/a.mjpg?user=x&password=y",
    ]
    return Target("source", seeds, spoil_text, check)


def list_target(workshop: Workshop) -> Target:
    """`pipelines.sources.spec.read_sources_file`."""
    file = workshop.folder / "sources.txt"

    def check(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            specs = read_sources_file(file)
        except SourceError as error:
            require(file.name in str(error), "the error does not name the file")
            return False
        require(len(specs) >= 1, "an empty list was accepted")
        for spec in specs:
            _check_spec(spec)
        return True

    return Target(
        "list",
        [b"# days\nmonday.mp4#t=60,1800\n\nrtsp://a:b@c/d\n", b"\xef\xbb\xbfa.mp4\r\nb.mp4\r\n"],
        spoil_text,
        check,
    )


def _check_spec(spec: SourceSpec) -> None:
    _check_stretch(Stretch(spec.start_s, spec.end_s))
    require(bool(spec.location), "a source without a location")
    require("secret" not in spec.label or "secret@" not in spec.location, "a label tells a password")


def _check_stretch(stretch: Stretch) -> None:
    require(0 <= stretch.start_s < math.inf, f"a start of {stretch.start_s}")
    require(stretch.end_s is None or stretch.start_s < stretch.end_s < math.inf, f"an end of {stretch.end_s}")
