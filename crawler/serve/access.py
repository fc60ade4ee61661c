"""Who may ask what: the names that we answer to, the token for acting, and the proof that a form is ours.

Pure decisions over the parts of a request; `guard` applies them to every request before anything else sees it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

MAX_PATH = 8_192  # bytes of the path as sent; a link's address goes into the query
MAX_QUERY = 131_072  # bytes; two addresses of the longest kind, percent-encoded
MAX_FORM = 65_536  # bytes of a form's body
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
EVERYWHERE = frozenset(("0.0.0.0", "::", ""))  # noqa: S104 - recognised, never chosen by us
READING = ("GET", "HEAD")

# host, port: a name, an IPv4 address, or an IPv6 address in brackets (RFC 3986, 3.2.2)
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class RequestParts:
    """The parts of a request that decide whether it is answered; header names in lower case."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: tuple[tuple[str, str], ...]
    local_address: str = ""  # of our end of the connection

    def header(self, name: str) -> str:
        """The first header of that name, "" for none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """All headers of that name."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered: a status and a line that says what would help."""

    status: HTTPStatus
    why: str


@dataclass(frozen=True, slots=True)
class Access:
    """What this viewer answers to. `token` is random for each start; who has it may act."""

    host: str = "127.0.0.1"
    port: int = 8765
    public: str = ""  # the address under which others reach the viewer, e.g. through a proxy
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def cookie(self) -> str:
        """The cookie's name; browsers do not keep those of two ports apart."""
        return f"crawler-token-{self.port}"

    @property
    def csrf(self) -> str:
        """What our own forms carry; it cannot be worked out without the token, nor the token from it."""
        return hmac.new(self.token.encode(), b"form of the viewer", hashlib.sha256).hexdigest()

    @property
    def address(self) -> str:
        """Where the viewer is reached, without the token."""
        host = "127.0.0.1" if self.host in EVERYWHERE else self.host
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    def refusal(self, asked: RequestParts) -> Refusal | None:
        """Why the request is not answered; None where it is."""
        return (
            self._wrong_host(asked)
            or _too_long(asked)
            or _foreign_part(asked)
            or (self._wrong_action(asked) if asked.method == "POST" else _wrong_method(asked))
        )

    def has_token(self, asked: RequestParts) -> bool:
        """Whether the request brings the token: as our cookie, or in its address."""
        return any(hmac.compare_digest(given.encode(), self.token.encode()) for given in self._tokens(asked))

    def is_ours(self, form_value: str) -> bool:
        """Whether a form's hidden value is the one that our own pages carry."""
        return hmac.compare_digest(form_value.encode("utf-8", "replace"), self.csrf.encode())

    def _tokens(self, asked: RequestParts) -> list[str]:
        given = [
            value for name, value in parse_qsl(asked.query.decode("latin-1"), max_num_fields=200) if name == "token"
        ]
        for header in asked.all("cookie"):
            try:
                jar = SimpleCookie(header)
            except CookieError:
                continue
            if self.cookie in jar:
                given.append(jar[self.cookie].value)
        return given

    def _wrong_host(self, asked: RequestParts) -> Refusal | None:
        """A page of another name that resolves to this machine (DNS rebinding) must not read what we show."""
        given = asked.all("host")
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found is None:
            return Refusal(HTTPStatus.BAD_REQUEST, "the request names no host, or no single one")
        name = (found[1] or found[2]).lower()
        known = {self.host.lower().strip("[]")} - EVERYWHERE
        if self.host in EVERYWHERE:
            known |= {asked.local_address.lower().removeprefix("::ffff:")} - {""}
        if self.host in EVERYWHERE or self.host.strip("[]").lower() in LOOPBACK or self.host.startswith("127."):
            known |= LOOPBACK
        if name in known or (self.public and name == (urlsplit(self.public).hostname or "")):
            return None
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST, f"this viewer does not answer to that name; open it at {self.address}"
        )

    def _wrong_action(self, asked: RequestParts) -> Refusal | None:
        if not self.has_token(asked):
            return Refusal(
                HTTPStatus.FORBIDDEN, "acting needs the token: open the address that `crawler serve` printed"
            )
        origins = asked.all("origin")
        if len(origins) > 1 or (origins and not self._is_own(origins[0], asked)):
            return Refusal(HTTPStatus.FORBIDDEN, "this was sent by a page of another origin")
        if asked.header("sec-fetch-site") not in ("", "same-origin"):
            return Refusal(HTTPStatus.FORBIDDEN, "this was sent by a page of another site")
        return None

    def _is_own(self, origin: str, asked: RequestParts) -> bool:
        own = {f"http://{asked.header('host')}"}
        if self.public:
            parts = urlsplit(self.public)
            own.add(f"{parts.scheme}://{parts.netloc}")
        return origin.lower() in {one.lower() for one in own}


def _too_long(asked: RequestParts) -> Refusal | None:
    if len(asked.raw_path) > MAX_PATH or len(asked.query) > MAX_QUERY:
        return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
    if asked.query.count(b"&") >= 200:
        return Refusal(HTTPStatus.BAD_REQUEST, "the address has too many parameters")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in asked.path):
        return Refusal(HTTPStatus.BAD_REQUEST, "the address holds control characters")
    return None


def _wrong_method(asked: RequestParts) -> Refusal | None:
    if asked.method not in READING:
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "pages are read with GET, and acted on with POST")
    return None


def _foreign_part(asked: RequestParts) -> Refusal | None:
    """Other sites may link here; they may neither load nor frame what is here (Fetch Metadata)."""
    if asked.method == "POST" or asked.header("sec-fetch-site") not in ("cross-site", "same-site"):
        return None
    is_visit = asked.header("sec-fetch-mode") == "navigate" and asked.header("sec-fetch-dest") in ("", "document")
    return None if is_visit else Refusal(HTTPStatus.FORBIDDEN, "pages of other sites may link here, and no more")
