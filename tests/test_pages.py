"""Hand-made pages in the real markup of each site; the name of a page's folder is the assertion.

    tests/pages/SITE/STATE-REASON[-VARIANT]/page.html    (or page.json, page.pdf, …)
    tests/pages/SITE/STATE-REASON[-VARIANT]/check.toml    how it was fetched and what else must be true, all optional:

url, status, final_url, redirects = [{status, url}], headers = {}; title, author, published, text_contains, text_lacks,
limited, notice, follow, rule, charset, image. The folder's check.toml is laid over tests/pages/SITE/check.toml.
"""

import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crawler.core.model import Fetch, Link, Redirect, Verdict
from crawler.judge import check_site, explain, judge
from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.values import read_fragments, read_value
from crawler.sites import FieldSource, Site, load_sites
from crawler.sites.schema import Rule

HERE = Path(__file__).parent
PAGES = HERE / "pages"
SITES = load_sites(
    (p.name, tomllib.loads(p.read_text("utf-8"))) for p in sorted((HERE.parent / "config" / "sites").glob("*.toml"))
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
}
FOLDERS = sorted(p for p in PAGES.glob("*/*") if p.is_dir())
WORDINGS = ("notice", "title", "visible", "markup")


@dataclass(frozen=True)
class Case:
    """One fixture, ready to be judged."""

    folder: Path
    link: Link
    fetch: Fetch
    content_type: str
    expected: dict[str, Any]

    def document(self) -> Document:
        return Document(self.fetch.body, self.content_type, self.fetch.final_url)

    def judged_by(self, site: Site | None) -> Verdict:
        return judge(self.link, self.fetch, self.document(), site)


def case_of(folder: Path) -> Case:
    check: dict[str, Any] = {}
    for file in (folder.parent / "check.toml", folder / "check.toml"):
        if file.exists():
            check |= tomllib.loads(file.read_text("utf-8"))
    page = next(folder.glob("page.*"))
    identity = SITES.identify(check["url"])
    link = Link(identity.url, identity.canonical_url, identity.fetch_url, identity.site, identity.host, identity.slot)
    headers = {"Content-Type": TYPES[page.suffix], **check.get("headers", {})}
    fetch = Fetch(
        url=link.fetch_url,
        final_url=check.get("final_url", link.fetch_url),
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
        status=check.get("status", 200),
        redirects=tuple(Redirect(r["status"], r["url"]) for r in check.get("redirects", ())),
        headers=tuple(headers.items()),
        body=page.read_bytes(),
    )
    return Case(folder, link, fetch, headers["Content-Type"], check)


CASES = {f"{folder.parent.name}/{folder.name}": case_of(folder) for folder in FOLDERS}


def site_of(case: Case) -> Site | None:
    return SITES.for_url(case.link.fetch_url)


def is_as_named(folder: Path, verdict: Verdict) -> bool:
    named = f"{verdict.state.value}-{verdict.reason}"
    return folder.name == named or folder.name.startswith(f"{named}-")


def problems_of(case: Case, verdict: Verdict) -> list[str]:
    """What is not as the fixture says; verdict facts only."""
    evidence, said = verdict.evidence, case.expected
    found = [] if is_as_named(case.folder, verdict) else [f"{verdict.state.value}-{verdict.reason}"]
    parts = [key for key in ("limited", "notice") if key in said and said[key] not in getattr(evidence, key)]
    found += [f"{key}: {getattr(evidence, key)!r}" for key in parts]
    if "limited" not in said and evidence.limited:
        found.append(f"limited: {evidence.limited!r}")
    if said.get("follow") != verdict.follow:
        found.append(f"follow: {verdict.follow}")
    if "rule" in said and evidence.rule != said["rule"]:
        found.append(f"rule: {evidence.rule}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_page_is_what_its_folder_says(name: str) -> None:
    case = CASES[name]
    assert problems_of(case, case.judged_by(site_of(case))) == []


@pytest.mark.parametrize("name", CASES)
def test_every_verdict_carries_its_evidence(name: str) -> None:
    case = CASES[name]
    evidence = case.judged_by(site_of(case)).evidence
    assert evidence.rule
    assert evidence.http_status == case.fetch.status
    assert evidence.final_url == case.fetch.final_url
    assert "\n" not in evidence.matched


FIELDS = ("title", "author", "published", "text_contains", "text_lacks", "charset", "image")


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if any(f in case.expected for f in FIELDS)])
def test_a_page_is_read_as_its_folder_says(name: str) -> None:
    case = CASES[name]
    page = read_page(case.document(), site_of(case), case.fetch.final_url)
    for field in ("title", "author", "published", "charset"):
        if field in case.expected:
            assert getattr(page, field) == case.expected[field], field
    for wanted in case.expected.get("text_contains", ()):
        assert wanted in page.text
    for unwanted in case.expected.get("text_lacks", ()):
        assert unwanted not in page.text
    if "image" in case.expected:
        assert case.expected["image"] in page.images


