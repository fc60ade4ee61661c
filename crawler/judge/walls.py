"""Pages that stand between us and any site: challenges, captchas, refusals, login and consent walls.

A wall is known by where a redirect led, by a header of its firewall, by elements that only walls have, or by what a
page says that shows next to nothing else. Sizes in bytes say nothing: a challenge may carry 450 kB of scripts. Articles
*about* walls quote their words, so words count only at the top of pages without an article. A wall says nothing about
the page behind it. The signs themselves are the tables of `wall_signs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from crawler.core.model import Confidence, Fetch, State, Verdict
from crawler.judge import wall_signs as signs
from crawler.judge.content import (
    SELF_DESCRIPTION,
    content_text,
    folded,
    has_prose,
    headings,
    notices_of,
    shows_article,
    title_parts,
)
from crawler.judge.verdicts import verdict
from crawler.page.document import Document

FEW = 1_500  # visible characters that a challenge page may show
LITTLE = 1_000  # visible characters without menus up to which a sentence may be all that a page has to say; guess
TOP = 500  # visible characters in which that sentence stands
MANY = 4_000  # visible characters from which an element of a challenge lies over a page that is there
NOTHING = 12  # visible characters below which a page shows nothing
ANSWERS = (404, 410)  # statuses that are the site's answer about the page: only what cannot be mistaken outranks them
ACCEPTED = 202  # RFC 9110, 15.3.3: not acted upon yet; AWS WAF sends its challenge with it
OWN_WORDS = (401, 402, 407, 429, 451)  # statuses that say more of a refusal than its wording does

_LOGIN_HOSTS = ("passport.", "login.", "signin.", "sso.", "accounts.", "auth.", "account.")
_LOGIN_SEGMENTS = frozenset(
    "login signin sign_in sign-in sign_up signup logon log-in log_in wp-login userlogin user_login visitor sso cas "
    "checkpoint authwall oauth2".split()
)
# OAuth, OpenID Connect and SAML as providers serve them, and Microsoft's AD FS: parts of paths, keys of queries.
_LOGIN_PATHS = (
    "/oauth/authorize", "/oauth2/authorize", "/connect/authorize", "/openid-connect/auth", "/adfs/ls",
)  # fmt: skip
_LOGIN_ENDS = ("/session/new", "/sessions/new")
_LOGIN_QUERY = re.compile(r"(?:^|[&;])(?:samlrequest|openid\.mode)=|action=login")
_CAPTCHA_HOSTS = ("wappass.", "captcha.", "verify.", "sec.", "antispider.", "geo.captcha-delivery.")
_CAPTCHA_SEGMENTS = frozenset(
    "captcha unhuman verify punish antispider challenge robot-check human-verification validatecaptcha x5sec "
    "showcaptcha _____tmd_____".split()
)
_CAPTCHA_PATHS = ("/sorry/index", "/cdn-cgi/challenge", "/errors/validatecaptcha")
_CONSENT_HOSTS = ("consent.", "guce.", "cookiewall.")
_CONSENT_SEGMENT = re.compile(
    r"(?:cookie|privacy|consent|age)[-_]?(?:consent|wall|gate|check|verification|verify)|consent|over[-_]?18"
)
_AGE_SEGMENTS = frozenset(("agegate", "agecheck"))
_ADDRESS_IN_QUERY = re.compile(r"=(?:https?|/|%2f)")  # where a reader is sent back to
# The number alone may be a page's own, but for one that stands for the whole site or among its errors.
_REFUSED_PAGE = re.compile(
    r"/(?:.*/)?(?:error[-_]?403|403[-_]?(?:error|forbidden)|access[-_]?denied|forbidden)(?:\.[a-z]{3,5})?/?"
    r"|/(?:(?:.*/)?(?:errors?|err|status|error[-_]?pages?)/)?403(?:\.[a-z]{3,5})?/?"
)
LINES, MAX_LINE = 15, 120  # lines at the top of a page that may be a notice, and how long
LEAD = 20  # characters before its wording: "Sorry, ", "The board "
_QUOTES = "“\"'«‘「『`"
_FIELDS = "input[type=text], input[type=email], input[type=tel], input:not([type]), select"
_SENTENCE_END = re.compile(r"[?？!！。:：]")
_ANSWER_TO_AGE = "button, select, input[type=submit], input[type=button], input[type=date], input[type=number]"
_ANSWER_BOXES = re.compile(r"(?i)captcha|response|\bcode\b|seccode|^q$|search")

_ANY_ELEMENT = ", ".join(css for _, css in signs.ELEMENTS)

Finding = Callable[[Fetch, Document], Verdict | None]


def wall_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict where the answer, of whatever status, is a wall; None where it is none that we know."""
    return next((found for find in _FINDINGS if (found := find(fetch, document)) is not None), None)


