"""What one answer means: its bytes read and judged, as one call that a reader process can run.

Pure functions of an answer and the site rules. Which process runs them is `readers`'s, what was asked `checker`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.archive.warc import sha256
from crawler.core.model import Confidence, Evidence, Fetch, Link, Page, Proof, State, Verdict
from crawler.crawl.tasks import PAGE_STATES, Depth, PageContent, PageReading, ProbeTask, ReadTask
from crawler.judge import judge
from crawler.judge.probe import judge_probe
from crawler.judge.refresh import refresh_target
from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.readable import readable_html
from crawler.schedule.fingerprint import COMPARED, fingerprint

if TYPE_CHECKING:
    from crawler.sites import Site, Sites

WORTH_READING = (State.ALIVE, State.UNKNOWN, State.SUSPECT)
SENDS_ON = (State.ALIVE, State.UNKNOWN)  # a wall's or a notice's refresh is not followed
CONTENT = 200  # visible characters from which a page that refreshes in a circle is a page (guess)
TOO_COMPLEX = "too-complex"


def read(task: ReadTask, sites: Sites) -> PageReading:
    """Read and judge one answer."""
    document, page, verdict = examine(task.link, task.fetched, sites, task.accept, task.depth, anyway=task.anyway)
    readable, payload = "", ""
    if task.depth is Depth.PAGE and task.recorded and task.fetched.body:
        payload = sha256(task.fetched.body)
    if task.depth is Depth.PAGE and (page.html or page.text) and page.digest != task.known_digest:
        readable = readable_html(page, task.fetched.final_url, task.at)
    target = refresh_target(task.fetched, document) if verdict.state in SENDS_ON else None
    shows = target is not None and len(document.visible_text(CONTENT)) >= CONTENT
    said = said_by(task.fetched, document)
    page = replace(page, text="", images=()) if task.depth is Depth.VERDICT else page
    return PageReading(replace(page, html=""), verdict, readable, target or "", shows, said, payload)


def with_records(task: ReadTask, found: PageReading) -> PageReading:
    """The reading with the records of its page, where that will be kept as a new one and it is known where.

    Apart from `read`, since what it costs to pack a page says nothing of the page.
    """
    leads_on = found.refresh or found.verdict.follow
    is_new = found.payload and found.page.digest != task.known_digest
    if task.segment is None or leads_on or not is_new or found.verdict.state not in PAGE_STATES:
        return found
    from crawler.archive.packing import pack  # a check that keeps nothing does without

    content = PageContent(task.link, task.at, task.fetched, found.page, found.readable)
    return replace(found, packed=pack(content, task.segment, found.payload))


def said_by(fetched: Fetch, document: Document) -> str:
    """The fingerprint of an answer."""
    if not document.body or not document.is_html:
        return fingerprint(fetched, "", "")
    return fingerprint(fetched, document.title, document.visible_text(COMPARED))


def compare_probe(task: ProbeTask) -> Verdict | None:
    """The verdict where an answer is like that of a sibling that cannot exist; None where that proves nothing."""
    return judge_probe(task.fetched, document_of(task.fetched), task.probe, document_of(task.probe))


def too_complex(task: ReadTask, sites: Sites, why: str) -> PageReading:
    """What is known of an answer that could not be read within the limits: what its status alone says."""
    unread = replace(task.fetched, body=b"")
    verdict = judge(task.link, unread, document_of(unread), site_of(task.link, unread, sites), task.accept)
    status = task.fetched.status
    if status is None or status < 300 or verdict.state not in (State.DEAD, State.BLOCKED):
        evidence = Evidence(
            rule=f"reader/{TOO_COMPLEX}", http_status=status, final_url=task.fetched.final_url,
            redirects=task.fetched.redirects, error=why, proof=Proof.CLIENT,
        )  # fmt: skip
        verdict = Verdict(State.UNKNOWN, TOO_COMPLEX, Confidence.LOW, evidence)
    return PageReading(Page(), verdict)


def examine(
    link: Link,
    fetched: Fetch,
    sites: Sites,
    accept: tuple[int, ...] = (),
    depth: Depth = Depth.PAGE,
    *,
    anyway: bool = False,
) -> tuple[Document, Page, Verdict]:
    """The parsed answer, its page and its verdict; the page is read only where there is one, or `anyway`."""
    document = document_of(fetched)
    site = site_of(link, fetched, sites)
    verdict = judge(link, fetched, document, site, accept)
    worth_reading = fetched.body and (anyway or verdict.state in WORTH_READING)
    page = read_page(document, site, fetched.final_url, whole=depth is not Depth.HEAD) if worth_reading else Page()
    if page.limited and not verdict.evidence.limited:
        verdict = replace(verdict, evidence=replace(verdict.evidence, limited=page.limited))
    return document, page, verdict


def site_of(link: Link, fetched: Fetch, sites: Sites) -> Site | None:
    """The site whose rules judge an answer: the asked one's, else (a short link, say) that of where it ended."""
    return sites.for_url(link.fetch_url) or sites.for_url(fetched.final_url)


def document_of(fetched: Fetch) -> Document:
    """The body of an answer, ready to be parsed once."""
    return Document(fetched.body, fetched.header("content-type"), fetched.final_url)
