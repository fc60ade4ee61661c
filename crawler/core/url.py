"""URLs by the WHATWG rules: normal form, host, joining, and hiding what must not be shown.

Everything a browser would do to an address bar lives here, through one library. What a *site* knows of its URLs
(tracking parameters, aliases, wrappers) does not: that is `sites`.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import ada_url

from crawler.core.counts import Counted

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_URL = 64 * 1024  # characters; far above what any server takes (8 KB is usual)

# Credentials of the person who shared a WeChat link: they open that person's session, so they are never shown.
_OF_SHARERS = ("pass_ticket", "exportkey", "appmsg_token", "wxtoken", "wap_sid2")
# Names that mean a credential wherever they stand: OAuth 2.0 (RFC 6749, RFC 6750), presigned addresses of S3 and its
# kin, sessions of Java and PHP, and what APIs and forms call their keys. Not here: names that search pages use, too,
# and `pwd`: the code that a note's author gives to readers together with a file on a network disk.
_OF_APIS = (
    "access_token", "id_token", "refresh_token", "auth_token", "api_token", "authtoken", "accesstoken", "private_token",
    "token", "jwt", "api_key", "apikey", "api-key", "app_secret", "appsecret", "client_secret", "secret", "secret_key",
    "password", "passwd", "x-amz-signature", "x-amz-security-token", "x-goog-signature", "session_id",
    "sessionid", "session_token", "jsessionid", "phpsessid",
)  # fmt: skip
_OF_WECHAT = ("key", "uin")  # names too common elsewhere: a search page's ?key= is no secret
_WECHAT = "weixin.qq.com"

_USERINFO = re.compile(r"(?i)^([a-z][a-z0-9+.-]*:[/\\]{2,})[^/\\?#@]*(?:@[^/\\?#@]*)*@")


def normalize(raw: str) -> str:
    """The WHATWG href of an absolute URL. Raises ValueError for what no browser would open."""
    if len(raw) > MAX_URL:
        raise ValueError(f"URL of {Counted(len(raw)):character}")
    return ada_url.URL(raw).href


def join(base: str, target: str) -> str:
    """`target` as written on the page `base`, absolute. Raises ValueError."""
    if len(target) > MAX_URL:
        raise ValueError(f"URL of {Counted(len(target)):character}")
    return ada_url.URL(target, base=base).href


@lru_cache(maxsize=1024)  # one check asks of the same address five times
def host_of(url: str) -> str:
    """The host in lower-case ASCII (punycode), without port; "" for malformed URLs and those without a host."""
    try:
        return ada_url.URL(url).hostname if len(url) <= MAX_URL else ""
    except ValueError:
        return ""


def is_http(url: str) -> bool:
    """Whether the scheme is one that we fetch."""
    return url.lstrip("\t\n\r ")[:8].lower().startswith(("http://", "https://"))


@lru_cache(maxsize=4096)
def registrable(host: str, *, of_registries: bool = False) -> str:
    """The domain that somebody registered: `b.example.co.uk` -> `example.co.uk`; addresses stand for themselves.

    Under a company's suffix it is its customer's: `me.github.io`. `of_registries`: that company's, `github.io`, which
    it has of a registry, and whose name servers answer for all its customers.
    """
    if not host or ":" in host or host.rpartition(".")[2].isdigit():
        return host
    return _suffixes(of_registries).privatesuffix(host) or host


@cache
def _suffixes(of_registries: bool) -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # reads its list, 30 ms: only where something was asked

    return PublicSuffixList(only_icann=of_registries)


def https_of(url: str) -> str | None:
    """The same address at https; None for what is no plain http URL, and where a port or credentials are named."""
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return None
    if parsed.protocol != "http:" or parsed.port or parsed.username or parsed.password:
        return None
    parsed.protocol = "https:"
    return parsed.href


def without_fragment(url: str) -> str:
    """What a request asks for: a fragment is never sent."""
    return url.partition("#")[0]


def redact(url: str) -> str:
    """The URL as it may be shown: secrets of sharers, tokens and userinfo become REDACTED, also in encoded targets."""
    return _USERINFO.sub(r"\1REDACTED@", _redacted(url, _OF_SHARERS + _OF_APIS)) if _may_hold_secrets(url) else url


def redact_sharer(url: str) -> str:
    """The URL without secrets of sharers and userinfo alone: a picture's token is the page's own, and names it."""
    return _USERINFO.sub(r"\1REDACTED@", _redacted(url, _OF_SHARERS)) if _may_hold_secrets(url) else url


def redact_parameters(text: str) -> str:
    """Running text with the secret parameters in it replaced, also of addresses without a scheme."""
    return _redacted(text, _OF_SHARERS + _OF_APIS, _ENDS_IN_TEXT) if _may_hold_secrets(text) else text


_ENDS_IN_URLS = r"&#\s"
_ENDS_IN_TEXT = r"&#\s\"'<>`\u3000-\u303f\uff00-\uffef"


def _may_hold_secrets(text: str) -> bool:
    return "@" in text or "=" in text or "%3d" in text.lower() or "%253d" in text.lower()


def _redacted(text: str, names: tuple[str, ...], ends: str = _ENDS_IN_URLS) -> str:
    lower = text.lower()
    names = (*names, *_OF_WECHAT) if _WECHAT in lower else names
    if not any(name in lower for name in names):  # most: no regex is tried
        return text
    return _secret_parameters(names, ends).sub(r"\1REDACTED", text)


@cache
def _secret_parameters(names: tuple[str, ...], ends: str) -> re.Pattern[str]:
    """A parameter of one of these names, plain or percent-encoded once or twice in another URL's parameter."""
    begins = r"(?:[?&;#]|%(?:25)?(?:3F|26|23|3B))"
    return re.compile(rf"(?i)({begins}(?:{'|'.join(names)})(?:=|%(?:25)?3D))(?:(?!%(?:25)?(?:26|23))[^{ends}])*")
