"""Cookies of one run, a jar for each registrable domain, and the user's own cookie file.

Cookies are kept so that sites which set one and redirect to themselves let us through, also by way of another of their
hosts, as consent and login pages do; they are never written anywhere. The rules of who gets which cookie are the
standard library's. Values are bytes to HTTP: they are kept and sent back as they came, or left out, and never a reason
to send nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.counts import Counted
from crawler.core.errors import ConfigError
from crawler.core.model import Fetch
from crawler.core.url import host_of, registrable
from crawler.fetch.request import Ask, Headers, Request

if TYPE_CHECKING:  # 8 ms, and few sites set a cookie
    from http.cookiejar import Cookie, CookieJar

MAX_COOKIES = 100  # in one jar; a jar that grows beyond is a site's mistake and starts afresh (guess)
MAX_COOKIE = 4096 + 1024  # bytes of one Set-Cookie; RFC 6265bis, 5.6: 4096 of name and value, 1024 of an attribute
MAX_HEADER = 8 * 1024  # bytes of a Cookie header; servers refuse more (Apache's and nginx's limits of a line)

_MAGIC = re.compile(r"#(?: Netscape)? HTTP Cookie File")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 6265bis, 5.6: such a cookie is ignored
# Bytes beyond ASCII are kept as private characters: the jar takes some of Latin-1 for white space, and strips it.
_HIDE = {byte: 0xE000 + byte for byte in range(0x80, 0x100)}
_SHOW = {hidden: byte for byte, hidden in _HIDE.items()}


def _new_jar() -> CookieJar:
    """A jar whose cookies without a Domain go back to the very host that set them, as RFC 6265 has it."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain))


@dataclass(slots=True)
class _Jar:
    cookies: CookieJar = field(default_factory=_new_jar)
    version: int = 0  # changes with the cookies
    hosts: set[str] = field(default_factory=set)  # whose cookies of the user's file are in


class _Answer:
    """An answer as the jar wants it: `info()` with `get_all`."""

    def __init__(self, set_cookies: list[str]) -> None:
        self._set_cookies = set_cookies

    def info(self) -> _Answer:
        return self

    def get_all(self, name: str, default: list[str]) -> list[str]:
        return self._set_cookies if name == "Set-Cookie" else default


class Jars:
    """All jars of a run; `users` are the cookies of the user's file, sent to their own hosts alone."""

    def __init__(self, users: Iterable[Cookie] = ()) -> None:
        self._users = tuple(users)
        self._jars: dict[str, _Jar] = {}

    def header_for(self, url: str) -> str:
        """The Cookie header for a URL, as Latin-1 text of its bytes; "" for none, or for more than servers take."""
        if not self._jars and not self._users:
            return ""
        host = host_of(url)
        jar = self._with_users(host) if self._users else self._jars.get(registrable(host))
        if jar is None or not jar.version:
            return ""
        from urllib.request import Request as UrlRequest

        request = UrlRequest(url)  # noqa: S310 (nothing is opened)
        jar.cookies.add_cookie_header(request)
        header = (request.get_header("Cookie") or "").translate(_SHOW)
        is_sendable = len(header) <= MAX_HEADER and not _CONTROL.search(header)
        return header if is_sendable and max(header, default="") <= "\xff" else ""

    def take_from(self, headers: Headers, url: str) -> None:
        """Keep what an answer sets; what no browser would keep is passed over."""
        values = [value for name, value in headers if name.lower() == "set-cookie"]
        kept = [value for value in values if len(value) <= MAX_COOKIE and not _CONTROL.search(value)]
        if not kept:
            return
        from urllib.request import Request as UrlRequest

        jar = self._jars.setdefault(registrable(host_of(url)), _Jar())
        before = _content(jar.cookies)
        if len(before) > MAX_COOKIES:
            jar.cookies.clear()
            jar.hosts.clear()
        answer = _Answer([value.translate(_HIDE) for value in kept[:MAX_COOKIES]])
        jar.cookies.extract_cookies(answer, UrlRequest(url))  # type: ignore[arg-type] # noqa: S310 (nothing is opened, and all that is asked of an answer is info())
        if _content(jar.cookies) != before:
            jar.version += 1

    async def carry(self, ask: Ask, request: Request) -> Fetch:
        """Have another process ask, with the cookies that are kept here, and keep what its answer sets.

        Who is sent to another host for a cookie and back is one reader to the site, whoever asks which host.
        """
        cookie = self.header_for(request.url)
        headers = (*request.headers, ("Cookie", cookie)) if cookie else request.headers
        fetch = await ask(replace(request, headers=headers))
        self.take_from(fetch.headers, request.url)
        return fetch

    def version(self, url: str) -> int:
        """A number that changes when the cookies that could be sent with a URL do."""
        jar = self._jars.get(registrable(host_of(url))) if self._jars else None
        return jar.version if jar else 0

    def _with_users(self, host: str) -> _Jar:
        jar = self._jars.setdefault(registrable(host), _Jar())
        if host not in jar.hosts:
            jar.hosts.add(host)
            own = [cookie for cookie in self._users if _is_for(cookie, host)]
            for cookie in own:
                jar.cookies.set_cookie(_hidden(cookie))
            jar.version += bool(own)
        return jar


