"""The report as an HTML file that asks for nothing: styles, script, charts and data are all inside.

The page is written whole for readers without JavaScript (counts, charts, news, the dead and the suspects); its script
then takes the list over, with every link from the data block, for filter and sort. A list that is too long for one file
goes on in further ones, what needs attention first. Markup lives in templates/, how rows are shared out in
`html_pages`, and only what the template is given lives here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import quote

import jinja2
import msgspec
from markupsafe import Markup

from crawler.core.counts import Counted
from crawler.core.display import clipped
from crawler.core.marker import HTML_MARK
from crawler.core.model import LOCAL, State
from crawler.core.results import Report
from crawler.report.charts import Years, dead_by_year, health, years_of
from crawler.report.clean import file_link, web_link
from crawler.report.code_spans import in_html
from crawler.report.digest import make_digest, saved
from crawler.report.digest_words import digest_words
from crawler.report.document import readable_document, readable_links
from crawler.report.elsewhere import BY_ADDRESS, PLACES, looked_for, query, without_secrets
from crawler.report.figures import day, minute
from crawler.report.figures import number as show
from crawler.report.html_pages import LIMIT, Rows, data_block, first_page_link, page_file
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart, OccurrencePart, ReportDocument, SuggestionPart
from crawler.report.phrases import (
    about_rounds,
    about_run,
    attention,
    evidence,
    in_state,
    judgement,
    kept,
    memory,
    name,
    news,
    offer_label,
    offers,
    other_news,
    sites_by_weight,
    warnings,
    with_other_title,
)
from crawler.report.reasons import reason_name
from crawler.report.words import Words, words

MAX_WRITTEN = 500  # links written into the page itself; the script shows all
WEEK = timedelta(days=7)
MAX_NEWS = 25  # of each kind; the list below has them all
MAX_PLACES = 1_000  # of one link
MAX_TEXT = 300  # characters of a title or of evidence
SORTS = ("order", "site", "path", "year", "checked", "title")


def render(report: Report, options: ReportOptions) -> str:
    """The first page, in the language of `options`; it says what is left out of a list too long for one file."""
    *_, (_, (text,)) = pages(report, replace(options, page_name=""))
    return text


def pages(report: Report, options: ReportOptions) -> Iterator[tuple[int, Sequence[str]]]:
    """Number and text of each page, the first one last; without `page_name` it is the only one."""
    say, rows, years = words(options.language), Rows(), Years()
    with closing(rows):
        for link in readable_links(report):
            rows.add(link, row(link, options))
            years.count(link)
        page = _Page(report, options, rows.reasons, years)
        pieces = rows.pieces(LIMIT - len(page.text(1, (), "").encode()))
        total, after = sum(piece.rows for piece in pieces), 0
        of = len(pieces) if options.page_name else 1
        for number in range(of, 0, -1):
            here = pieces[number - 1].rows
            about = ""
            if of > 1:
                figures = {"first": total - after - here + 1, "last": total - after, "all": total}
                about = say.pages.format(page=number, pages=of, **{k: show(v) for k, v in figures.items()})
            elif len(pieces) > 1:
                about = say.left_out.format(count=Counted(total - here))
            yield number, [page.text(number, rows.of(pieces[number - 1]), about, of)]
            after += here


class _Page:
    """What the pages of one report are made from. Those after the first hold the list alone."""

    def __init__(self, report: Report, options: ReportOptions, reasons: set[str], years: Years) -> None:
        self.options, self.say = options, words(options.language)
        self.document = readable_document(report, whole=False)
        self.reasons, self.years = reasons, years

    def text(self, number: int, rows: Iterable[bytes], about: str, of: int = 1) -> str:
        """The page of this number, of so many, with these rows; `about` is what it says of them."""
        options, say, document = self.options, self.say, self.document
        style, script = asset("report.css"), asset("report.js")
        total = sum(document.counts.values())
        files = [(n, "" if n == number else quote(page_file(options.page_name, n))) for n in range(1, of + 1)]
        return template("report.html").render(
            mark=Markup(HTML_MARK),  # noqa: S704 - a constant
            policy=content_policy(style, script),
            style=Markup(style),  # noqa: S704 - ours, from the package
            script=Markup(script),  # noqa: S704 - ours, from the package
            data=Markup(data_block(rows, _data(self.reasons, options, say))),  # noqa: S704 - escaped there
            language={"en": "en", "zh": "zh-Hans"}[options.language],
            say=say,
            states=list(State),
            document=document,
            total=total,
            generated=minute(document.generated_at),
            sites=_sites(document),
            sorts=SORTS,
            number=show,
            blank=TableRow(s=0, r="", w="", u="", p=[], h="#"),
            address=address,
            searches=lambda shown: found_elsewhere(shown, say),
            reason_name=lambda slug: reason_name(slug, options.language),
            clean=total and not document.counts[State.DEAD] and document.run.network == "ok",
            most=MAX_WRITTEN,
            about_list=about,
            neighbours=files if of > 1 else [],
            further=number > 1,
            first_page=Markup(first_page_link(options.page_name)),  # noqa: S704 - quoted there
            **(self._first() if number == 1 else NOT_FIRST),
        )

    def _first(self) -> dict[str, object]:
        """What stands on the first page alone."""
        options, say, document = self.options, self.say, self.document
        warned = warnings(document.run, options.language)  # they head the page, and do not stand there twice
        charts = (
            (say.health, say.health_note, health(document.trend, say)),
            (say.dead_by_year, say.dead_by_year_note, dead_by_year(self.years, say)),
        )
        return {
            "week": _week(document, options),
            "news": _news(document),
            "other_news": [line for line in other_news(document, options.language) if line not in warned],
            "charts": [(title, note, chart) for title, note, chart in charts if chart is not None],
            "written": [row(link, options) for link in _to_act_on(document)[:MAX_WRITTEN]],
            "differing": [(row(link, options), link) for link in with_other_title(document)],
            "notices": document.new_notices,
            "about": about_run(document.run, options.language)[:1] + about_rounds(document, options.language),
            "warnings": [*warned, *attention(document, options.language)],
        }


NOT_FIRST: Mapping[str, object] = MappingProxyType(
    {"week": {"dead": ()}}
    | dict.fromkeys(("news", "other_news", "charts", "written", "differing", "notices", "about", "warnings"), ())
)


class Place(msgspec.Struct, omit_defaults=True):
    """Where a link is written: `p` path and line, `h` its address where notes have one."""

    p: str
    h: str = ""


class Offer(msgspec.Struct, omit_defaults=True):
    """Something to read instead: `t` what it is, `h` its address."""

    t: str
    h: str = ""


class TableRow(msgspec.Struct, omit_defaults=True):
    """One link as the page shows it; names are short because a page holds 25,000 of them."""

    s: int  # state, by its rank
    r: str  # reason slug
    w: str  # site
    u: str  # URL
    p: list[Place]
    t: str = ""  # title
    h: str = ""  # address that a browser may follow, where it is not `u`; "#" for none
    e: str = ""  # evidence
    m: str = ""  # what is remembered
    j: str = ""  # what that proves, and what would settle it
    k: str = ""  # the kept capture
    o: list[Offer] = []
    q: list[str] = []  # words and addresses to look for elsewhere
    # Where: ten times the place's rank, plus the index in `q`; 9 is the row's own address, 8 its title.
    f: list[int] = []
    c: str = ""  # day of the last check
    y: str = ""  # years of the notes


def row(link: LinkPart, options: ReportOptions) -> TableRow:
    """What the page shows of a link; of a living one no more than its title, address and places."""
    target = web_link(link.url)
    made = TableRow(
        s=list(State).index(link.state),
        r=link.reason,
        w=link.site,
        u=link.url,
        p=_places(link, options),
        t=clipped(name(link), MAX_TEXT) if name(link) != link.url else "",
        h="" if target == link.url else target or "#",
        c=day(link.checked_at) if link.checked_at else "",
        y=" ".join(sorted(years_of(link))),
    )
    if link.state in (State.ALIVE, State.UNCHECKED):
        return made
    made.e = clipped(evidence(link), MAX_TEXT)
    made.m = memory(link, options.language)
    made.j = judgement(link, options.language)
    made.k = kept(link, options.language) if link.site != LOCAL else ""
    say = words(options.language)
    made.o = [_offer(offer, say) for offer in offers(link)]
    made.q, made.f = _searches(link, made)
    return made


def address(shown: TableRow) -> str:
    """Where a click on the row leads; "" for nowhere."""
    return "" if shown.h == "#" else shown.h or shown.u


def _places(link: LinkPart, options: ReportOptions) -> list[Place]:
    places = [_place(o, options) for o in link.occurrences[:MAX_PLACES]]
    if left := len(link.occurrences) - len(places):
        places.append(Place(words(options.language).more.format(count=show(left))))
    return places


def _place(occurrence: OccurrencePart, options: ReportOptions) -> Place:
    text = f"{occurrence.path}:{occurrence.line}"
    if not options.notes_url:
        return Place(text)
    address = options.notes_url + file_link(occurrence.path).removeprefix("./")
    return Place(text, f"{address}#L{occurrence.line}")


def _offer(offer: SuggestionPart, say: Words) -> Offer:
    label = offer_label(offer, say)
    relative = ":" not in offer.url and not offer.url.startswith(("/", "\\"))
    return Offer(label, web_link(offer.url) or (file_link(offer.url) if relative else ""))


OWN_ADDRESS, OWN_TITLE = 9, 8


def _searches(link: LinkPart, shown: TableRow) -> tuple[list[str], list[int]]:
    """Search addresses without what many of them share, since a page may hold 25,000 dead links."""
    wanted: list[str] = []
    places = []
    for found in link.searches:
        words = looked_for(found)
        own = {without_secrets(shown.u): OWN_ADDRESS, shown.t: OWN_TITLE}
        if words not in own and words not in wanted:
            wanted.append(words)
        where = own[words] if words in own else wanted.index(words)
        places.append(10 * list(PLACES).index(found.name) + where)
    return wanted, places


def found_elsewhere(shown: TableRow, say: Words) -> list[Offer]:
    """The search addresses of a row, put together as the page's script does it."""
    places = list(PLACES.items())
    found = []
    for code in shown.f:
        rank, where = divmod(code, 10)
        name, (before, behind) = places[rank]
        words = {OWN_ADDRESS: without_secrets(shown.u), OWN_TITLE: shown.t}.get(where) or shown.q[where]
        sent = words if name in BY_ADDRESS else query(words)
        found.append(Offer(say.searches[name], f"{before}{sent}{behind}"))
    return found


