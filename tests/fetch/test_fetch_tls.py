"""TLS as browsers take it, on loopback: chains that lack a link, odd names; and what must stay refused."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
)
from cryptography.x509.oid import AuthorityInformationAccessOID
from fetch_web import loopback, ok, read_head, saying, server

from crawler.core.model import Failure, Fetch
from crawler.fetch.tls import names_match

ROOT = trustme.CA()
MIDDLE = ROOT.create_child_ca()
OTHER = trustme.CA()
AIA = "http://aia.example/middle.der"


def der_of(ca: trustme.CA) -> bytes:
    return x509.load_pem_x509_certificate(ca.cert_pem.bytes()).public_bytes(Encoding.DER)


def leaf_context(folder: Path, name: str, url: str = AIA, signer: trustme.CA = MIDDLE) -> ssl.SSLContext:
    """A server that sends its leaf alone, which names `url` as the place of its issuer."""
    issuer = x509.load_pem_x509_certificate(signer.cert_pem.bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
    now = datetime.now(UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .sign(load_pem_private_key(signer.private_key_pem.bytes(), None), hashes.SHA256())  # type: ignore[arg-type]
    )
    file = folder / "leaf.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(leaf.public_bytes(Encoding.PEM) + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@pytest.fixture(scope="module")
def ca_bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ROOT.cert_pem.write_to_path(str(file))
    return str(file)


class Authority:
    """Publishes a certificate; counts who asks."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.asked: list[bytes] = []

    async def __call__(self, stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            self.asked.append(head.split(b"\r\n")[0])
            await stream.send_all(self.answers[min(len(self.asked), len(self.answers)) - 1])


async def fetch_from(
    context: ssl.SSLContext, authority: Authority, bundle: str, *, times: int = 1, **settings: Any
) -> list[Fetch]:
    async with server(saying(ok(), ok()), context) as port, server(authority) as aia:
        resolve = {"one.example:443": f"127.0.0.1:{port}", "aia.example:80": f"127.0.0.1:{aia}"}
        known: dict[str, Any] = {"ca_bundle": bundle, "resolve": resolve, "allow_private": False} | settings
        async with loopback(**known) as fetcher:
            fetches = []
            for _ in range(times):
                fetches.append(await fetcher("https://one.example/"))
                await fetcher.close_slot("one.example")
            return fetches


def bundled(*cas: trustme.CA) -> bytes:
    certificates = [x509.load_der_x509_certificate(der_of(ca)) for ca in cas]
    return pkcs7.serialize_certificates(certificates, Encoding.DER)


@pytest.mark.parametrize(
    "answers",
    [
        [lambda: ok(der_of(MIDDLE))],
        [lambda: ok(MIDDLE.cert_pem.bytes())],
        [lambda: ok(bundled(OTHER, MIDDLE))],
        [lambda: ok(b"", "Location: /new.der", status="301 Moved"), lambda: ok(der_of(MIDDLE))],
    ],
    ids=["der", "pem", "pkcs7", "redirect"],
)
async def test_a_chain_that_lacks_its_intermediate_is_completed(
    answers: list[Callable[[], bytes]], ca_bundle: str, tmp_path: Path
) -> None:
    authority = Authority(*(answer() for answer in answers))
    (fetch,) = await fetch_from(leaf_context(tmp_path, "one.example"), authority, ca_bundle)
    assert (fetch.status, fetch.requests) == (200, 1)
    assert len(authority.asked) == len(answers)


async def test_a_missing_certificate_is_fetched_once_and_so_is_one_that_is_not_to_be_had(
    ca_bundle: str, tmp_path: Path
) -> None:
    for answer, status in ((ok(der_of(MIDDLE)), 200), (ok(b"gone", status="404 Not Found"), None)):
        authority = Authority(answer)
        fetches = await fetch_from(leaf_context(tmp_path, "one.example"), authority, ca_bundle, times=3)
        assert [fetch.status for fetch in fetches] == [status] * 3
        assert len(authority.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda: ok(der_of(OTHER)),
        lambda: ok(b"no certificate"),
        lambda: ok(b"x" * 300_000),
        lambda: ok(b"", "Location: http://127.0.0.1:80/x", status="302 Found"),
        lambda: ok(b"", "Location: https://aia.example/x", status="302 Found"),
        lambda: b"this is no HTTP",
    ],
)
async def test_what_helps_nobody_leaves_a_tls_failure(
    answer: Callable[[], bytes], ca_bundle: str, tmp_path: Path
) -> None:
    (fetch,) = await fetch_from(leaf_context(tmp_path, "one.example"), Authority(answer()), ca_bundle)
    assert fetch.failure is Failure.TLS
    assert "chain is incomplete" in fetch.error


