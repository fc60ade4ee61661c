"""The one border where exceptions of sockets, TLS and httpcore become a `Failure` with a line for people.

Deciding what a failure *means* is the judge's; trying again is `retry`'s.
"""

from __future__ import annotations

import errno
import socket
import ssl

import httpcore
import trio

from crawler.core.model import Failure

# What a broken web raises; everything else is a bug of ours and passes through.
WEB_ERRORS = (
    OSError,  # with ssl.SSLError and socket.gaierror
    trio.BrokenResourceError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)

_OUR_OWN = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}  # we ran out of something: not the web's fault

_BY_ERRNO = {
    errno.ECONNREFUSED: (Failure.REFUSED, "connection refused"),
    errno.ECONNRESET: (Failure.RESET, "connection reset by the server"),
    errno.ECONNABORTED: (Failure.RESET, "connection broken off"),
    errno.EPIPE: (Failure.RESET, "connection closed by the server"),
    errno.ETIMEDOUT: (Failure.TIMEOUT, "timed out while connecting"),
}

NO_DATA = getattr(socket, "EAI_NODATA", -5)
"""getaddrinfo's way to say that a name exists and has no address: some of what it serves may be elsewhere."""

# X.509 verification results (openssl/x509_vfy.h) in words.
_CERTIFICATE = {
    9: "certificate is not valid yet",
    10: "certificate has expired",
    18: "certificate is self-signed",
    19: "certificate chain ends in a self-signed certificate",
    20: "certificate is not signed by an authority we know, or its chain is incomplete",
    21: "certificate chain is incomplete",
    62: "certificate is for another host",
    64: "certificate is for another address",
}


class WebError(OSError):
    """A failure that our own code found, already classified."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


def explain(error: Exception) -> tuple[Failure, str]:
    """Classify what a broken web raised, most specific cause first. Raises `error` again if it is ours."""
    if isinstance(error, httpcore.LocalProtocolError):
        raise error  # we tried to send what HTTP forbids
    chain = causes(error)
    for ours in reversed(chain):  # the outermost that our own code classified knew what the inner ones meant
        if isinstance(ours, WebError):
            return ours.failure, ours.text
    for cause in chain:
        known = _known(cause)
        if known is not None:
            return known
    return _by_library(error)


def causes(error: BaseException) -> list[BaseException]:
    """The innermost cause first; httpcore and trio wrap what the system said."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
        chain.append(inner)
    return [cause for cause in reversed(chain) if isinstance(cause, WEB_ERRORS)]


def _known(cause: BaseException) -> tuple[Failure, str] | None:
    match cause:
        case ssl.SSLError():
            return _tls(cause)
        case socket.gaierror():
            return _dns(cause)
        case TimeoutError():
            return Failure.TIMEOUT, "timed out while connecting"
        case OSError(errno=int(number)) if number in _OUR_OWN:
            raise cause
        case OSError(errno=int(number)):
            return _BY_ERRNO.get(number, (Failure.UNREACHABLE, _line(cause.strerror or cause)))
        case _:
            return None


def _tls(error: ssl.SSLError) -> tuple[Failure, str]:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Failure.RESET, "connection closed during the TLS handshake"
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE.get(error.verify_code, f"certificate refused: {error.verify_message}")
        return Failure.TLS, _line(text)
    return Failure.TLS, _line(f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}")


def _dns(error: socket.gaierror) -> tuple[Failure, str]:
    if error.errno == socket.EAI_NONAME:
        return Failure.NO_SUCH_HOST, "no such host"
    if error.errno == NO_DATA:
        return Failure.DNS, "the name exists, but has no address"
    return Failure.DNS, _line(f"name lookup failed for now: {error.strerror}")


def _by_library(error: Exception) -> tuple[Failure, str]:
    match error:
        case httpcore.ConnectTimeout():
            return Failure.TIMEOUT, "timed out while connecting"
        case httpcore.TimeoutException():
            return Failure.TIMEOUT, "timed out"
        case httpcore.ProxyError():
            return Failure.UNREACHABLE, _line(f"the proxy refused: {error}")
        case httpcore.ConnectError():
            return Failure.UNREACHABLE, _line(f"cannot connect: {error}")
        case httpcore.ProtocolError():
            return _protocol(str(error))
        case _:
            return Failure.RESET, _line(f"connection broken off: {error}" if str(error) else "connection broken off")


def _protocol(text: str) -> tuple[Failure, str]:
    if "without sending a response" in text:
        return Failure.RESET, "the server closed the connection without an answer"
    if "without sending complete message body" in text:
        return Failure.RESET, "the body broke off before its end"
    return Failure.PROTOCOL, _line(f"not proper HTTP: {text}")


def _line(text: object) -> str:
    """One line of printable text, at most 200 characters: servers have a say in it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= 200 else line[:199] + "…"
