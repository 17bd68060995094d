"""Loopback ports that stay ours while a server is down.

The kernel lends ports of its ephemeral range to outgoing connections. A port from there may be
gone when a killed server wants it back, so ours come from below that range.
"""

import random
import socket
from collections.abc import Collection, Iterable
from pathlib import Path

HOST = "127.0.0.1"

_LOWEST = 15_000
# Where the kernel doesn't tell its range: the usual first ephemeral port on Linux.
_EPHEMERAL = 32_768
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int, *, taken: Collection[int] = (), above: int = 0) -> list[int]:
    """Returns ``count`` different ports on which nothing listens, none of ``taken``.

    Args:
        count: how many.
        taken: ports that are spoken for.
        above: the port this much higher must be free as well, and isn't returned.

    Raises:
        OSError: there aren't that many.
    """
    candidates = list(range(_LOWEST, _ceiling() - above))
    random.shuffle(candidates)
    found: list[int] = []
    used = set(taken)
    for port in candidates:
        if len(found) == count:
            break
        both = {port, port + above}
        if not used & both and first_taken(both) is None:
            found.append(port)
            used |= both
    if len(found) == count:
        return found
    raise OSError(f"fewer than {count} free ports between {_LOWEST} and {_ceiling()}")


def is_free(port: int) -> bool:
    """Tells whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections linger in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def first_taken(ports: Iterable[int]) -> int | None:
    """Returns the first port that something else holds, if any."""
    return next((port for port in ports if not is_free(port)), None)


def accepts(port: int) -> bool:
    """Tells whether something accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _ceiling() -> int:
    try:
        lowest_ephemeral = int(_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        lowest_ephemeral = _EPHEMERAL
    # A machine that lends out everything leaves no safe range; then any port must do.
    return lowest_ephemeral if lowest_ephemeral > _LOWEST + 1_000 else _EPHEMERAL
