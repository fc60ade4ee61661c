"""The nouns: what was written, what the wire said, what it means, what we conclude, what we remember.

Those of a run and of its report stand in `results`. Only frozen data lives here: no behaviour beyond trivial derived
properties, no I/O, no clock, no imports from the rest of the package. Times are aware UTC datetimes, durations seconds,
sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# --- what was written ---------------------------------------------------------------------------


class Kind(StrEnum):
    """How a link is written in a note."""

    BARE = "bare"
    AUTOLINK = "autolink"
    INLINE = "inline"
    REFERENCE = "reference"
    DEFINITION = "definition"
    IMAGE = "image"
    HTML = "html"
    FRONT_MATTER = "front-matter"
    CODE = "code"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Note:
    """One note file, decoded.

    `path` is relative to the notes' root (POSIX separators); `text` is exactly what was decoded, so that
    `text.encode(encoding)` gives the file's bytes back (a byte order mark stays its first character).
    """

    path: str
    text: str
    encoding: str = "utf-8"
    damage: str = ""  # what is not valid in `encoding` and was replaced; such a note is read and never written


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a link is written."""

    path: str
    line: int  # 1-based
    column: int  # 1-based, in code points
    url: str  # the target, with entities and Markdown escapes undone
    raw: str  # exactly the source characters start:end of the note's text
    kind: Kind
    note_title: str = ""
    start: int = 0  # offset of `raw` in Note.text, in code points
    end: int = 0


LOCAL = "local"  # the site of targets that are files


@dataclass(frozen=True, slots=True)
class Link:
    """One canonical URL with every place it is written in."""

    url: str  # as first written
    canonical_url: str  # identity, never fetched
    fetch_url: str  # what a request asks for: `url` normalised, unwrapped, https forced where a site says so
    site: str  # name of the site file that owns it, "other", or LOCAL
    host: str  # lower-case ASCII host of fetch_url; "" for local targets and malformed URLs
    slot: str  # politeness queue: the site's name, or the host where no site file owns it
    occurrences: tuple[Occurrence, ...] = ()

    @property
    def note_title(self) -> str:
        """The first title that the author wrote for this link, "" where there is none."""
        return next((o.note_title for o in self.occurrences if o.note_title), "")


# --- what the wire said -------------------------------------------------------------------------


class Failure(StrEnum):
    """Why a fetch brought no response; `reason` is the public slug."""

    MALFORMED_URL = "malformed-url"
    UNSUPPORTED_SCHEME = "unsupported-scheme"
    NOT_PUBLIC = "not-public"
    REDIRECTED_TO_PRIVATE = "redirected-to-private"
    NO_SUCH_HOST = "no-such-host"  # the DNS says that the name does not exist, asked by us and for every family
    DNS = "dns-failure"  # no answer, or none that says anything: SERVFAIL, "later", a name without an address
    REFUSED = "connection-refused"
    UNREACHABLE = "unreachable"
    RESET = "connection-reset"
    TLS = "tls-error"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol-error"
    TOO_LARGE = "too-large"
    BAD_ENCODING = "bad-content-encoding"
    REDIRECT_LOOP = "redirect-loop"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    HELD_BACK = "held-back"  # not sent: the slot's day is used up, or its site asked for a longer pause than we wait
    ROBOTS = "disallowed-by-robots"
    INTERNAL = "internal-error"

    @property
    def reason(self) -> str:
        """The public slug: a name that does not exist and one that could not be looked up share one."""
        return Failure.DNS.value if self is Failure.NO_SUCH_HOST else self.value


class Cut(StrEnum):
    """Why a body ends before its end, where the head of the answer had come."""

    NOT = ""  # it does not
    TIMEOUT = "timeout"  # the end that was announced did not come in time
    ENDLESS = "endless"  # no end was announced, and none came in time: a stream, or a connection that stays open
    RESET = "reset"  # the connection, or the compressed stream inside, broke off
    TOO_LARGE = "too-large"  # more than max_body; the body is the first part
    BAD_CODING = "bad-coding"  # not what its content coding says, or a coding that nobody knows


