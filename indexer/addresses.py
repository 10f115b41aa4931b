"""Which network addresses the crawler may connect to: resolved once, checked, pinned for the run."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from aiohttp.abc import AbstractResolver, ResolveResult


class BlockedAddressError(OSError):
    """A host lies in a private or otherwise internal range, and the site is not configured there."""


class PinnedResolver(AbstractResolver):
    """Resolves each host once and keeps the answer, so that a name cannot move between the check and the request.

    Hosts in ``trusted`` (the site's own) may have any address; every other host must be public.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self.trusted = frozenset(trusted)
        self._pinned: dict[str, list[tuple[str, int]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of ``host``. Raises OSError when there is none, BlockedAddressError when one is internal."""
        if host not in self._pinned:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM, family=family)
            addresses = [(str(info[4][0]), int(info[0])) for info in found]
            for address, _ in addresses:
                self.check(host, address)
            self._pinned[host] = addresses
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in self._pinned[host]
        ]

    def check(self, host: str, address: str) -> None:
        """Refuse an internal address of a host that is not the site's. Raises BlockedAddressError."""
        if host not in self.trusted and is_internal(address):
            raise BlockedAddressError(f"{host} is at the internal address {address}; only the site's own host may be")

    def check_literal(self, host: str) -> None:
        """Check a host that is written as an address, which no resolver ever sees. Raises BlockedAddressError."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        self.check(host, host)

    async def close(self) -> None:
        """Forget the pinned addresses."""
        self._pinned.clear()


def is_internal(address: str) -> bool:
    """Whether an IP address is private, loopback, link-local, multicast, reserved or an IPv6 disguise of one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_internal(str(inner))
    return not ip.is_global or ip.is_multicast


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine without asking a name server."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
