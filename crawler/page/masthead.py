"""What names the site in a title, and titles cut there: by Open Graph, by the publisher, by the host, by its place.

Which of a page's titles is the article's is headline's to choose.
"""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.page.blocks import tidy
from crawler.page.document import text_of
from crawler.page.metadata import Head
from crawler.page.titles import letters

LONG_NAME = 5  # letters from which the beginning of a site's name is taken for it: guess
HALF = 0.5  # share of a longer name that a shorter one must have to be taken for it: guess
LONG_LABEL = 4  # letters of a part of a host from which a name may begin with it
MAX_WORDS = 3  # words of such a name
SHORT_LABEL = 3  # letters of a part of a host from which it can be a name
MAX_NAMES = 4  # names of the site in one title
LEFT = 6  # letters that must be left of a title
SECTION_NAME = 20  # letters of a section that stands before the site; guess
SECTION = 12  # letters up to which what stands behind a separator may be longer than what stands before it

# Strong separators cut wherever they stand; weak ones only before a known name: `TCP/IP / UDP`, `Rust: a tour`.
_SEPARATOR = re.compile(
    r"\s*(?:(?<=\s)(?:::|~)(?=\s)|[_|｜–—»«·•]|\s[-－/]\s|\s\[(?=[^\[\]]+\]\Z)|--+|[:：](?!//)|(?<=[\u3000-\u9fff”’》!?])-|-(?=[\u3000-\u9fff]))\s*"
)
_WEAK = frozenset("/:：~[")
_DASHES = frozenset(("-", "－", "–", "—", "•", "--"))
_CALLED = re.compile(
    r"(?i)(?:博客|论坛|社区|频道|新闻|日报|知乎|[\u4e00-\u9fff]网|\bblog|\bnews|\.(?:com|cn|net|org|io|de))\S{0,6}$"
)
_OWNER = re.compile(r"['’]s\Z")
_IN_NAME = re.compile(r"[a-zA-Z\d]_[a-zA-Z\d]")
_LATIN = re.compile(r"[a-z0-9]+")
# What an editor writes where its user wrote nothing, and an address: no titles.
NO_TITLE = re.compile(
    r"(?i)\s*(?:untitled(?:[ -](?:document|page))?(?:[ -]?\d+)?|new page(?: \d+)?|document|loading(?:\.\.\.|…)?|"
    r"(?:react|vite|vue|next) app|create next app|vite \+ \w+(?: \+ ts)?|无标题(?:文档|页)?|新建网页 ?\d*|"
    r"加载中(?:\.\.\.|…)?|https?://\S+)\s*\Z"
)
_HOMES = ("/", "./", "../", "/index.html")  # of links to a site's first page
MAX_HOMES = 5  # such links that are asked for its name
MAX_NAME = 100  # characters of one
_PLAIN_ADDRESS = re.compile(r"[\w./:-]+")
# What forums and blogs call the place of an article, before its title.
_PLACES = frozenset(("viewtopic", "viewthread", "blogarchive", "查看主题", "查看帖子", "查看文章"))
_PLAIN_NAMES = frozenset("home homepage index welcome untitled blog blogs news magazine forum forums".split())
_GENERIC = _PLAIN_NAMES | frozenset(
    "the a an and of our my online journal daily inc ltd llc com org net site wiki docs documentation".split()
)


@lru_cache(maxsize=64)  # the few titles of one page are compared again and again
def folded(text: str) -> str:
    """A title's `letters`, by which two spellings of it are compared."""
    return letters(text)