@dataclass(frozen=True, slots=True)
class Redirect:
    """One hop: the status that `url` answered with. The last target is `Fetch.final_url`."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """What the wire said, after redirects and retries: a status *xor* a failure."""

    url: str
    final_url: str
    started_at: datetime
    seconds: float = 0.0
    status: int | None = None
    failure: Failure | None = None
    error: str = ""  # one line for people, "" where all went well
    redirects: tuple[Redirect, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # of the last response, names as sent
    request_headers: tuple[tuple[str, str], ...] = ()  # of the last request, secrets redacted
    body: bytes = b""  # content-decoded
    requests: int = 0  # sent in all, hops and retries included
    wire_bytes: int = 0  # body bytes as they came over the wire, in all
    cut: Cut = Cut.NOT  # why `body` is only the first part of what was sent

    def __post_init__(self) -> None:
        if (self.status is None) == (self.failure is None):
            raise ValueError("a fetch has a status or a failure, never both or neither")

    def header(self, name: str) -> str:
        """The first header of that name, case-insensitive; "" where there is none."""
        wanted = name.lower()
        for key, value in self.headers:  # a generator costs twice as much, and each check asks six times
            if key.lower() == wanted:
                return value
        return ""


# --- what the bytes mean ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """What the bytes say to a reader. `digest` is of the normalised text: equal digests, equal article."""

    title: str = ""
    author: str = ""
    published: str = ""  # RFC 3339 with offset, or a date, as exact as the page tells; "" unknown
    text: str = ""
    digest: str = ""  # "sha256:<hex>" of the normalised text; "" for no text
    images: tuple[str, ...] = ()  # absolute URLs in reading order
    lead_image: str = ""
    canonical_url: str = ""  # what the page calls itself; never merges links
    html: str = ""  # the article's own HTML fragment, from which the readable copy is made
    charset: str = ""
    pages: int = 0  # of a PDF; 0 for what has none
    limited: str = ""  # how much of a file could be read, e.g. "scanned: 12 pages without text"; "" whole


# --- what one check concludes --------------------------------------------------------------------


class State(StrEnum):
    """What is true of a link; the order is that of reports."""

    DEAD = "dead"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    UNCHECKED = "unchecked"
    ALIVE = "alive"


class Confidence(StrEnum):
    """How sure a verdict is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Proof(StrEnum):
    """What kind of knowledge a failing check is: `core.proof` sorts them, `schedule.proof` says what follows."""

    PAGE = "page"  # the site says that this page is gone
    HOST = "host"  # the host itself fails, or its answer looks like a page that is gone
    CLIENT = "client"  # our client and this server do not understand each other
    WAY = "way"  # the way there, or something that stands in front of the host


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a verdict says what it says."""

    rule: str = ""  # e.g. "weixin/deleted-by-author", "generic/status-404"
    matched: str = ""  # selector and text, header, or URL that the rule matched; one line
    http_status: int | None = None
    final_url: str = ""
    redirects: tuple[Redirect, ...] = ()
    error: str = ""
    limited: str = ""  # how much of a living page is visible, e.g. "paid: teaser of 312 characters"; "" whole
    notice: str = ""  # text of the site's error zone that no rule knows: listed as "new notices seen"
    proof: Proof | None = None  # None: the check did not fail, or says nothing of page, host, client or way
    agreed: str = ""  # who else agrees that the page is gone: title | words | probe | wayback | browser


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check concludes, before memory."""

    state: State
    reason: str  # a public slug
    confidence: Confidence = Confidence.MEDIUM
    evidence: Evidence = field(default_factory=Evidence)
    moved_to: str | None = None  # a permanent new address, a fact beside the state
    follow: str | None = None  # another URL holds the article: fetch that and judge again
    confirmations: int = 0  # failing checks on different days that make it dead; 0: what [schedule] says