@pytest.mark.parametrize(
    ("site", "field", "source"),
    [(site.name, field, source) for site in SITES for field, sources in site.page.items() for source in sources],
    ids=lambda value: value if isinstance(value, str) else value.css or value.meta or value.key or value.path,
)
def test_every_source_of_a_shipped_site_file_finds_something_on_some_page(
    site: str, field: str, source: FieldSource
) -> None:
    def finds(case: Case) -> bool:
        ids = SITES.by_name[site].asked(case.fetch.final_url)[1]
        read = read_fragments if field == "text" else read_value
        return bool(read(case.document(), (source,), ids))

    assert any(finds(case) for case in CASES.values() if case.link.site == site)


@pytest.mark.parametrize("name", CASES)
def test_explain_shows_the_rule_that_judged(name: str) -> None:
    case = CASES[name]
    site = site_of(case)
    verdict = case.judged_by(site)
    hits = [step.rule for step in explain(case.link, case.fetch, case.document(), site) if step.hit]
    by_rule = site is not None and verdict.evidence.rule in {f"{site.name}/{rule.id}" for rule in site.rules}
    assert hits == ([verdict.evidence.rule] if by_rule else [])


# --- mutations: what no page needs is not there ----------------------------------------------------------------------

RULED_BY: dict[str, list[Case]] = {}
for _case in CASES.values():
    RULED_BY.setdefault(_case.judged_by(site_of(_case)).evidence.rule, []).append(_case)


def with_rules(site: Site, rules: list[Rule]) -> Site:
    return replace(site, file=msgspec.structs.replace(site.file, rule=tuple(rules)))


def some_page_fails(rule: str, mutant: Site) -> bool:
    """Whether a page is judged otherwise, or only by the general rules, which know no site's own notices."""
    verdicts = [(case, case.judged_by(mutant)) for case in RULED_BY.get(rule, ())]
    return any(problems_of(case, v) or v.evidence.rule.startswith("generic/") for case, v in verdicts)


@pytest.mark.parametrize(("name", "rule_id"), [(s.name, r.id) for s in SITES for r in s.rules])
def test_without_a_rule_some_page_is_misjudged(name: str, rule_id: str) -> None:
    site = SITES.by_name[name]
    mutant = with_rules(site, [rule for rule in site.rules if rule.id != rule_id])
    assert some_page_fails(f"{name}/{rule_id}", mutant)


def wordings() -> list[tuple[str, str, str, str]]:
    return [(s.name, r.id, key, w) for s in SITES for r in s.rules for key in WORDINGS for w in getattr(r, key)]


@pytest.mark.parametrize(("name", "rule_id", "key", "wording"), wordings())
def test_without_a_wording_some_page_is_misjudged(name: str, rule_id: str, key: str, wording: str) -> None:
    site = SITES.by_name[name]

    def without(rule: Rule) -> Rule:
        if rule.id != rule_id:
            return rule
        # An empty list would be no condition at all: leave a wording that no page has.
        kept = tuple(w for w in getattr(rule, key) if w != wording) or ("\0",)
        return msgspec.structs.replace(rule, **{key: kept})

    assert some_page_fails(f"{name}/{rule_id}", with_rules(site, [without(rule) for rule in site.rules]))


@pytest.mark.parametrize("site", list(SITES), ids=lambda s: s.name)
def test_every_pattern_and_selector_of_a_shipped_site_file_can_be_used(site: Site) -> None:
    check_site(site)
