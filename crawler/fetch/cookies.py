"""Cookies of one run, a jar for each slot, and the user's own cookie file.

Cookies are kept so that sites which set one and redirect to themselves let us through; they are never written
anywhere. The rules of who gets which cookie are the standard library's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookiejar import Cookie, LoadError, MozillaCookieJar

import httpx

from crawler.core.errors import ConfigError

MAX_COOKIES = 100  # in one jar; a jar that grows beyond is a site's mistake and starts afresh (guess)


@dataclass(slots=True)
class _Jar:
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    version: int = 0  # changes with the cookies
    hosts: set[str] = field(default_factory=set)  # whose cookies of the user's file are in


class Jars:
    """All jars of a run; `users` are the cookies of the user's file, sent to their own hosts alone."""

    def __init__(self, users: Iterable[Cookie] = ()) -> None:
        self._users = tuple(users)
        self._jars: dict[str, _Jar] = {}

    def add_to(self, request: httpx.Request, slot: str) -> None:
        """Set the Cookie header of a request that has none."""
        jar = self._jars.get(slot)
        if self._users:
            jar = self._with_users(slot, request.url.raw_host.decode("ascii"))
        if jar is not None and jar.version and "Cookie" not in request.headers:
            jar.cookies.set_cookie_header(request)

    def take_from(self, response: httpx.Response, slot: str) -> None:
        """Keep what the answer sets."""
        if "set-cookie" not in response.headers:
            return
        jar = self._jars.setdefault(slot, _Jar())
        before = _content(jar.cookies)
        if len(before) > MAX_COOKIES:
            jar.cookies.jar.clear()
            jar.hosts.clear()
        jar.cookies.extract_cookies(response)
        if _content(jar.cookies) != before:
            jar.version += 1

    def version(self, slot: str) -> int:
        """A number that changes when the cookies of a slot do."""
        jar = self._jars.get(slot)
        return jar.version if jar else 0

    def _with_users(self, slot: str, host: str) -> _Jar:
        jar = self._jars.setdefault(slot, _Jar())
        if host not in jar.hosts:
            jar.hosts.add(host)
            own = [cookie for cookie in self._users if _is_for(cookie, host)]
            for cookie in own:
                jar.cookies.jar.set_cookie(cookie)
            jar.version += bool(own)
        return jar


def _content(cookies: httpx.Cookies) -> set[tuple[str, str, str, str | None]]:
    return {(cookie.domain, cookie.path, cookie.name, cookie.value) for cookie in cookies.jar}


def _is_for(cookie: Cookie, host: str) -> bool:
    domain = cookie.domain.lstrip(".").lower()
    return host == domain or (cookie.domain_initial_dot and host.endswith("." + domain))


def read_cookie_file(path: str) -> list[Cookie]:
    """The cookies of a Netscape cookie file, as browsers' extensions and curl write it. Raises ConfigError."""
    if not path:
        return []
    jar = MozillaCookieJar()
    try:
        jar.load(path, ignore_discard=True, ignore_expires=True)
    except (OSError, LoadError, UnicodeError) as error:
        hint = "it must be in Netscape format, its first line '# Netscape HTTP Cookie File'"
        raise ConfigError(f"[fetch] cookies: cannot read {path} ({hint}): {error}") from error
    cookies = list(jar)
    for cookie in cookies:
        if not cookie.expires:  # 0 is how exporters write "until the browser closes", not 1970
            cookie.expires, cookie.discard = None, True
    return [cookie for cookie in cookies if not cookie.is_expired()]