def _to_act_on(document: ReportDocument) -> Sequence[LinkPart]:
    return in_state(document, State.DEAD) + in_state(document, State.SUSPECT)


def _week(document: ReportDocument, options: ReportOptions) -> dict[str, object]:
    """What died in the last days: the first of them with what was saved of each."""
    say = digest_words(options.language)
    died = make_digest(document, document.generated_at - WEEK).died
    return {
        "title": say.week,
        "count": len(died),
        "dead": [(row(link, options), saved(link, options.language)) for link in died[:MAX_NEWS]],
        "to_do": say.to_do,
        "steps": [("crawler show URL --text", say.steps["read"]), ("crawler fix", say.steps["fix"])],
    }


def _sites(document: ReportDocument) -> list[tuple[str, dict[State, int], int]]:
    return [
        (site, counts, sum(counts.values()))
        for site in sites_by_weight(document)
        for counts in (document.by_site[site],)
    ]


def _news(document: ReportDocument) -> list[dict[str, object]]:
    """Each kind of news with its first lines: what the link is called, its address, and the turn it took."""
    return [
        {
            "kind": kind,
            "count": len(changes),
            "lines": [
                {
                    "name": clipped(name(link) if link else change.canonical_url, MAX_TEXT),
                    "href": web_link(link.url if link else change.canonical_url),
                    "before": change.before,
                    "after": change.after,
                    "moved": web_link(change.after),
                }
                for change, link in changes[:MAX_NEWS]
            ],
        }
        for kind, changes in news(document)
    ]


def _data(reasons: set[str], options: ReportOptions, say: Words) -> dict[str, object]:
    """What the page's script needs beside the rows."""
    return {
        "states": [[state.value, say.states[state]] for state in State],
        "reasons": {slug: reason_name(slug, options.language) for slug in sorted(reasons)},
        "words": {"shown": say.shown, "none": say.no_match, "search": say.search},
        "places": [[say.searches[name], *around, name in BY_ADDRESS] for name, around in PLACES.items()],
    }


def content_policy(style: str, script: str = "") -> str:
    """Nothing is loaded from anywhere; only this style and this script, by their digests, take effect."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def asset(file: str) -> str:
    """A file of templates/, as it is."""
    return files("crawler.report").joinpath("templates", file).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """A page of templates/, with autoescape."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crawler.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = in_html
    return environment.get_template(name)
