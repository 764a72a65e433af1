"""Certificates for tests, signed by themselves."""

import subprocess
from pathlib import Path


def make_certificate(certificate: Path, key: Path, name: str = "vigil") -> None:
    """For 127.0.0.1, valid for two days."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*words.split(), *more, "-keyout", key, "-out", certificate], check=True, capture_output=True)
