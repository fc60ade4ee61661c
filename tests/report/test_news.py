"""What a webhook is told."""

import json
from dataclasses import replace

from samples import NOW, RUN, dead_weixin, empty_report, full_report, link, living_report

from crawler.crawl.results import build_report
from crawler.report.news import MAX_LINKS, news_document


def test_no_news_is_no_document() -> None:
    assert news_document(empty_report()) == b""
    assert news_document(living_report()) == b""


def test_the_news_tells_changes_with_their_links_and_one_line_for_people() -> None:
    news = json.loads(news_document(full_report()))
    assert news["schema"] == "crawler.news/1"
    assert news["text"] == (
        "Links: 2 newly dead, 1 back from the dead, 1 title changed, 1 unknown messages, 1 sites that refused us"
    )
    assert {change["kind"] for change in news["changes"]} == {"newly-dead", "back-from-the-dead", "title-changed"}
    assert news["links"][0]["site"] == "weixin"
    assert "s3cr3t" not in json.dumps(news)


def test_a_flood_of_news_is_capped() -> None:
    _, history = dead_weixin()
    links = [link(f"https://a/{i}", "other") for i in range(MAX_LINKS + 5)]
    report = build_report(RUN, links, {w.url: replace(history, canonical_url=w.url) for w in links}, NOW)
    news = json.loads(news_document(report))
    assert (len(news["changes"]), len(news["links"])) == (MAX_LINKS + 5, MAX_LINKS)
