"""TLS as forgiving as browsers are, and not more: chains that lack a link, names that OpenSSL will not match.

A certificate is always checked, to a root that we know and for the name that was asked. Streams are `connect`'s,
the search for missing certificates `chain`'s.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import certifi
import httpcore

from crawler.core.errors import ConfigError
from crawler.core.model import Failure
from crawler.fetch.chain import ChainCompleter, FetchBytes
from crawler.fetch.connect import GuardedStream
from crawler.fetch.errors import WebError, causes

_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, which Python names since 3.12
_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN, which Python names since 3.10 and sets since 3.13
_NO_ISSUER = {20, 21}  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, …_TO_VERIFY_LEAF_SIGNATURE
_PLAIN_NAME = re.compile(r"[a-z0-9.:-]*")  # what OpenSSL lets a wildcard stand for; and addresses
CONTEXTS = 32  # with certificates of their own, kept at once
HOSTS = 1000  # whose chain had to be completed, remembered

Dial = Callable[[], Awaitable[GuardedStream]]
"""A new plain connection to the host."""


def ssl_context(ca_bundle: str) -> ssl.SSLContext:
    """certifi's authorities and those of `ca_bundle`, with what browsers still accept. Raises ConfigError."""
    context = _known_authorities()
    context.options |= _LEGACY_SERVER_CONNECT  # servers without secure renegotiation: browsers connect to them
    context.set_ciphers("DEFAULT")  # Python's own list leaves out RSA key exchange, which old sites still need
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # set since Python 3.13; rejects chains that browsers accept
    context.set_alpn_protocols(["http/1.1"])
    if ca_bundle:
        try:
            context.load_verify_locations(ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"[fetch] ca_bundle: cannot read certificates from {ca_bundle}: {error}") from error
    return context


def _known_authorities() -> ssl.SSLContext:
    """What SSL_CERT_FILE or SSL_CERT_DIR name, as for every program of OpenSSL, else certifi's."""
    if file := os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=file)
    if folder := os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())


def _loading(ca_bundle: str) -> Callable[[], ssl.SSLContext]:
    """Begin to make a context; the function that comes back waits for it. Raises ConfigError.

    certifi's authorities take 15 ms, in which a thread of its own leaves the others running. What the user names is
    read at once, so that an error ends the command before its first request.
    """
    if ca_bundle or "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        context = ssl_context(ca_bundle)
        return lambda: context
    found: list[ssl.SSLContext] = []
    thread = threading.Thread(target=lambda: found.append(ssl_context("")), daemon=True)
    thread.start()

    def wait() -> ssl.SSLContext:
        thread.join()
        return found[0] if found else ssl_context("")  # the thread failed, and so does this, where it can be seen

    return wait


class TlsClient:
    """Shakes hands with any host; remembers whose chain it had to complete."""

    def __init__(self, ca_bundle: str, fetch: FetchBytes) -> None:
        self._ca_bundle = ca_bundle
        self._load = _loading(ca_bundle)
        self._chains = ChainCompleter(fetch, _Roots(self))
        self._contexts: OrderedDict[tuple[tuple[bytes, ...], bool], ssl.SSLContext] = OrderedDict()
        self._missing: OrderedDict[tuple[str, int], tuple[bytes, ...]] = OrderedDict()

    @cached_property
    def context(self) -> ssl.SSLContext:
        """For connections without certificates of their own."""
        return self._load()

    async def connect(self, dial: Dial, host: str, port: int, seconds: float) -> GuardedStream:
        """A connection to `host` that is safe; `seconds` for each handshake. Raises what a broken web raises."""
        name = host.rstrip(".")  # RFC 6066, 3: without the dot of the root
        missing = self._missing.get((host, port))
        try:
            return await self._shake(await dial(), name, missing or (), seconds)
        except httpcore.ConnectError as error:
            if missing is not None or not _lacks_issuer(error):
                raise
            missing = await self._chains.missing(await self._served(dial, name, seconds))
            self._missing[(host, port)] = missing
            if len(self._missing) > HOSTS:
                self._missing.popitem(last=False)
            if not missing:
                raise
        return await self._shake(await dial(), name, missing, seconds)

    async def _shake(
        self, stream: GuardedStream, name: str, missing: tuple[bytes, ...], seconds: float
    ) -> GuardedStream:
        is_plain = _PLAIN_NAME.fullmatch(name) is not None
        secure = await stream.start_tls(self._context(missing, is_plain), name, seconds)
        if not is_plain and not names_match(name, secure.ssl_object.getpeercert() or {}):
            await secure.aclose()
            raise WebError(Failure.TLS, "certificate is for another host")
        return secure

    async def _served(self, dial: Dial, name: str, seconds: float) -> list[bytes]:
        """The chain as the server gives it, DER, leaf first: a handshake that believes anything, then closed."""
        context = ssl_context("")
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        stream = await (await dial()).start_tls(context, name, seconds)
        try:
            return _unverified_chain(stream.ssl_object)
        finally:
            await stream.aclose()

    def _context(self, missing: tuple[bytes, ...], is_plain: bool) -> ssl.SSLContext:
        if not missing and is_plain:
            return self.context
        key = (missing, is_plain)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = ssl_context(self._ca_bundle)
            context.check_hostname = is_plain  # else `names_match` does it
            if missing:
                context.verify_flags &= ~_PARTIAL_CHAIN  # a chain must end in a root, not in what somebody served
                context.load_verify_locations(cadata=b"".join(missing))
            if len(self._contexts) > CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(key)
        return context


class _Roots:
    """The authorities of a context as DER, read when they are first walked through."""

    def __init__(self, client: TlsClient) -> None:
        self._client = client

    def __iter__(self) -> Any:
        return iter(self._client.context.get_ca_certs(binary_form=True))


def _lacks_issuer(error: Exception) -> bool:
    refusals = [cause for cause in causes(error) if isinstance(cause, ssl.SSLCertVerificationError)]
    return any(refusal.verify_code in _NO_ISSUER for refusal in refusals)


def _unverified_chain(tls: ssl.SSLObject) -> list[bytes]:
    """Public since Python 3.13; there before, in other words."""
    if hasattr(tls, "get_unverified_chain"):
        return [bytes(der) for der in tls.get_unverified_chain()]
    inner: Any = getattr(tls, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):
        from _ssl import ENCODING_DER

        return [certificate.public_bytes(ENCODING_DER) for certificate in inner.get_unverified_chain() or ()]
    leaf = tls.getpeercert(binary_form=True)
    return [leaf] if leaf else []


def names_match(name: str, certificate: dict[str, Any]) -> bool:
    """Whether a certificate (as `getpeercert` gives it) is for a host, by RFC 9525, 6.3, for any characters."""
    names = [value.lower().rstrip(".") for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    first, _, parent = name.lower().partition(".")
    wildcard = f"*.{parent}" if first and "." in parent else ""
    return name.lower() in names or wildcard in names