def parts(title: str) -> list[str]:
    """A title's parts between separators; weak ones part nothing."""
    edges = [0, *(edge for cut in _strong(title) for edge in cut.span()), len(title)]
    return [title[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]


def ends(title: str) -> tuple[list[str], list[str]]:
    """What stands before, and what behind, each of a title's separators."""
    cuts = _strong(title)
    return [title[: cut.start()] for cut in cuts], [title[cut.end() :] for cut in cuts]


@lru_cache(maxsize=64)  # likewise
def _cuts(title: str) -> tuple[re.Match[str], ...]:
    return tuple(match for match in _SEPARATOR.finditer(title) if match.start() and match.end() < len(title))


def _strong(title: str) -> list[re.Match[str]]:
    return [cut for cut in _cuts(title) if not _is_weak(cut)]


def _is_weak(cut: re.Match[str]) -> bool:
    """Whether a separator is also what words are made of: it parts nothing by itself."""
    sign = cut[0].strip()
    return sign in _WEAK or (sign == "_" and _IN_NAME.match(cut.string, cut.start() - 1) is not None)


def is_home_link(node: LexborNode) -> bool:
    """Whether this links to the site's first page."""
    return node.tag == "a" and (node.attributes.get("href") or "").strip() in _HOMES


def home_names(tree: LexborHTMLParser, host: str) -> list[str]:
    """What links to the site's first page say."""
    homes = [*_HOMES, *(f"{scheme}://{host}{slash}" for scheme in ("https", "http") for slash in ("/", ""))]
    links = tree.css(", ".join(f'a[href="{home}"]' for home in homes if _PLAIN_ADDRESS.fullmatch(home)))
    return [tidy(text_of(link, limit=MAX_NAME)) for link in links[:MAX_HOMES]]


class Masthead:
    """The names of one page's site; more are added as they are found. `host` is a name, perhaps with a port."""

    def __init__(self, head: Head, host: str) -> None:
        publisher = head.data.get("publisher")
        called = head.first("og:site_name")
        names = [called if called != head.first("og:title") else "", head.first("application-name", "al:ios:app_name")]
        if isinstance(publisher, dict) and isinstance(publisher.get("name"), str):
            names.append(publisher["name"])
        self._host = host.lower().removeprefix("www.").partition(":")[0]
        labels = self._host.split(".")
        self._labels = [same for label in labels[:-1] if len(same := folded(label)) >= SHORT_LABEL]
        self._names = {same for name in (*names, self._host, *labels[:-1][-2:]) if len(same := folded(name)) > 1}
        self._parts = {same for name in names for part in parts(name) if len(same := folded(part)) >= LONG_NAME}

    def add(self, name: str) -> None:
        """One more name."""
        self._names.add(folded(name))

    def learn(self, title: str, declared: list[str]) -> None:
        """The name that `<title>` has before or behind a title that is declared without one."""
        for known in (title for title in declared if not self.is_name(title)):
            cuts = _strong(title)
            if cuts and folded(title[: cuts[-1].start()]) == folded(known):
                self.add(title[cuts[-1].end() :])
            elif cuts and folded(title[cuts[0].end() :]) == folded(known):
                self.add(title[: cuts[0].start()])

    def learn_home(self, name: str, title: str, declared: list[str]) -> None:
        """The name of a link to the site's first page, where it is the whole `<title>` or a part of it."""
        same, said = folded(name), [folded(part) for part in parts(title)]
        whole = said == [same] and same not in map(folded, declared)
        if len(same) > 1 and (whole or (same in said and set(said) != {same})):
            self.add(name)

    def is_name(self, text: str) -> bool:
        """Whether this is the site and no title: a name of it, the half of one or more, or the host in words."""
        key = folded(text)
        if key in self._names or key in self._parts or key in _PLACES or self._is_host(text):
            return True
        if len(key) < LONG_NAME:
            return False
        return any(
            (name.startswith(key) and len(key) >= HALF * len(name))
            or (len(name) >= LONG_NAME and key.startswith(name) and key[len(name) :] in _GENERIC)
            for name in self._names
        )

    def _is_host(self, text: str) -> bool:
        """Whether a name is that of the host, spelled with spaces, shortened, or by its initials."""
        if not text.isascii():
            return False
        words = [word for word in _LATIN.findall(text.lower()) if word not in _GENERIC]
        name, initials = "".join(words), "".join(word[0] for word in words)
        if not name and not _PLAIN_NAMES.isdisjoint(_LATIN.findall(text.lower())):
            return True
        return any(
            name == label
            or initials == label
            or (HALF * len(label) <= len(name) >= SHORT_LABEL and label.startswith(name))
            or (HALF * len(label) <= len(name) >= SHORT_LABEL and label.endswith(name))
            for label in self._labels
        )

    def _begins(self, part: str, *, owner: bool = False) -> bool:
        """Whether a part of a title begins with the host's name, and says no more than a word or two: its section.

        An `owner`'s name has an 's: what opens a title is as often its subject.
        """
        words = part.lower().split()
        for count in range(1, min(len(words), MAX_WORDS + 1)):
            name, possessive = _OWNER.subn("", "".join(words[:count]))
            if len(name) >= LONG_LABEL and folded(name) in self._labels and len(words) <= count + 2:
                return bool(possessive) or not owner
        return False

    def cut(self, title: str) -> str:
        """The title without its last and first parts, where those are names of the site."""
        for _ in range(MAX_NAMES):
            shorter = self._cut_once(title)
            if shorter == title:
                break
            title = shorter
        return title

    def _cut_once(self, title: str) -> str:
        cuts = _cuts(title)
        for place, cut in enumerate(cuts):
            part = title[cut.end() : cuts[place + 1].start() if place + 1 < len(cuts) else len(title)]
            weak = _is_weak(cut)
            if not place and cuts[1:] and self.is_name(title[: cut.start()]):
                continue  # two names before the article's part
            if self.is_name(title[cut.end() :]) or (not weak and (self.is_name(part) or self._begins(part))):
                return title[: cut.start()].strip()
        first = title[: cuts[0].start()] if cuts and not _is_weak(cuts[0]) else ""
        if first and (self.is_name(first) or self._begins(first, owner=True)):
            return title[cuts[0].end() :].strip()
        if self._host and title.lower().startswith(f"{self._host} "):
            return title[len(self._host) :].strip()
        return title


def without_section(title: str, site: Masthead, *, sure: bool = False) -> str:
    """A title without what its last parts add: section and site, shorter than what stands before them.

    Of one that is `sure` to be the article's, dashes cut nothing but what calls itself a site.
    """
    shorter = site.cut(title)
    behind = _SEPARATOR.match(title, len(shorter)) if title.startswith(shorter) else None
    cuts = _cuts(shorter)
    for cut in cuts[-3:]:
        before, after = shorter[: cut.start()], shorter[cut.end() :]
        sign = cut[0].strip()
        section = behind is not None and behind[0] == cut[0] and len(after) <= SECTION_NAME and sign not in _DASHES
        if section and len(before) >= LEFT:
            return before
        if _is_weak(cut):
            continue
        if _CALLED.search(after):
            return before
        if sign in _DASHES and (sure or shorter != title):
            continue
        if len(before) >= LEFT and len(after) <= max(len(before), SECTION):
            return before
    return shorter
