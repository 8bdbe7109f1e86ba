"""Where a webhook may go: addresses of the public internet, and networks that the operator allowed.

A name is resolved by us, every address it has is judged, and the connection goes to an address that was judged: a name
that answers otherwise a moment later gains nothing. TLS and the Host header keep the name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from typing import TypeAlias

import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Every address of a name, as text."""

LONGEST_URL = 2000
RESOLVE_SECONDS = 5.0
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65_535
_PORTS = (80, 443)
"""Ports below 1024 that speak HTTP; behind the others are services that a request may harm."""


class Refused(Exception):
    """Nothing is sent there. Says why in a sentence."""


class Targets:
    """What is allowed: the public internet over https, beside it `networks`, and http where they are or `http` says."""

    def __init__(self, networks: Iterable[Network] = (), *, http: bool = False) -> None:
        self._networks = list(networks)
        self._http = http

    def check_url(self, url: str) -> httpx.URL:
        """The parts of the address that need no name to be resolved. Raises Refused."""
        if len(url) > LONGEST_URL:
            raise Refused(f"the URL has more than {LONGEST_URL} characters")
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            raise Refused("this is no URL") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise Refused("the URL must begin with https:// and a host")
        if parsed.userinfo or parsed.fragment:
            raise Refused("the URL may hold neither a user nor a fragment; secrets belong into the signature")
        if parsed.scheme == "http" and not (self._http or self._networks):
            raise Refused("the URL must begin with https://")
        port = _port(parsed)
        if port not in _PORTS and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
            raise Refused(f"port {port} is none for HTTP")
        return parsed

    async def check(self, url: str, resolve: Resolve | None = None) -> None:
        """As it is made: a name that does not resolve yet may do so later, and is judged then. Raises Refused."""
        parsed = self.check_url(url)
        try:
            found = await _within(resolve or lookup, parsed)
        except OSError:
            return
        self.judge(parsed, found)

    def judge(self, url: httpx.URL, addresses: Sequence[str]) -> None:
        """Raises Refused unless every address may be sent to."""
        for text in addresses:
            address = _inner(ipaddress.ip_address(text.partition("%")[0]))
            if any(address in network for network in self._networks if network.version == address.version):
                continue
            if not _public(address):
                raise Refused("the host has an address that is not public; QUDAO_WEBHOOK_ALLOW_NETWORKS allows some")
            if url.scheme == "http" and not self._http:
                raise Refused("http:// is for allowed networks alone; use https://")


class Transport(httpx.AsyncBaseTransport):
    """Connects to addresses that were judged, and to nothing else. One for each subscription: connections are kept by
    address, and two names may share one.
    """

    def __init__(self, targets: Targets, resolve: Resolve | None = None, connections: int = 16) -> None:
        self._targets = targets
        self._resolve = resolve or lookup
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._inner = httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises Refused, or what httpx raises. A name with several addresses is tried in their order."""
        url = request.url
        addresses = await _within(self._resolve, url)
        self._targets.judge(url, addresses)
        extensions = {**request.extensions, "sni_hostname": _host(url)}
        for place, address in enumerate(addresses):
            where = url.copy_with(host=address)
            sent = httpx.Request(request.method, where, headers=request.headers, stream=request.stream)
            sent.extensions = extensions
            try:
                return await self._inner.handle_async_request(sent)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
        raise httpx.ConnectError("the name has no address", request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def lookup(host: str, port: int) -> Sequence[str]:
    """Asks the system. Raises OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("this is no host name") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _within(resolve: Resolve, url: httpx.URL) -> Sequence[str]:
    """Raises OSError when the name has no address or nobody says."""
    async with asyncio.timeout(RESOLVE_SECONDS):
        return await resolve(_host(url), _port(url))


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").strip("[]")


def _port(url: httpx.URL) -> int:
    default = 443 if url.scheme == "https" else 80
    return default if url.port is None else url.port


def _public(address: Address) -> bool:
    local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or local)


def _inner(address: Address) -> Address:
    """What an IPv6 address stands for when there is an IPv4 address in it."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
    return address


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes as long as many requests. SSL_CERT_FILE brings an authority of one's own."""
    return httpx.create_ssl_context()