def wall_kind(url: str) -> str:
    """What sort of wall an address names: `captcha`, `login-required`, `consent-required`, `forbidden`, or ""."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return ""
    segments = {segment.partition(".")[0] for segment in parts.path.split("/") if segment}
    host = parts.hostname or ""
    if host.startswith(_CAPTCHA_HOSTS) or segments & _CAPTCHA_SEGMENTS or "x5sec" in parts.query:
        return signs.CAPTCHA
    if parts.path.startswith(_CAPTCHA_PATHS):
        return signs.CAPTCHA
    if host.startswith(_CONSENT_HOSTS):
        return signs.CONSENT
    if host.startswith(_LOGIN_HOSTS) or segments & _LOGIN_SEGMENTS or _LOGIN_QUERY.search(parts.query):
        return signs.LOGIN
    if parts.path.endswith(_LOGIN_ENDS) or (parts.query and any(part in parts.path for part in _LOGIN_PATHS)):
        return signs.LOGIN
    if segments & _AGE_SEGMENTS:
        return signs.CONSENT
    if any(map(_CONSENT_SEGMENT.fullmatch, segments)) and _ADDRESS_IN_QUERY.search(parts.query):
        return signs.CONSENT
    return signs.FORBIDDEN if _REFUSED_PAGE.fullmatch(parts.path) else ""


def is_form(document: Document) -> bool:
    """Whether a page is a form to fill in, which answers every address alike and proves nothing of any."""
    if not document.is_html:
        return False
    tree = document.tree
    if tree.css_first("input[type=password]") is not None:
        return True
    return (
        len(content_text(document, LITTLE + 1)) <= LITTLE and tree.css_first("form textarea, form select") is not None
    )


def _redirected_to_wall(fetch: Fetch, _document: Document) -> Verdict | None:
    if not fetch.redirects or fetch.final_url == fetch.url:
        return None
    kind = wall_kind(fetch.final_url)
    if not kind or wall_kind(fetch.url) == kind:
        return None
    return verdict(fetch, State.BLOCKED, kind, f"generic/redirected-to-{kind}", fetch.final_url)


def _header(fetch: Fetch, _document: Document) -> Verdict | None:
    for name, pattern, reason in signs.HEADERS:
        if pattern.search(fetch.header(name)):
            matched = f"{name}: {fetch.header(name)}"
            return verdict(fetch, State.BLOCKED, reason, "generic/challenge-header", matched)
    return None


def _challenge(fetch: Fetch, document: Document) -> Verdict | None:
    """By its title, its elements, or the machinery of its firewall."""
    if not document.is_html:
        return None
    visible = document.visible_text(MANY + 1)
    if len(visible) > MANY:
        return None
    if document.tree.css_first(_ANY_ELEMENT) is not None:
        firewall, css = next((f, css) for f, css in signs.ELEMENTS if document.tree.css_first(css) is not None)
        return _blocked(fetch, signs.CAPTCHA, "challenge-element", f"{firewall}: {css.partition(',')[0]}")
    title = folded(document.title)
    if title == "access denied" and "Reference #" in document.html and "edgesuite" in document.html:
        return _blocked(fetch, signs.FORBIDDEN, "challenge-marker", "Akamai: Access Denied")
    if len(visible) > FEW:
        return None
    if title in signs.TITLES and (fetch.status != 200 or not (shows_article(document) or has_prose(document))):
        return _blocked(fetch, signs.CAPTCHA, "challenge-title", f"title: {document.title}")
    for firewall, markers in signs.MARKERS:
        marker = next((marker for marker in markers if marker in document.html), "")
        if marker and _is_machinery(document, marker):
            return _blocked(fetch, signs.CAPTCHA, "challenge-marker", f"{firewall}: {marker}")
    return _empty_failure(fetch, document, visible)


def _is_machinery(document: Document, marker: str) -> bool:
    """Whether a marker on a page that shows next to nothing is a part of it, and not a word that it quotes."""
    if marker in document.visible_text(FEW + 1) or document.tree.css_first("pre, article code") is not None:
        return False
    return document.tree.css_first(SELF_DESCRIPTION) is None


def _empty_failure(fetch: Fetch, document: Document, visible: str) -> Verdict | None:
    """A failing status, or one that answers no GET, with nothing to see but the scripts of a firewall."""
    if (200 <= (fetch.status or 0) < 300 and fetch.status != ACCEPTED) or fetch.status in ANSWERS:
        return None
    if len(visible) > NOTHING:
        return None
    marker = next((marker for marker in signs.MARKERS_OF_EMPTY_FAILURES if marker in document.html), "")
    return _blocked(fetch, signs.CAPTCHA, "challenge-marker", f"nothing visible, {marker}") if marker else None


def _widget(fetch: Fetch, document: Document) -> Verdict | None:
    """A captcha that guards no form: it stands in the place of the page."""
    if not document.is_html or fetch.status in ANSWERS or len(content_text(document, LITTLE + 1)) > LITTLE / 2:
        return None
    tree = document.tree
    if (widget := tree.css_first(signs.WIDGETS)) is None or shows_article(document) or _asks_for_more(document):
        return None
    return _blocked(
        fetch, signs.CAPTCHA, "captcha-widget", f"element: {widget.tag} {widget.attributes.get('class') or ''}"
    )


def _asks_for_more(document: Document) -> bool:
    """Whether a form wants something else than the answer to a captcha: to search, to comment, to log in."""
    tree = document.tree
    if tree.css_first("input[type=password]") is not None:
        return True
    boxes = [*tree.css(_FIELDS)[:20], *tree.css("textarea")[:20]]
    names = [" ".join(str(box.attributes.get(key) or "") for key in ("name", "id", "class")) for box in boxes]
    return any(not _ANSWER_BOXES.search(name) for name in names)


def _says(fetch: Fetch, document: Document) -> Verdict | None:
    """A page with little else to say than that we may not see it."""
    if not document.is_html or fetch.status in (*ANSWERS, *OWN_WORDS):
        return None
    refused = fetch.status is not None and fetch.status >= 400
    if not refused and shows_article(document):
        return None
    text = document.visible_text(MANY + 1) if refused else content_text(document, LITTLE + 1)
    if len(text) > (MANY if refused else LITTLE):
        return None
    if not refused and _asks_for_more(document):
        return None
    top = "\n".join(folded(line) for line in (document.title, *text[: MANY if refused else TOP].splitlines()))
    for pattern, reason in (
        (signs.CAPTCHA_SAYS, signs.CAPTCHA),
        (signs.RATE_SAYS, signs.RATE),
        (signs.REFUSED_SAYS, signs.FORBIDDEN),
    ):
        if reason == signs.FORBIDDEN and not refused and document.tree.css_first(SELF_DESCRIPTION) is not None:
            continue
        if (said := pattern.search(top)) and not _is_quoted(top, said.start()):
            return _blocked(fetch, reason, f"says-{reason}", f"text: {said[0]}", Confidence.MEDIUM)
    return _refusal_title(fetch, document) if not refused else None


def _is_quoted(text: str, start: int) -> bool:
    return text[max(start - 1, 0) : start] in tuple(_QUOTES)


def _refusal_title(fetch: Fetch, document: Document) -> Verdict | None:
    """A refusal served with 200: a whole part of the title, or a heading where the title says nothing else."""
    parts = [folded(part) for part in title_parts(document.title)]
    said = [*parts[:1], *parts[-1:]] if parts else [folded(heading) for heading in headings(document, 2)]
    for part in said:
        for pattern, reason in ((signs.RATE_TITLE, signs.RATE), (signs.REFUSED_TITLE, signs.FORBIDDEN)):
            if pattern.fullmatch(part):
                return _blocked(
                    fetch, reason, f"titled-{reason}", f"title: {document.title or part}", Confidence.MEDIUM
                )
    return None


def _login_page(fetch: Fetch, document: Document) -> Verdict | None:
    """A form in the place of the page, at its own address: a password is asked for, and nothing else is said."""
    if not document.is_html or fetch.status in ANSWERS or wall_kind(fetch.url):
        return None
    if document.tree.css_first('input[type="password"]') is None or shows_article(document):
        return None
    if len(content_text(document, FEW + 1)) > FEW:
        return None
    parts = title_parts(document.title)
    if (said := _called_login(parts[:1] + parts[-1:])) or (said := _called_login(headings(document, 1))):
        return _blocked(fetch, signs.LOGIN, "login-page", f"form called: {said}", Confidence.MEDIUM)
    return None


def _called_login(names: Iterable[str]) -> str:
    return next((name for name in names if signs.LOGIN_TITLE.fullmatch(folded(name))), "")


def _consent_page(fetch: Fetch, document: Document) -> Verdict | None:
    if not document.is_html or fetch.status in ANSWERS or len(document.visible_text(FEW + 1)) > FEW:
        return None
    if shows_article(document):
        return None
    titled = signs.CONSENT_TITLE.fullmatch(folded(document.title)) is not None
    form = document.tree.css_first(signs.CONSENT_FORMS) is not None
    if not form or not (titled or len(content_text(document, LITTLE + 1)) <= LITTLE):
        return None
    return _blocked(fetch, signs.CONSENT, "consent-page", f"title: {document.title}", Confidence.MEDIUM)


def _age_gate(fetch: Fetch, document: Document) -> Verdict | None:
    """A question for the reader's age in the place of the page, with something to answer it by."""
    if not document.is_html or fetch.status in ANSWERS or shows_article(document):
        return None
    if document.tree.css_first(_ANSWER_TO_AGE) is None or len(content := content_text(document, LITTLE + 1)) > LITTLE:
        return None
    lines = [*title_parts(document.title), *headings(document, 3), *content.splitlines()[:LINES]]
    sentences = (_SENTENCE_END.split(line)[0] for line in lines if len(line) <= MAX_LINE)
    said = next((sentence for sentence in sentences if signs.AGE_SAYS.fullmatch(folded(sentence))), "")
    return _blocked(fetch, signs.CONSENT, "age-gate", f"text: {said}", Confidence.MEDIUM) if said else None