# --- what we remember ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One kept capture of a page. `revisit`: seen again with the same text, no new bytes stored."""

    id: int
    captured_at: datetime
    title: str
    text_chars: int
    digest: str
    revisit: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the Internet Archive said of a link when it was asked: its capture, or that it has none."""

    asked_at: datetime
    url: str = ""  # of the capture; "": none
    captured_at: datetime | None = None
    outcome: str = ""  # found | none | unfit | excluded | silent | saved | refused; "": by a version that tried none
    status: int | None = None  # of the capture, when it was taken
    title: str = ""
    title_match: float | None = None  # with the titles that the notes give the link

    @property
    def is_tried(self) -> bool:
        """Whether the capture was read, and shows the page."""
        return bool(self.url) and self.outcome == "found"


class Word(StrEnum):
    """What a person may say of a link."""

    FINE = "fine"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's word on a link, and beneath it what the checks alone conclude."""

    word: Word
    at: datetime
    state: State
    reason: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class History:
    """Everything remembered of one link; a new check makes a new History (`schedule.history.remember`)."""

    canonical_url: str
    first_seen: datetime
    url: str = ""
    state: State = State.UNCHECKED
    reason: str = "never-checked"
    confidence: Confidence = Confidence.LOW
    evidence: Evidence = field(default_factory=Evidence)
    checked_at: datetime | None = None
    last_alive: datetime | None = None
    first_failed: datetime | None = None  # first failing check of the present series
    failures: int = 0  # *counted* failing checks in a row
    counted_at: datetime | None = None  # when a failing check counted last
    next_due: datetime | None = None  # None: due now
    interval: float = 0.0  # seconds between checks at present
    page_title: str = ""
    rendered: bool = False  # a browser read it last, and a plain request has not got as much since
    page_author: str = ""  # of the page when it was read last: on WeChat the account
    title_match: float | None = None
    moved_to: str | None = None
    etag: str = ""
    last_modified: str = ""
    honours_validators: bool = False  # this link once answered 304, or the same validator with the same text
    snapshot: Snapshot | None = None
    previous_state: State | None = None  # what it was before the last change of state
    changed_at: datetime | None = None  # when the state changed last
    doubted_at: datetime | None = None  # it failed in a run that counted for nothing; cleared by the next check
    elsewhere: Elsewhere | None = None  # None: never asked
    guesses: int = 0  # of `failures`: guesses that nothing else agreed with; no link dies of them
    answered_at: datetime | None = None  # when its host answered this link last, whatever it said
    silent: int = 0  # checks of proof `way` since the host answered last, one a day
    silent_since: datetime | None = None  # the first of them
    silent_at: datetime | None = None  # the last of them that counted
    said: str = ""  # fingerprint of the last answer or failure that was believed (`schedule.fingerprint`)
    mark: Mark | None = None  # a person's word, which stands above what checks conclude
    refused: int = 0  # walls met in a row, up to the last check
    walled: int = 0  # of them: in runs in which another link of the slot was seen (`schedule.walls`)


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """The segment of an archive that is being written, for which readers pack records."""

    folder: str
    name: str  # "" before the first record: one without a dictionary
    codec: str
    raw: bool  # whether raw bytes are kept
    large: bool = True  # pack large pages, too: the segment has its dictionary, or will have none


@dataclass(frozen=True, slots=True)
class PackedCapture:
    """The records of a page, made and packed where it was read (`archive.packing`)."""

    codec: str
    segment: str  # whose dictionary was used; "" none
    made: bytes  # what is kept, and the line that speaks of the frames by their numbers
    frames: list[bytes]


@dataclass(frozen=True, slots=True)
class Check:
    """One link looked at once: the unit that the recorder keeps."""

    link: Link
    at: datetime
    fetch: Fetch
    page: Page
    verdict: Verdict
    history: History  # after this check
    run_id: str = ""
    readable: str = ""  # self-contained HTML of the article, kept beside the raw bytes; "" none
    said: str = ""  # fingerprint of the answer or failure (`schedule.fingerprint`)
    held: bool = False  # recorded, and counts only when the stretch of time it belongs to is believed
    payload: str = ""  # "sha256:<hex>" of the fetch's body, where its reader made it; "": the archive makes it
    packed: PackedCapture | None = None  # its records, where its reader made them; None: the archive makes them


@dataclass(frozen=True, slots=True)
class SlotState:
    """Politeness that outlives a run: when a slot was last asked, and how much it slows us."""

    slot: str
    last_start: datetime | None = None
    not_before: datetime | None = None  # Retry-After or a cool-down
    slowdown: float = 1.0  # multiplies the interval
    requests_today: int = 0
    today: str = ""  # the UTC date that requests_today counts


@dataclass(frozen=True, slots=True)
class Politeness:
    """How one slot may be asked, after configuration, site files and defaults were laid over each other."""

    slot: str
    per_host: int = 1  # links of the slot in flight at once
    interval: float = 1.0  # seconds, least time between two starts
    timeout: float = 30.0  # seconds, one attempt in all
    connect_timeout: float = 10.0
    patience: int = 5  # refusals in a row before the slot is left alone; 0 never
    max_per_run: int = 0  # links; 0 no limit
    max_per_day: int = 0  # requests; 0 no limit
    headers: tuple[tuple[str, str], ...] = ()
    accept: tuple[int, ...] = ()  # statuses that count as alive on this host
    skip: bool = False
    browser: bool = False  # its pages are shown by a browser


@dataclass(frozen=True, slots=True)
class Slot:
    """A politeness queue with the links to check, in order; known walls stand last."""

    key: str
    site: str
    politeness: Politeness
    links: tuple[Link, ...]
    walls: frozenset[str] = frozenset()  # canonical URLs whose refusals say nothing about the slot
    # Not due, alive at their last check: they tell a wall of the slot from one of links.
    canaries: tuple[Link, ...] = ()
    spare: int = 0  # checks that canaries may cost
