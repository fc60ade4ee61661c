"""A site's own rows, in order: the first whose conditions all hold decides.

The order of the file is the order of SITES: walls, proof of the asked content, notices of the error zone. What no row
knows is said to be unknown, with the words of the error zone, so that people hear of new notices. Site knowledge is in
config/sites, not here.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace

from crawler.core.errors import ConfigError
from crawler.core.model import State, Verdict
from crawler.core.url import join, without_fragment
from crawler.judge.conditions import TELLING, Tried, tried
from crawler.judge.facts import Facts
from crawler.judge.verdicts import verdict
from crawler.page.values import fill
from crawler.sites import Site
from crawler.sites.schema import FieldSource, Rule
from crawler.sites.steps import compiled


def judge_by_rows(facts: Facts) -> Verdict | None:
    """The verdict of the first row that holds, None where none does."""
    for row in facts.site.rows:
        checks = []
        for check in tried(row, facts):
            checks.append(check)
            if not check.holds:
                break
        else:
            return row_verdict(row, facts, checks)
    return None


def row_verdict(row: Rule, facts: Facts, checks: list[Tried]) -> Verdict:
    """What a row says whose conditions all hold."""
    telling = [check.saw for key in TELLING for check in checks if check.condition == key]
    found = verdict(
        facts.fetch,
        State(row.state),
        row.reason,
        f"{facts.site.name}/{row.id}",
        "; ".join(telling or [check.saw for check in checks]),
        confidence=row.confidence,
        limited=_limited(row, facts),
        follow=_followed(row, facts),
    )
    return replace(found, confirm_looks=row.confirm_looks)


def unknown_page(facts: Facts) -> Verdict:
    """What a 2xx page of a site with rows is when no row knows it."""
    rule = f"{facts.site.name}/none"
    if facts.zone:
        notice = " | ".join(dict.fromkeys(text for _, text in facts.zone))
        matched = f"{facts.zone[0][0]}: {facts.zone[0][1]}"
        return verdict(facts.fetch, State.UNKNOWN, "unseen-notice", rule, matched, notice=notice)
    if not facts.document.body.strip():
        return verdict(facts.fetch, State.UNKNOWN, "empty-page", rule)
    if not facts.document.is_html:
        return verdict(facts.fetch, State.UNKNOWN, "not-html", rule, facts.document.content_type)
    return verdict(facts.fetch, State.UNKNOWN, "no-rule-matched", rule)


def _limited(row: Rule, facts: Facts) -> str:
    """Why only a part is shown, and how much of it there is."""
    if not row.limited:
        return ""
    shown = len("".join(facts.value("text").split()))
    return f"{row.limited}: {shown} characters visible"


def _followed(row: Rule, facts: Facts) -> str | None:
    """The article to look at instead; None where the page names none that may be followed."""
    raw = html.unescape(facts.value(row.follow)) if row.follow else ""
    if not raw:
        return None
    try:
        url = without_fragment(join(facts.final_url, raw))
    except ValueError:
        return None
    allowed = compiled(facts.site.file.follow_only).fullmatch(url)
    return url if allowed and url != without_fragment(facts.final_url) else None


def check_site(site: Site) -> None:
    """Try every regex and selector of a site file. Raises ConfigError naming file, place and pattern."""
    _check_regex(site, "follow_only", site.file.follow_only)
    for css in (*site.file.error_zone, *site.file.hidden):
        _check_selector(site, "error_zone or hidden", css)
    for number, row in enumerate(site.rows, 1):
        _check_row(site, f"[[row]] {number} ({row.id})", row)
    for table, sources in (("value", site.values), ("page", site.page)):
        for name, listed in sources.items():
            for source in listed:
                _check_source(site, f"[{table}] {name}", source)


def _check_row(site: Site, where: str, row: Rule) -> None:
    for pattern in (row.asked_url, row.final_url, *row.header.values(), *row.matches.values()):
        _check_regex(site, where, pattern)
    for css in (*row.has, *row.lacks, *row.says):
        _check_selector(site, where, css)
    known = {*site.values, *site.page}
    names = (*row.equals, *row.differs, *row.matches, *row.filled, *row.empty, *filter(None, [row.follow]))
    for name in names:
        if name not in known:
            raise ConfigError(f"{site.name}.toml: {where}: no [value] and no [page] field is named {name!r}")
    kinds = {kind.name for kind in site.file.kind}
    for kind in row.kind:
        if kind not in kinds:
            raise ConfigError(f"{site.name}.toml: {where}: no [[kind]] is named {kind!r}")
    for status in row.status:
        if not re.fullmatch(r"[1-9](?:\d\d|xx)", str(status)):
            raise ConfigError(f"{site.name}.toml: {where}: key 'status': {status!r} is neither 404 nor \"4xx\"")


def _check_source(site: Site, where: str, source: FieldSource) -> None:
    for css in (source.css, source.json, *source.drop):
        _check_selector(site, where, css)
    for pattern in (source.pick, *source.strip):
        _check_regex(site, where, pattern)
    if source.pick and not compiled(source.pick).groups:
        raise ConfigError(f"{site.name}.toml: {where}: key 'pick': {source.pick!r} has no group")


def _check_selector(site: Site, where: str, css: str) -> None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # only commands that judge get here

    ids = {name: "1" for kind in site.file.kind for name in compiled(kind.url).groupindex}
    try:
        LexborHTMLParser("").css(fill(css, ids) or "a")
    except SelectolaxError:
        raise ConfigError(f"{site.name}.toml: {where}: bad selector {css!r}; it must be plain CSS") from None


def _check_regex(site: Site, where: str, pattern: str) -> None:
    try:
        compiled(pattern)
    except re.error as error:
        raise ConfigError(f"{site.name}.toml: {where}: bad regex {pattern!r}: {error}") from None