def _permission(fetch: Fetch, document: Document) -> Verdict | None:
    """A forum's notice that this reader may not see the thread, in the box for notices."""
    if not document.is_html or fetch.status in ANSWERS:
        return None
    notices = notices_of(document)
    if not notices or len(content_text(document, FEW + 1)) > FEW:
        return None
    said = next(filter(None, map(signs.PERMISSION_SAYS.search, notices)), None)
    return _members_only(fetch, f"notice: {said[0]}") if said else None


def _permission_line(fetch: Fetch, document: Document) -> Verdict | None:
    """The same as all that a page has to say, in no box that we know."""
    if not document.is_html or fetch.status in ANSWERS or shows_article(document):
        return None
    if len(content := content_text(document, LITTLE + 1)) > LITTLE:
        return None
    for line in content.splitlines()[:LINES]:
        said = signs.PERMISSION_SAYS.search(folded(line)) if len(line) <= MAX_LINE else None
        if said and said.start() <= LEAD and not _is_quoted(folded(line), said.start()):
            return _members_only(fetch, f"text: {line}")
    return None


def _members_only(fetch: Fetch, matched: str) -> Verdict:
    return _blocked(fetch, signs.LOGIN, "permission-notice", matched, Confidence.MEDIUM)


def _blocked(fetch: Fetch, reason: str, rule: str, matched: str, confidence: Confidence = Confidence.HIGH) -> Verdict:
    return verdict(fetch, State.BLOCKED, reason, f"generic/{rule}", matched, confidence=confidence)


_FINDINGS: tuple[Finding, ...] = (
    _redirected_to_wall, _header, _challenge, _consent_page, _age_gate, _permission, _says, _login_page,
    _permission_line, _widget,
)  # fmt: skip
