"""Certificate chains that lack a link, completed as browsers do: by the address that each certificate names.

RFC 5280, 4.2.2.1 (Authority Information Access). What is found is never trusted: it only helps OpenSSL to find the
way to a root that is. How bytes are fetched is the caller's; handshakes are `tls`'s.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_LINKS = 4  # certificates fetched for one chain; public chains have two intermediates at most
MAX_ADDRESSES = 2  # of one certificate's issuer that are tried
REMEMBERED = 500  # addresses, with what they gave

FetchBytes = Callable[[str], Awaitable[bytes]]
"""The body at an http URL, b"" where there is none; never raises for a broken web."""


class ChainCompleter:
    """Finds the certificates that servers forgot; remembers them, and what was not to be had, for a run."""

    def __init__(self, fetch: FetchBytes, roots: Iterable[bytes]) -> None:
        self._fetch = fetch
        self._roots = roots  # DER; read when first needed
        self._trusted: frozenset[bytes] | None = None
        self._known: OrderedDict[str, bytes] = OrderedDict()

    async def missing(self, served: list[bytes]) -> tuple[bytes, ...]:
        """DER of the intermediates between what was served (leaf first) and a root; () where none can be found."""
        certificates = [certificate for der in served if (certificate := _read(der))]
        if not certificates:
            return ()
        last, rest = certificates[0], certificates[1:]
        while (issuer := _issuer_of(last, rest)) is not None:
            rest.remove(issuer)
            last = issuer
        found: list[bytes] = []
        while len(found) < MAX_LINKS and not self._is_trusted(last):
            issuer = await self._fetched_issuer(last)
            if issuer is None:
                break
            found.append(_der(issuer))
            last = issuer
        return tuple(found)

    def _is_trusted(self, certificate: Certificate) -> bool:
        """Whether its issuer has the name of a root that is trusted; OpenSSL looks at the rest."""
        if self._trusted is None:
            self._trusted = frozenset(_name(root) for der in self._roots if (root := _read(der)))
        return certificate.issuer.public_bytes() in self._trusted

    async def _fetched_issuer(self, certificate: Certificate) -> Certificate | None:
        for url in _addresses(certificate)[:MAX_ADDRESSES]:
            candidates = _read_all(await self._bytes(url))
            issuer = _issuer_of(certificate, candidates)
            # One that signed itself would become a root by being loaded.
            if issuer is not None and issuer.issuer != issuer.subject:
                return issuer
        return None

    async def _bytes(self, url: str) -> bytes:
        if url not in self._known:
            self._known[url] = await self._fetch(url)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[url]


def _issuer_of(certificate: Certificate, candidates: Iterable[Certificate]) -> Certificate | None:
    """The one that signed it."""
    for candidate in candidates:
        if candidate != certificate and candidate.subject == certificate.issuer:
            with suppress(*_crypto_errors()):
                certificate.verify_directly_issued_by(candidate)
                return candidate
    return None


def _addresses(certificate: Certificate) -> list[str]:
    """Where the issuer's certificate is said to be; http only, since https would need a chain again."""
    from cryptography.x509 import AuthorityInformationAccess, UniformResourceIdentifier
    from cryptography.x509.oid import AuthorityInformationAccessOID

    with suppress(*_crypto_errors()):
        access = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
        places = [a.access_location for a in access if a.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
        urls = [place.value for place in places if isinstance(place, UniformResourceIdentifier)]
        return [url for url in urls if url.lower().startswith("http://")]
    return []


def _read(der: bytes) -> Certificate | None:
    from cryptography.x509 import load_der_x509_certificate

    with suppress(*_crypto_errors()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "a serial number which wasn't positive", of a root that everybody trusts
        return load_der_x509_certificate(der)
    return None


def _read_all(data: bytes) -> list[Certificate]:
    """One certificate as DER or PEM, or a PKCS #7 bundle of them, as authorities publish them."""
    from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
    from cryptography.x509 import load_pem_x509_certificates

    if (one := _read(data)) is not None:
        return [one]
    for load in (load_der_pkcs7_certificates, load_pem_x509_certificates):
        with suppress(*_crypto_errors()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(load(data))
    return []


def _name(certificate: Certificate) -> bytes:
    return certificate.subject.public_bytes()


def _der(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _crypto_errors() -> tuple[type[Exception], ...]:
    """What certificates that anybody may have written make `cryptography` raise."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, ExtensionNotFound, InvalidVersion, UnsupportedGeneralNameType

    return (
        ValueError,
        TypeError,
        InvalidSignature,
        UnsupportedAlgorithm,
        DuplicateExtension,
        ExtensionNotFound,
        InvalidVersion,
        UnsupportedGeneralNameType,
    )
