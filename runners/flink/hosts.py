"""Whether a host is this one: workers of this process can be reached from here only."""

import socket

__all__ = ["is_here"]


def is_here(host: str) -> bool:
    """Tells whether a name or an address is this machine's.

    A container of this machine has an address of its own, so it is elsewhere: Beam's servers
    listen on the loopback address.
    """
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_can_listen(family, address) for family, _, _, _, address in found)


def _can_listen(family: int, address: tuple[object, ...]) -> bool:
    """Tells whether a server of this machine could have the address: it is one of ours."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True
