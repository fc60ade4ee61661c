"""Fetching with a browser: the same politeness, the same guard of addresses, the same `Fetch` in the end.

Composition of `browser` with `fetch`: what the browser reaches goes through the fetcher's guard, and what it shows
becomes what the wire said. Which links are rendered is the caller's to say.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore
import trio

from crawler.core.counts import Counted
from crawler.core.model import Failure, Fetch, Redirect
from crawler.core.url import host_of, is_http, normalize
from crawler.fetch import Fetcher, Request, open_fetcher
from crawler.fetch.browser import ByteStream, Forwarding, PageRequest, Rendered, Setup, open_browser, open_tunnel, show
from crawler.fetch.cookies import read_cookie_file
from crawler.fetch.credentials import headers_for
from crawler.fetch.errors import WEB_ERRORS, explain
from crawler.fetch.guard import Guard, connect_to, system_resolver
from crawler.fetch.proxy import Proxy, proxy_of
from crawler.fetch.tls import ssl_context
from crawler.fetch.transport import PooledTransport
from crawler.fetch.wire import DEFAULTS, USER_AGENT

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.core.settings import FetchSettings
    from crawler.schedule.politeness import PolitenessOf

DEADLINE = 60.0  # seconds for one page, start of the browser not counted
NOWHERE = "http://127.0.0.1:9"  # a way out that leads nowhere, for a browser that shows nothing
CONNECT = 15.0  # seconds for one connection of the browser's
MESSAGE = 2.2  # times the largest body: what a page's HTML may take when written as JSON
_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding", "content-type"})

_TROUBLE = {  # beginnings of Chromium's names for failures, net/base/net_error_list.h
    "net::ERR_CERT": Failure.TLS,
    "net::ERR_SSL": Failure.TLS,
    "net::ERR_TIMED_OUT": Failure.TIMEOUT,
    "net::ERR_CONNECTION_TIMED_OUT": Failure.TIMEOUT,
    "net::ERR_CONNECTION_RE": Failure.RESET,
    "net::ERR_CONNECTION_CLOSED": Failure.RESET,
    "net::ERR_EMPTY_RESPONSE": Failure.RESET,
    "net::ERR_TOO_MANY_REDIRECTS": Failure.TOO_MANY_REDIRECTS,
    "net::ERR_UNKNOWN_URL_SCHEME": Failure.UNSUPPORTED_SCHEME,
    "net::ERR_CONTENT_DECODING": Failure.BAD_ENCODING,
    "no page after": Failure.TIMEOUT,
}
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})  # a page is shown whole, or not at all


@dataclass(slots=True)
class Renderer:
    """Shows one page after the other, each in a browser of its own.

    Called with a request, it gives a Fetch, or None for what is no page to show (a download, 204, a page that the
    browser does not get done with): that is to be fetched without it.
    """

    program: str
    profile: str
    settings: FetchSettings
    now: Callable[[], datetime]
    cookies: tuple[dict[str, object], ...] = ()
    politeness: PolitenessOf | None = None
    turn: trio.Lock = field(default_factory=trio.Lock)
    proxy: Proxy | None = field(init=False)
    transport: PooledTransport = field(init=False)
    context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.proxy = proxy_of(self.settings.proxy)
        exempt = frozenset({self.proxy.host}) if self.proxy else frozenset[str]()
        guard = Guard(system_resolver(), connect_to(self.settings.resolve), self.settings.allow_private, exempt)
        agent = self.settings.user_agent or USER_AGENT
        self.transport = PooledTransport(guard, self.settings.ca_bundle, self.proxy, 1, agent)
        self.context = ssl_context(self.settings.ca_bundle)

    async def __call__(self, request: Request) -> Fetch | None:
        """Never raises for a broken web; raises BrowserError where the browser does not start."""
        async with self.turn:
            started_at, started = self.now(), trio.current_time()
            failed: dict[str, tuple[Failure, str]] = {}
            parts = urlsplit(request.url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
            probe = await self._connect(host, port, failed, parts.scheme)
            if probe is None:
                shown = Rendered(request.url, error=failed[host][1])
            else:
                await probe.aclose()
                keys = await self._trusted_keys(host, port) if parts.scheme == "https" else ()
                shown = await self._show(request, keys, failed)
            seconds = trio.current_time() - started
        if wants_plain(shown, failed):
            return None
        return replace(as_fetch(request.url, shown, failed, int(self.settings.max_body), started_at), seconds=seconds)

    async def check(self) -> None:
        """Start the browser once. Raises BrowserError, before any link is looked at, where that fails."""
        async with open_browser(Setup(self.program, NOWHERE, self.profile), 1 << 20):
            pass

    async def _show(self, request: Request, keys: tuple[str, ...], failed: dict[str, tuple[Failure, str]]) -> Rendered:
        async def connect(host: str, port: int) -> ByteStream | None:
            return await self._connect(host, port, failed)

        async def connect_plain(host: str, port: int) -> ByteStream | None:
            return await self._connect(host, port, failed, "http")

        forwards = self.proxy is not None and self.proxy.forwards("http")
        forwarding = Forwarding(connect_plain, tuple(self.proxy.headers)) if self.proxy and forwards else None
        languages, headers = self._headers(request)
        wanted = PageRequest(
            request.url,
            DEADLINE,
            self.cookies,
            self.settings.user_agent,
            headers,
            languages,
            float(self.settings.settle),
        )
        async with open_tunnel(connect, forwarding) as proxy:
            setup = Setup(self.program, proxy, self.profile, keys)
            async with open_browser(setup, int(self.settings.max_body * MESSAGE)) as pipe:
                return await show(pipe, wanted)

    def _headers(self, request: Request) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The languages, and the headers of the user, the site and the request for the page's own origin."""
        of_host = self.politeness(request.url).headers if self.politeness else ()
        found = {
            name.lower(): (name, value)
            for name, value in headers_for(request, self.settings.headers.items(), of_host)
            if name.lower() not in _CONDITIONS
        }
        found.pop("accept-encoding", None)  # the browser undoes what it asked for
        languages = re.sub(r";q=[\d.]+", "", found.pop("accept-language", DEFAULTS["accept-language"])[1])
        return languages, tuple(found.values())

    async def _connect(
        self, host: str, port: int, failed: dict[str, tuple[Failure, str]], scheme: str = "https"
    ) -> ByteStream | None:
        """A connection where the guard allows one; why not is noted under the host."""
        try:
            return _Server(await self.transport.dial(scheme, host.lower(), port, CONNECT))
        except WEB_ERRORS as error:
            failed[host.lower()] = explain(error)
            return None

    async def _trusted_keys(self, host: str, port: int) -> tuple[str, ...]:
        """The key of a certificate that the user's own authorities vouch for, and the browser does not know.

        The browser takes this very key, for whatever name, and no other certificate that it would not take anyway.
        """
        if not self.settings.ca_bundle:
            return ()
        try:
            stream = await self.transport.dial("https", host, port, CONNECT)
            secure = await stream.start_tls(self.context, host, CONNECT)
        except WEB_ERRORS:
            return ()  # the browser will say what is wrong with it
        try:
            certificate = secure.get_extra_info("ssl_object").getpeercert(True)
        finally:
            await secure.aclose()
        return (key_digest(certificate),)


