"""URLs by the WHATWG rules: normal form, host, joining, and hiding what must not be shown.

Everything a browser would do to an address bar lives here, through one library. What a *site* knows of its URLs
(tracking parameters, aliases, wrappers) does not: that is `sites`.
"""

from __future__ import annotations

import re
from functools import cache

import ada_url

MAX_URL = 64 * 1024  # characters; far above what any server takes (8 KB is usual)

# Credentials of the person who shared a WeChat link: they open that person's session, so they are never shown.
_SECRETS = ("pass_ticket", "exportkey", "appmsg_token")
_WECHAT_SECRETS = (*_SECRETS, "key", "uin")  # names too common elsewhere: a search page's ?key= is no secret
_WECHAT = "weixin.qq.com"

_USERINFO = re.compile(r"(?i)^([a-z][a-z0-9+.-]*:[/\\]{2,})[^/\\?#@]*(?:@[^/\\?#@]*)*@")


def normalize(raw: str) -> str:
    """The WHATWG href of an absolute URL. Raises ValueError for what no browser would open."""
    if len(raw) > MAX_URL:
        raise ValueError(f"URL of {len(raw)} characters")
    return ada_url.URL(raw).href


def join(base: str, target: str) -> str:
    """`target` as written on the page `base`, absolute. Raises ValueError."""
    if len(target) > MAX_URL:
        raise ValueError(f"URL of {len(target)} characters")
    return ada_url.URL(target, base=base).href


def host_of(url: str) -> str:
    """The host in lower-case ASCII (punycode), without port; "" for malformed URLs and those without a host."""
    try:
        return ada_url.URL(url).hostname if len(url) <= MAX_URL else ""
    except ValueError:
        return ""


def is_http(url: str) -> bool:
    """Whether the scheme is one that we fetch."""
    return url.lstrip("\t\n\r ")[:8].lower().startswith(("http://", "https://"))


def without_fragment(url: str) -> str:
    """What a request asks for: a fragment is never sent."""
    return url.partition("#")[0]


def redact(url: str) -> str:
    """The URL as it may be shown: secrets of sharers and userinfo become REDACTED, also inside encoded targets."""
    lower = url.lower()
    names = _WECHAT_SECRETS if _WECHAT in lower else _SECRETS
    if url.isascii() and "@" not in url and not any(name in lower for name in names):  # most: no regex is tried
        return url
    url = _USERINFO.sub(r"\1REDACTED@", url)
    return _secret_parameters(names).sub(r"\1REDACTED", url)


@cache
def _secret_parameters(names: tuple[str, ...]) -> re.Pattern[str]:
    """A parameter of one of these names, plain or percent-encoded once or twice in another URL's parameter."""
    begins = r"(?:[?&;#]|%(?:25)?(?:3F|26|23|3B))"
    return re.compile(rf"(?i)({begins}(?:{'|'.join(names)})(?:=|%(?:25)?3D))(?:(?!%(?:25)?(?:26|23))[^&#\s])*")