async def test_a_root_that_a_stranger_publishes_is_not_believed(ca_bundle: str, tmp_path: Path) -> None:
    """Its own issuer, served at the address that its certificate names: it must not become an anchor by being there."""
    context = leaf_context(tmp_path, "one.example", signer=OTHER)
    (fetch,) = await fetch_from(context, Authority(ok(der_of(OTHER))), ca_bundle)
    assert fetch.failure is Failure.TLS


async def test_an_intermediate_of_a_stranger_is_not_believed_either(ca_bundle: str, tmp_path: Path) -> None:
    strange = OTHER.create_child_ca()
    context = leaf_context(tmp_path, "one.example", signer=strange)
    (fetch,) = await fetch_from(context, Authority(ok(der_of(strange))), ca_bundle)
    assert fetch.failure is Failure.TLS


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x.der", "http://aia.local:22/x.der", "ldap://aia.example/x", "file:///x"]
)
async def test_certificates_are_fetched_through_the_same_guard(url: str, ca_bundle: str, tmp_path: Path) -> None:
    authority = Authority(ok(der_of(MIDDLE)))

    async def resolver(host: str) -> list[str]:
        return ["127.0.0.1"]

    context = leaf_context(tmp_path, "one.example", url)
    (fetch,) = await fetch_from(context, authority, ca_bundle, resolver=resolver)
    assert fetch.failure is Failure.TLS
    assert authority.asked == []


async def test_a_completed_chain_must_still_be_for_the_host(ca_bundle: str, tmp_path: Path) -> None:
    authority = Authority(ok(der_of(MIDDLE)))
    (fetch,) = await fetch_from(leaf_context(tmp_path, "two.example"), authority, ca_bundle)
    assert (fetch.failure, fetch.error) == (Failure.TLS, "certificate is for another host")


async def fetch_certified(context: ssl.SSLContext, host: str, bundle: str) -> Fetch:
    async with (
        server(saying(ok()), context) as port,
        loopback(ca_bundle=bundle, resolve={"*": f"127.0.0.1:{port}"}) as fetcher,
    ):
        return await fetcher(f"https://{host}/")


def issued(*names: str, ca: trustme.CA = ROOT, **how: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(*names, **how).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("certificate", "host", "works"),
    [
        ("*.wild.example", "under_score.wild.example", True),
        ("*.wild.example", "a_b.deep.wild.example", False),
        ("*.other.example", "under_score.wild.example", False),
        ("plain.wild.example", "under_score.wild.example", False),
        ("*.wild.example", "dashed-.wild.example", True),
        ("one.example", "one.example.", True),
        ("*.wild.example", "under_score.wild.example.", True),
    ],
)
async def test_names_are_matched_as_browsers_do(certificate: str, host: str, works: bool, ca_bundle: str) -> None:
    fetch = await fetch_certified(issued(certificate), host, ca_bundle)
    assert fetch.status == (200 if works else None), fetch.error
    assert works or "another host" in fetch.error


async def test_an_odd_name_does_not_excuse_an_unknown_authority(ca_bundle: str) -> None:
    fetch = await fetch_certified(issued("*.wild.example", ca=OTHER), "under_score.wild.example", ca_bundle)
    assert fetch.failure is Failure.TLS


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "..", "."])
async def test_names_that_no_certificate_can_be_for_are_failures(host: str, ca_bundle: str) -> None:
    fetch = await fetch_certified(issued("one.example"), host, ca_bundle)
    assert fetch.failure in (Failure.TLS, Failure.MALFORMED_URL)


@pytest.mark.parametrize(
    ("name", "names", "matches"),
    [
        ("a_b.c.example", ("*.c.example",), True),
        ("A_B.c.example", ("*.C.EXAMPLE",), True),
        ("a_b.c.example", ("a_b.c.example",), True),
        ("a_b.c.example", ("*.example",), False),
        ("a_b.example", ("*.example",), False),
        ("_.c.example", ("*.*.example", "_*.c.example"), False),
        ("a_b.c.example", (), False),
    ],
)
def test_wildcards_stand_for_one_label_below_two(name: str, names: tuple[str, ...], matches: bool) -> None:
    assert names_match(name, {"subjectAltName": tuple(("DNS", n) for n in names)}) is matches