def key_digest(certificate: bytes) -> str:
    """Base64 of the SHA-256 of a DER certificate's public key, as RFC 7469 pins it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    key = load_der_x509_certificate(certificate).public_key()
    return b64encode(sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


class _Server:
    """A guarded connection whose failures are OSErrors."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int) -> bytes:
        try:
            return await self._stream.read(max_bytes)
        except httpcore.NetworkError as error:
            raise OSError(str(error)) from error

    async def write(self, buffer: bytes) -> None:
        try:
            await self._stream.write(buffer)
        except httpcore.NetworkError as error:
            raise OSError(str(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def wants_plain(shown: Rendered, failed: dict[str, tuple[Failure, str]]) -> bool:
    """Whether the browser had an answer that it cannot show, or an error of which only it knows the meaning.

    What our own guard and connections refused is known; what a connection of the browser's met is told by its name.
    """
    if not shown.error or host_of(shown.url) in failed:
        return False
    if shown.seen:
        return True
    known = any(shown.error.startswith(begin) for begin in _TROUBLE)
    return not known and shown.error.startswith(("net::", "no answer"))


def as_fetch(
    url: str, shown: Rendered, failed: dict[str, tuple[Failure, str]], largest: int, started_at: datetime
) -> Fetch:
    """What was shown as what the wire said; `failed` tells of hosts that could not or may not be reached."""
    hops = tuple(Redirect(status, address) for status, address in shown.hops)
    rendered_by = ("X-Rendered-By", _shown_by(shown))
    answer = Fetch(url, shown.url, started_at, status=shown.status or 200, redirects=hops, requests=1 + len(hops))
    if shown.error:
        failure, error = _explained(shown, failed, moved=bool(hops))
        return replace(answer, status=None, failure=failure, error=error)
    if not is_http(shown.url):
        error = f"went on to {shown.url.partition(':')[0][:40]}:, which is no web address"
        return replace(answer, status=None, failure=Failure.UNSUPPORTED_SCHEME, error=error)
    if len(shown.body) > largest:
        error = f"shown with {Counted(len(shown.body)):byte}; [fetch] max_body is {largest}"
        return replace(answer, status=None, failure=Failure.TOO_LARGE, error=error)
    answered = tuple((name, value) for name, value in shown.headers if name.lower() not in _WIRE)
    headers = (*answered, ("Content-Type", shown.content_type), rendered_by)
    return replace(answer, headers=headers, body=shown.body, wire_bytes=len(shown.body))


def _shown_by(shown: Rendered) -> str:
    """The browser, and what was done with the page beside waiting."""
    screens, shadows, frames = Counted(shown.screens), Counted(shown.shadows), Counted(shown.frames)
    notes = [f"{screens:screen scrolled|screens scrolled}"] if screens else []
    notes += [f"{shadows:shadow tree}"] if shadows else []
    notes += [f"{frames:frame}"] if frames else []
    notes += [] if shown.settled else ["not settled"]
    return f"{shown.browser or 'browser'}" + (f" ({', '.join(notes)})" if notes else "")


def _explained(shown: Rendered, failed: dict[str, tuple[Failure, str]], *, moved: bool) -> tuple[Failure, str]:
    try:
        host = (urlsplit(shown.url).hostname or "").lower()
    except ValueError:
        host = ""
    if host in failed:
        failure, error = failed[host]
        if failure is Failure.NOT_PUBLIC and moved:
            return Failure.REDIRECTED_TO_PRIVATE, f"redirected to an address that is not public: {error}"
        return failure, error
    known = (failure for begin, failure in _TROUBLE.items() if shown.error.startswith(begin))
    ours = Failure.PROTOCOL if shown.error.startswith("net::") else Failure.INTERNAL
    return next(known, ours), shown.error


def browser_cookies(path: str) -> tuple[dict[str, object], ...]:
    """The cookies of a Netscape file as the browser takes them; it sends each to its own hosts alone."""
    return tuple(map(_cookie, read_cookie_file(path)))


def _cookie(cookie: Cookie) -> dict[str, object]:
    scheme = "https" if cookie.secure else "http"
    domain = {"domain": cookie.domain}  # with its subdomains
    where = domain if cookie.domain_initial_dot else {"url": f"{scheme}://{cookie.domain}{cookie.path}"}
    parameters: dict[str, object] = {
        "name": cookie.name,
        "value": cookie.value or "",
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.has_nonstandard_attr("HTTPOnly"),
        **where,
    }
    return parameters | ({"expires": cookie.expires} if cookie.expires else {})


def browser_opener(
    program: str, profile: str, urls: Iterable[str], now: Callable[[], datetime]
) -> Callable[..., AbstractAsyncContextManager[Fetcher]]:
    """What a job opens in place of the fetcher alone: `urls` are shown by the browser, all else is fetched."""
    shown = frozenset(filter(None, map(_normal, urls)))

    @asynccontextmanager
    async def opener(settings: FetchSettings, politeness: Any, **how: Any) -> AsyncIterator[Fetcher]:
        renderer = Renderer(program, profile, settings, now, browser_cookies(settings.cookies), politeness)

        def by_browser(url: str) -> Renderer | None:
            return renderer if url in shown else None

        await renderer.check()
        async with open_fetcher(settings, politeness, rendered=by_browser, **how) as fetcher:
            yield fetcher

    return opener


def _normal(url: str) -> str:
    try:
        return normalize(url)
    except ValueError:
        return ""
