"""What systemd is told: sd_notify(3) in a few lines of the standard library."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

_log = logging.getLogger("vigil.notify")


class Notifier:
    """Sends the state of the service to the socket that systemd names; does nothing where there is none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        mine = environ.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = int(microseconds) / 1e6 if microseconds.isdigit() and mine else None
        """Seconds without a sign of life after which systemd ends the service; None when it does not watch."""

    def tell(self, *lines: str) -> None:
        """Send lines such as ``READY=1`` or ``STATUS=...`` in one datagram; never blocks, never raises."""
        if not self._address:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as link:
                link.sendto(text.encode(), self._address)
        except OSError as error:
            # A service manager that does not listen is no reason to stop watching cameras.
            _log.debug("systemd was not told: %s", error)
