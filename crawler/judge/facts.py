"""One answer as the rules of a site file see it: the asked URL's kind and IDs, and what is read off the page.

Everything is found once, when a rule first asks. Nothing here decides anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from crawler.core.model import Fetch, Link
from crawler.core.url import normalize
from crawler.page.document import Document, text_of
from crawler.page.values import read_value, select
from crawler.sites import Site

FIRST = 400  # visible characters in which a wording counts: bodies of articles quote what error pages say
MAX_ELEMENTS = 20  # looked at for one selector; an error zone has one or two
MAX_TEXT = 2_000  # characters of one element that wordings are looked for in; notices have under 200
SHORT = 800  # visible characters below which the whole page counts as notice

_SPACES = re.compile(r"\s+")


def fold(text: str) -> str:
    """How wordings are compared: width, case and white space do not count, 帐 is 账."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold().replace("帐", "账")


class Facts:
    """What one fetch of one link of a site says."""

    def __init__(self, link: Link, fetch: Fetch, document: Document, site: Site) -> None:
        self.link = link
        self.fetch = fetch
        self.document = document
        self.site = site
        self._values: dict[str, str] = {}
        # What was asked for is what the last request asked for (an article's account may have moved); a short link of
        # another host tells it only by where it led.
        self.kind, self.ids = site.asked(link.fetch_url)
        if not self.kind and not site.owns(link.host):
            self.kind, self.ids = site.asked(fetch.final_url)

    @cached_property
    def final_url(self) -> str:
        """Where the answer came from, in normal form."""
        try:
            return normalize(self.fetch.final_url or self.fetch.url)
        except ValueError:
            return self.fetch.final_url

    @cached_property
    def zone(self) -> list[tuple[str, str]]:
        """(selector, text) of every element of the error zone that says something."""
        return [(css, text) for css in self.site.file.error_zone for text in self.texts(css)]

    @cached_property
    def visible(self) -> str:
        """What a reader sees, without what the site file calls hidden."""
        hidden = self.site.file.hidden
        for selector in hidden:
            select(self.document, selector)  # a bad selector is our error, said clearly
        return self.document.visible_text(None, hidden)

    @cached_property
    def visible_characters(self) -> int:
        """How many visible characters there are, white space not counted."""
        return len(_SPACES.sub("", self.visible))

    @cached_property
    def beginning(self) -> str:
        """The visible text in which a notice may be looked for, folded."""
        short = self.visible_characters < SHORT
        return fold(self.visible if short else self.visible[:FIRST])

    def texts(self, selector: str) -> list[str]:
        """The non-empty texts of the elements that a selector finds."""
        nodes = select(self.document, selector)[:MAX_ELEMENTS]
        return [text for node in nodes if (text := text_of(node, limit=MAX_TEXT))]

    def value(self, name: str) -> str:
        """A named value or page field, "" where the page does not say it."""
        if name not in self._values:
            self._values[name] = read_value(self.document, self.site.sources(name), self.ids)
        return self._values[name]


def wording_in(text: str, wordings: Iterable[str]) -> str:
    """The first wording that a text contains, "" for none."""
    folded = fold(text)
    return next((wording for wording in wordings if fold(wording) in folded), "")
