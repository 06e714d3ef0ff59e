"""Tell systemd where the service stands: sd_notify(3), datagrams to ``$NOTIFY_SOCKET``."""

from __future__ import annotations

import os
import socket


class Notifier:
    """Sends states to the service manager; silent where there is none.

    A datagram to a local socket does not block for longer than the manager takes to read, and is
    sent without blocking at all: one that does not fit is dropped, as the next says more.
    """

    def __init__(self, address: str | None = None) -> None:
        """Take the address from the argument, else from ``$NOTIFY_SOCKET``."""
        path = address if address is not None else os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path

    def send(self, **states: str | int) -> bool:
        """Send states such as ``READY=1`` in one datagram; return whether it went out."""
        if not self._address:
            return False
        text = "\n".join(f"{name}={value}" for name, value in states.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            try:
                sender.sendto(text.encode(), self._address)
            except OSError:
                return False
        return True
