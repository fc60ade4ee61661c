"""The step summary of a check: what an edit adds or breaks, in the words of a pull request.

Findings with a link to their line and what to do stand first; links that are in order are one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crawler.core.marker import MARKDOWN_MARK
from crawler.core.model import State
from crawler.core.results import Report
from crawler.report.advice import to_do
from crawler.report.annotations import Level, level_of
from crawler.report.document import readable_document
from crawler.report.figures import number
from crawler.report.markup import bullets, escaped, lines_of, linked, place_links, small, table_of, titled
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart
from crawler.report.phrases import evidence, offers, warnings
from crawler.report.reasons import reason_name
from crawler.report.words import Language, in_language, words

MAX_ROWS = 100  # of one table; GitHub drops a summary of more than 1 MiB whole
MAX_PLACES = 5  # of one link


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWords:
    """The phrases of a review; templates in braces take the named values."""

    title: str
    nothing: str
    fine: str
    found: str
    errors: str
    doubts: str
    to_do: str
    unasked: str
    no_memory: str


_ENGLISH = ReviewWords(
    title="Links of this edit",
    nothing="This edit adds no links, and breaks none.",
    fine="Links that this edit adds or breaks: {links}. All of them are fine.",
    found="Links that this edit adds or breaks: {links}. To be mended: {errors}; worth a look in your browser: "
    "{doubts}; fine: {alive}.",
    errors="To be mended",
    doubts="Worth a look",
    to_do="what to do",
    unasked="Not reached in the time of this check: {count}. That says nothing of them.",
    no_memory="There was no archive, so nothing was known of these links: each was asked now, for the first time.",
)
_CHINESE = ReviewWords(
    title="本次修改中的链接",
    nothing="本次修改没有添加链接，也没有弄断链接。",
    fine="本次修改添加或影响的链接：{links} 个，全部正常。",
    found="本次修改添加或影响的链接：{links} 个。需要改正 {errors} 个，请用浏览器看看 {doubts} 个，正常 {alive} 个。",
    errors="需要改正",
    doubts="请看一看",
    to_do="怎么办",
    unasked="本次检查没有来得及查看 {count} 个链接，这不说明它们有问题。",
    no_memory="没有找到存档，此前对这些链接一无所知：每个链接都是现在第一次查看。",
)


def review_words(language: Language) -> ReviewWords:
    """The phrases of one language."""
    return in_language(language, _ENGLISH, _CHINESE)


def render(report: Report, options: ReportOptions) -> str:
    """The summary as Markdown; short where there is little to say."""
    document = readable_document(report, whole=False)
    say, language = review_words(options.language), options.language
    links = [(link, level_of(link.state, options)) for link in document.links]
    errors = [link for link, level in links if level is Level.ERROR]
    doubts = [link for link, level in links if level is Level.WARNING]
    total, unasked = sum(document.counts.values()), document.counts[State.UNCHECKED]
    sentence = say.found if errors or doubts else say.fine if total else say.nothing
    blocks = [
        MARKDOWN_MARK,
        f"## {say.title}",
        sentence.format(
            links=number(total), errors=number(len(errors)), doubts=number(len(doubts)),
            alive=number(document.counts[State.ALIVE]),
        ),
        *_findings(say.errors, errors, options),
        *_findings(say.doubts, doubts, options),
        say.unasked.format(count=number(unasked)) if unasked else "",
        say.no_memory if total and not options.remembered else "",
        bullets(map(escaped, warnings(document.run, language))),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


def _findings(title: str, links: Sequence[LinkPart], options: ReportOptions) -> list[str]:
    if not links:
        return []
    say = words(options.language)
    rows = [_row(link, options) for link in links[:MAX_ROWS]]
    head = [say.places, say.links, say.reason, review_words(options.language).to_do]
    left = len(links) - len(rows)
    return [f"### {title}", table_of(head, rows), *([say.more.format(count=number(left))] if left else [])]


def _row(link: LinkPart, options: ReportOptions) -> Sequence[str]:
    say = words(options.language)
    why = [
        f"{escaped(say.states[link.state])}: {escaped(reason_name(link.reason, options.language))}",
        small(evidence(link)),
    ]
    copies = [linked(say.suggestion[offer.kind], offer.url) for offer in offers(link)]
    return (
        lines_of(place_links(link.occurrences, MAX_PLACES, options)),
        titled(link),
        lines_of(why),
        lines_of([escaped(to_do(link, options.language)), *copies]),
    )
