"""What boxes call themselves: class names, ids, roles and tags, read as promises about their content.

Only words are judged here, never text: how far a name is believed is decided in main_text. Words are matched as
whole parts of a name (`site-nav`, `nav_main`), since `navy` and `shared-world` promise nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache

from crawler.core.patterns import LazyPattern
from crawler.page.blocks import Box


class Promise(IntEnum):
    """What a name promises, and so how much of a page's prose such a box may hold before it is not believed."""

    NONE = 0
    LAYOUT = 1  # words that layouts use for their frames too: sidebar, nav, widget
    OTHER = 2  # remarks about the article, or other articles: share, related, newsletter
    COMMENTS = 3  # prose of readers, often more of it than of the author's


# Parts of names, each with what it promises. `\w*` where sites glue words together.
_OTHER = (
    r"related\w*|relate|recommend\w*|recirc\w*|read-?(?:more|next|also)|readmore|more-?(?:news|stories|articles|"
    r"posts|from|on)|"
    r"also-?(?:like|read|on)|up-?next|next-?(?:post|up|article|story)|most-?(?:read|popular|viewed)|"
    r"latest-?(?:news|posts|articles|stories)|"
    r"recent-?(?:posts|news|articles|stories)|similar-?(?:posts|articles|stories)|popular|trending|hot|"
    r"hot-?(?:news|list|topics?|words?|articles?|recommend\w*)|rank|rank-?lists?|ranking-?list|"
    r"share|shares|share-?\w{0,12}|sharing|sharedaddy|sharethis|addthis\w*|addtoany\w*|a2a_kit|social|"
    r"social-?\w{0,12}|socials|follow-?us|bdshare\w*|"
    r"tags?|tag-?list|tag-?cloud|taglinks|post-?tags|ads?|ad-?(?:box|slot|unit|wrap|space|area|label|container|"
    r"banner)|advert\w*|adsense|adslot|adsbygoogle|sponsor\w*|"
    r"promo\w*|banner|subscribe\w*|subscription\w*|newsletter\w*|signup|sign-?up|login\w{0,8}|register|popup|"
    r"pop-?up|modal|lightbox-?(?:overlay|modal|container)|cookies?|cookie-?\w*|"
    r"consent\w*|gdpr\w*|paywall\w*|qr-?code\w*|author-?(?:bio|box|info|card|about|profile|desc\w*|block)|"
    r"about-?(?:the-?)?author|bio-?box|byline\w*|"
    r"outbrain\w*|taboola\w*|zergnet|revcontent|feedback|statement|disclaimer|disclosure|print-?only|noprint|"
    r"no-print|visually-?hidden|sr-?only|"
    r"screen-?reader\w*|caption-credit|photo-?credit|image-?credit|prev-?next|post-?nav\w*|interlanguage\w*|"
    r"mw-editsection|navbox|reflist|"
    r"post-?meta|entry-?meta|article-?meta|meta-?data|post-?info|postmeta|dateline|timestamp|cta|call-?to-?action|"
    r"donat\w+|button-wrapper|"
    r"rating-?\w{0,8}|ratings|reactions?|votes?|toast|skip-?links?|jp-relatedposts|wprm-recipe-rating|"
    r"mailchimp\w*|mc4wp\w*|hs-form|infobox-?ad"
)
_LAYOUT = (
    r"sidebar\w{0,2}|side-?bar|aside|left-?nav|right-?rail|left-?rail|rail|footer\w{0,4}|foot|copyright\w*|"
    r"breadcrumbs?|crumbs?|pagination|pager|"
    r"page-?nav|nav|navi|navbar|navigation|subnav|topnav|nav-?\w{0,12}|menu|menu-?\w{0,8}|submenu|toolbar|masthead|"
    r"widget-?area|widget_\w+|widgets|toc|table-?of-?contents|toc-?(?:container|list|wrap\w*)|ez-toc\w*"
)
_COMMENTS = r"comments?|commentlist|comment-?\w{0,8}|disqus\w*|respond|replies|livefyre|fb-comments|discussion"
# The first four letters of all these words: searching for them is far cheaper than the patterns, and mostly enough.
_STEMS = frozenset(
    "rela reco reci read more also next most late rece simi popu tren hot hotn hotl hott hotw hota hotr rank shar "
    "addt a2a soci foll bdsh tag tags "
    "tagc tagl ad ads adve adse adsl adsb adbo adsp spon prom bann subs news sign logi regi popu pop moda ligh "
    "cook cons gdpr payw qr qrco auth abou bio "
    "biob byli outb tabo zerg revc feed stat disc prin nopr no visu sr srot scre capt phot imag prev post inte mw "
    "navb refl entr arti meta date time cta "
    "call dona butt rati reac vote toas skip jp wprm mail mc4w hs info up side asid left righ rail foot copy brea crum "
    "pagi page nav navi nava subn topn menu "
    "subm tool mast widg toc tabl ez comm disq resp repl live fb srot sron addt upne".split()
)
# What stands before or after such a word and makes it a remark about the layout: `has-sidebar`, `sidebar-included`.
_NOT = LazyPattern(
    r"^(?:has|with|no|without|is|show|hide|single|js|data|wp-block|ck|siteorigin)[_-]|(?:included|enabled|"
    r"disabled|open|closed|none|theme\w*|true|false)$"
)
_RESPONSIVE = LazyPattern(r"\S:\S*(?:block|flex|grid|inline)\b")  # Tailwind shows it on wider screens
_BODY = LazyPattern(
    r"(?:^|[\s_-])(?:article[\w-]{0,4}(?:body|content|text|main|detail|con)|post[_-]?(?:body|content|text|entry)|"
    r"entry[_-]?(?:content|body|text)|story[_-]?(?:body|content|text)|(?:body|main)[_-]?(?:content|text|copy)|"
    r"content[_-]?(?:body|main|text|article|detail|views)|news[_-]?(?:content|body|text|txt|detail)|rich[_-]?text|"
    r"markdown-body|article|hentry|blogpost|blog-?content|text_con|txt_con|detail-?content|endtext|arti?body|"
    r"articlebody|vsb_content)(?=\s|$)"
)
_BODY_ROLES = ("articlebody", "article", "main")
_JUNK_TAGS = frozenset(("nav", "footer", "aside", "menu"))
_JUNK_ROLES = frozenset(("navigation", "complementary", "contentinfo", "search", "banner", "alert", "dialog"))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Promise], ...]:
    """Compiled on first use: commands that read no page never need them."""
    kinds = ((_COMMENTS, Promise.COMMENTS), (_OTHER, Promise.OTHER), (_LAYOUT, Promise.LAYOUT))
    return tuple((re.compile(rf"(?:^|[_-])(?:{words})(?=[_-]|$)"), promise) for words, promise in kinds)