def _content(cookies: CookieJar) -> set[tuple[str, str, str, str | None]]:
    return {(cookie.domain, cookie.path, cookie.name, cookie.value) for cookie in cookies}


def _is_for(cookie: Cookie, host: str) -> bool:
    domain = cookie.domain.lstrip(".").lower()
    return host == domain or (cookie.domain_initial_dot and host.endswith("." + domain))


def _hidden(cookie: Cookie) -> Cookie:
    """With name and value as they are kept in a jar."""
    name, value = (_as_kept(text) if text else text for text in (cookie.name, cookie.value))
    return _cookie(
        cookie.domain, cookie.path, name or "", value, secure=cookie.secure, expires=cookie.expires,
        subdomains=cookie.domain_specified,
    )  # fmt: skip


def _as_kept(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1").translate(_HIDE)


def read_cookie_file(path: str) -> list[Cookie]:
    """The cookies of a Netscape cookie file, as browsers' extensions and curl write it. Raises ConfigError.

    Bytes that are no UTF-8 are kept as surrogates.
    """
    if not path:
        return []
    try:
        text = Path(path).read_bytes().decode("utf-8-sig", "surrogateescape")
        cookies = _of_text(text)
    except (OSError, ValueError) as error:
        hint = "it must be in Netscape format, its first line '# Netscape HTTP Cookie File'"
        raise ConfigError(f"[fetch] cookies: cannot read {path} ({hint}): {error}") from error
    return [cookie for cookie in cookies if not cookie.is_expired()]


def _of_text(text: str) -> list[Cookie]:
    lines = text.split("\n")
    if not _MAGIC.match(lines[0]):
        raise ValueError("another first line")
    return [cookie for number, line in enumerate(lines, 1) if (cookie := _of_line(line, number))]


def _of_line(line: str, number: int) -> Cookie | None:
    """domain, with subdomains, path, https only, expiry, name, value; None for comments and empty lines."""
    is_http_only = line.startswith("#HttpOnly_")
    line = line.removeprefix("#HttpOnly_")
    if not line.strip() or line.startswith(("#", "$")):
        return None
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != 7:
        raise ValueError(f"line {number} has {Counted(len(fields)):field}, not 7")
    domain, subdomains, path, secure, expires, name, value = fields
    return _cookie(
        domain, path, name or value, value if name else None, secure=secure == "TRUE",
        expires=_expiry(expires, number), subdomains=subdomains == "TRUE", is_http_only=is_http_only,
    )  # fmt: skip


def _expiry(text: str, number: int) -> int | None:
    """Seconds since 1970; 0 is how exporters write "until the browser closes"."""
    try:
        return int(float(text or 0)) or None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"line {number}: {text[:20]!r} is no time") from error


def _cookie(
    domain: str,
    path: str,
    name: str,
    value: str | None,
    *,
    secure: bool,
    expires: int | None,
    subdomains: bool,
    is_http_only: bool = False,
) -> Cookie:
    from http.cookiejar import Cookie

    return Cookie(
        version=0, name=name, value=value, port=None, port_specified=False, domain=domain,
        domain_specified=subdomains, domain_initial_dot=domain.startswith("."), path=path, path_specified=bool(path),
        secure=secure, expires=expires, discard=expires is None, comment=None, comment_url=None,
        rest={"HTTPOnly": ""} if is_http_only else {}, rfc2109=False,
    )  # fmt: skip
