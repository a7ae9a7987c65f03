"""Binds a port, and gives the addresses at which a browser reaches it."""

from __future__ import annotations

import ipaddress
import socket as sockets
from contextlib import suppress
from dataclasses import dataclass

from kinema.core.checks import InputError


@dataclass
class Listener:
    """A socket that is bound to a port and listens.

    Attributes:
        socket: the bound socket.
        host: the name or address of this machine, as the caller gave it.
    """

    socket: sockets.socket
    host: str

    @property
    def port(self) -> int:
        """Number of the port."""
        return int(self.socket.getsockname()[1])

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect: the host resolved to a loopback address."""
        return ipaddress.ip_address(self.socket.getsockname()[0].partition("%")[0]).is_loopback

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens on all addresses of this machine."""
        return ipaddress.ip_address(self.socket.getsockname()[0].partition("%")[0]).is_unspecified

    @property
    def address(self) -> str:
        """URL for a browser on this machine."""
        return self._at("127.0.0.1" if self.is_everywhere else self.host)

    @property
    def network_address(self) -> str | None:
        """URL for a browser on another machine of the network; None if no other machine can connect."""
        if self.is_loopback:
            return None
        return self._at(_own_address() if self.is_everywhere else self.host)

    def _at(self, host: str) -> str:
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def listen(host: str, port: int | None, *, default_port: int) -> Listener:
    """Binds a port.

    Args:
        host: address or name of this machine; "0.0.0.0" stands for all of its addresses.
        port: number of the port; 0: any free port; None: the default port, or any free port where that is taken.
        default_port: the application's usual port.

    Raises:
        InputError: the port is taken, or the host is not an address of this machine.
    """
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    reason = ""
    for number in (default_port, 0) if port is None else (port,):
        bound = sockets.socket(family, sockets.SOCK_STREAM)
        bound.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            bound.bind((host, number))
            bound.listen(128)  # connections that come before the server runs wait in this queue
        except (OSError, OverflowError, ValueError, TypeError) as error:  # a name may be too long, or hold a null byte
            bound.close()
            reason = str(error)
        else:
            return Listener(bound, host)
    raise InputError(f"cannot listen at {host}, port {port} ({reason}); give another --port, or 0 for any free port")


def _own_address() -> str:
    """The address of this machine in its network, or its name if it is in no network."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # reserved for documentation; connecting a UDP socket sends nothing
        return str(probe.getsockname()[0])
    return sockets.gethostname()
