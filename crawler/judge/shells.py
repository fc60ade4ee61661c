"""Pages that show nothing: empty bodies, and shells that a script fills. They are not gone, only not to be read.

What follows from such a page is decided by those who ask.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.core.counts import Counted
from crawler.core.model import Confidence, Fetch, State, Verdict
from crawler.judge.content import folded
from crawler.judge.refresh import refresh_target
from crawler.judge.verdicts import verdict
from crawler.page.document import Document
from crawler.page.images import is_ornament
from crawler.page.nodes import ancestors

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LITTLE = 400  # visible characters of a page that may be nothing but a request for JavaScript
NOTHING = 12  # visible characters below which a page shows nothing
PIXEL = 3  # width or height of a picture up to which it counts visitors
SPOKEN = 200  # characters in `<noscript>` from which it is content; guess
MAX_MARKUP = 200_000  # characters of one `<noscript>` looked at
_TAG = re.compile(r"<[^<>]*>|&lt;[^<>&]*&gt;")  # a parser may have kept the markup as text
_RAW = re.compile(r"(?is)(?:<|&lt;)(script|style|iframe)\b.*?(?:<|&lt;)/\1\b")
_NEEDS_SCRIPT = re.compile(
    r"(?i)(?:enable|requires?|turn on|without|disabled?|启用|开启|需要|不支持) ?javascript"
    r"|javascript (?:is|must|to run|required|を有効|aktivieren)"
    r"|(?:activer?|habilit[ae]r?|activ[ae]r?|включите) javascript|javascript(?:를| 를)? 활성화"
    r"|请(?:使用|更换|升级)(?:其他|现代|最新)?浏览器"
)
_LOADING = re.compile(
    r"(?:(?:page |now )?(?:loading|please wait|redirecting)|加载中|载入中|请稍[候等]|读取中|読み込み中|로딩 ?중|laden"
    r"|chargement|cargando|загрузка)[\s.,!…·,please wait]*"
)
_ROOTS = (
    "#root, #app, #__next, #__nuxt, #___gatsby, #main-app, #react-root, #ember-app, app-root, [ng-app], "
    "[data-reactroot]"
)
_MEDIA = "img[src], picture, video, audio, embed, object, canvas"
_FILLED_BY_SCRIPT = "script, frameset, frame, iframe, meta[http-equiv=refresh i]"


def shell_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a 2xx page without visible text; None for pages that show something."""
    if not document.body.strip():
        return verdict(fetch, State.UNKNOWN, "empty-page", "generic/empty-body")
    if not document.is_html:
        return None
    visible = document.visible_text(2 * LITTLE)
    if len(visible) <= SPOKEN and (target := refresh_target(fetch, document)) is not None:
        return verdict(fetch, State.UNKNOWN, "empty-page", "generic/refresh-not-followed", target)
    asks = len(visible) <= LITTLE and _NEEDS_SCRIPT.search(visible)
    loads = len(visible) <= LITTLE / 4 and _LOADING.fullmatch(folded(visible)) and document.tree.css_first("script")
    if len("".join(visible.split())) >= NOTHING and not asks and not loads:
        return None
    if not asks and not loads and (_shows_a_picture(document) or _speaks_without_scripts(document)):
        return None
    if asks or loads or document.tree.css_first(_FILLED_BY_SCRIPT) is not None:
        matched = f"{Counted(len(document.body)):byte}, {Counted(len(visible)):visible character}"
        rule = "generic/needs-javascript"
        return verdict(fetch, State.UNKNOWN, "needs-javascript", rule, matched, confidence=Confidence.MEDIUM)
    return verdict(fetch, State.UNKNOWN, "empty-page", "generic/empty-page", f"title: {document.title}")


def _shows_a_picture(document: Document) -> bool:
    """Whether a titled page holds a picture, film or sound that a reader gets: that is content too."""
    if not document.title or _is_unfilled(document):
        return False
    scripted = document.tree.css_first("script") is not None
    return any(_is_seen(node) and not (scripted and _is_stopgap(node)) for node in document.tree.css(_MEDIA)[:50])


def _is_stopgap(node: LexborNode) -> bool:
    """Whether a picture is a logo, or turns until a script has drawn the page."""
    alt = str(node.attributes.get("alt") or "")
    return node.tag == "img" and (is_ornament(node) or _LOADING.fullmatch(folded(alt)) is not None)


def _speaks_without_scripts(document: Document) -> bool:
    """Whether `<noscript>` holds the content itself, as Discourse serves its threads, and not a pixel or a request."""
    for node in document.tree.css("noscript")[:20]:
        text = " ".join(_TAG.sub(" ", _RAW.sub(" ", (node.html or "")[:MAX_MARKUP])).split())
        if len(text) >= SPOKEN and not _NEEDS_SCRIPT.search(text[:LITTLE]):
            return True
    return False


def _is_unfilled(document: Document) -> bool:
    """Whether the element that a script would fill is empty."""
    roots = document.tree.css(_ROOTS)[:5]
    return bool(roots) and all(root.css_first(_MEDIA) is None and not root.text().strip() for root in roots)


def _is_seen(node: LexborNode) -> bool:
    """Whether a picture is neither a counter of visitors nor meant for browsers without scripts."""
    sizes = [str(node.attributes.get(key) or "").strip().removesuffix("px") for key in ("width", "height")]
    if any(size.isdecimal() and int(size) <= PIXEL for size in sizes):
        return False
    style = str(node.attributes.get("style") or "").replace(" ", "").lower()
    if "display:none" in style or "visibility:hidden" in style or re.search(r"(?:^|;)(?:width|height):[01]px", style):
        return False
    return not any(above.tag in ("noscript", "template", "head") for above in ancestors(node))