@dataclass(frozen=True, slots=True)
class Name:
    """What a box promises, and the word that says so: boxes of one word are believed together or not at all."""

    promise: Promise
    word: str = ""


_NOTHING = Name(Promise.NONE)


def name_of(box: Box) -> Name:
    """What a box says of itself, by tag, role and names; the page itself and its article promise nothing bad."""
    if box.tag in {"html", "body", "article", "main"}:
        return _NOTHING
    named = _name_of(box.names) if box.names else _NOTHING
    if named.promise is Promise.NONE and (box.tag in _JUNK_TAGS or box.role.lower() in _JUNK_ROLES):
        return Name(Promise.LAYOUT, box.role.lower() or box.tag)
    return named


def is_body(box: Box) -> bool:
    """Whether a box says that it holds the article."""
    return box.tag == "article" or box.role.lower() in _BODY_ROLES or bool(box.names and _names_body(box.names))


@lru_cache(maxsize=8192)  # pages give the same few names to most of their boxes
def _name_of(names: str) -> Name:
    tokens = names.split()
    found = [name for token in tokens if (name := _name_of_token(token)).word]
    if "hidden" in tokens and not _RESPONSIVE.search(names):
        found.append(Name(Promise.OTHER, "hidden"))
    if not found or _names_body(names):
        return _NOTHING
    return max(found, key=lambda name: name.promise)


@lru_cache(maxsize=32_768)
def _name_of_token(token: str) -> Name:
    if _STEMS.isdisjoint([part[:4] for part in token.replace("_", "-").split("-")]):
        return _NOTHING
    if ":" in token or _NOT.search(token):
        return _NOTHING
    for pattern, promise in _patterns():
        if match := pattern.search(token):
            return Name(promise, match[0].strip("_-"))
    return _NOTHING


@lru_cache(maxsize=4096)
def _names_body(names: str) -> bool:
    return _BODY.search(names) is not None
