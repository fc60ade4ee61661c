"""Whatever the web and the notes say, every format stays what it is."""

import json
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from samples import NOW, RUN
from test_html import Outline

from crawler.core.model import Evidence, History, Kind, Link, Occurrence, Redirect, State
from crawler.core.results import Change, ChangeKind, Report, Suggestion
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions

SHARP = [
    "\x1b[31m",
    "\x9b",
    "\u202e",
    "<",
    ">",
    "&",
    '"',
    "'",
    "|",
    "`",
    "]](",
    "{{",
    "{%",
    "::",
    ",",
    "%0A",
    "\n",
    "\r",
    "]]>",
]
SHARP += [
    "-->",
    "</script>",
    "<!--",
    "javascript:",
    "https://",
    "//",
    "\\",
    "\ud800",
    "\x00",
    "\ufffe",
    "微信",
    "👩‍💻",
    "[bold]",
    "\t",
]
TEXT = st.lists(
    st.one_of(st.sampled_from(SHARP), st.text(st.characters(codec=None, exclude_categories=()), max_size=6))
)
HOSTILE = TEXT.map("".join)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    url, path, title, said = draw(HOSTILE), draw(HOSTILE), draw(HOSTILE), draw(HOSTILE)
    state = draw(st.sampled_from(State))
    place = Occurrence(path or "a.md", 3, 2, url, url, Kind.BARE, title, 0, len(url))
    written = Link(url, url, url, "other", "h", "h", (place,))
    evidence = Evidence("r", said, 200, url, (Redirect(301, url),), said, said, said)
    history = History(
        url,
        NOW,
        state=state,
        reason="not-found",
        evidence=evidence,
        checked_at=NOW,
        page_title=title,
        title_match=0.1,
        moved_to=url or None,
        previous_state=State.SUSPECT,
        changed_at=NOW,
    )
    return build_report(
        RUN,
        [written],
        {url: history},
        NOW,
        suggestions={url: [Suggestion("wayback", url, NOW)]},
        changes=[Change(ChangeKind.TITLE_CHANGED, url, NOW, title, said)],
        overdue=[url],
    )


@settings(max_examples=60)
@given(reports())
def test_every_format_keeps_its_grammar(report: Report) -> None:
    texts = {name: format_.render(report, ReportOptions(verbose=True)) for name, format_ in FORMATS.items()}
    for name, text in texts.items():
        assert not [c for c in text if c in "\x1b\x9b\u202e\x00\x07\r" or "\ud800" <= c <= "\udfff"], name
    for name in ("json", "sarif", "rdjson"):
        json.loads(texts[name])
    for name in ("junit", "atom"):
        ET.fromstring(texts[name])
    assert Outline(texts["html"]).open == []
    assert [line.count("\t") for line in texts["tsv"].split("\n")[:-1]] == [4]
    assert all(line.startswith(("::error ", "::warning ")) for line in texts["github"].splitlines())
