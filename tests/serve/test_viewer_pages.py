"""What the viewer's pages show: every address, every filter, in both languages."""

from __future__ import annotations

import re
import string
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from viewer_stage import GONE, LOOSE, NOW, SECRET, SPEECH, WALL, WEIXIN, Stage, check_of

import crawler.serve
from crawler.archive import Archive
from crawler.core.model import State
from crawler.serve.phrases import PHRASES

ATOM = "{http://www.w3.org/2005/Atom}"
EVERY = (
    "/", "/?days=30", "/?days=365", "/notes", "/notes?order=path", "/notes?order=newest", "/notes?q=odd",
    "/notes/2019/05-links.md", "/links", "/links?state=dead", "/links?state=dead,alive&order=title",
    f"/link?url={quote(GONE, safe='')}", f"/link?url={quote(WEIXIN, safe='')}&snapshot=1", "/search", "/search?q=语音",
    "/snapshot/1", "/snapshot/1/text", "/snapshot/1/raw", "/snapshot/1/picture/1",
    f"/diff?url={quote(WEIXIN, safe='')}", "/runs", "/waiting", "/feed.xml", "/health", "/mend", "/static/app.css",
)  # fmt: skip


async def get(stage: Stage, address: str, **options: Any) -> str:
    async with stage.client(**options) as client:
        answer = await client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:400]}"
    return answer.text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("address", EVERY)
async def test_every_address_answers_in_both_languages(stage: Stage, address: str, language: str) -> None:
    async with stage.client(cookies={"lang": language}) as client:
        answer = await client.get(address)
        head = await client.head(address)

    assert answer.status_code == head.status_code == 200
    assert head.content == b""


@pytest.mark.parametrize(
    "address",
    [
        "/nothing", "/notes/none.md", "/notes/../../etc/passwd", "/notes/%2e%2e/%2e%2e/etc/passwd",
        "/notes//etc/passwd",
        "/link", "/link?url=", "/link?url=https://unknown.example/", "/link?url=javascript:alert(1)",
        "/link?url=%00", "/snapshot/999", "/snapshot/0", "/snapshot/-1", "/snapshot/abc", "/snapshot/1/other",
        "/snapshot/99999999999999999999999", "/snapshot/1/picture/9", "/snapshot/1/picture/0", "/snapshot/2/picture/1",
        f"/diff?url={quote(WEIXIN, safe='')}&from=99&to=1", f"/diff?url={quote(WEIXIN, safe='')}&from=x", "/diff",
        f"/link?url={quote(WEIXIN, safe='')}&snapshot=999", "/static/none.js", "/static/../app.py",
        "/static/..%2fapp.py", "/task/1", "/do/rearchive", "/health/", "/links/",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_404(stage: Stage, address: str) -> None:
    async with stage.client() as client:
        answer = await client.get(address)

    assert answer.status_code in (404, 405) if address.startswith("/do/") else answer.status_code == 404
    assert "Traceback" not in answer.text


async def test_the_start_page_tells_what_died_what_came_back_and_what_was_saved(stage: Stage) -> None:
    page = await get(stage, "/")

    died, rest = page.split('<h2><span class="count">1</span> Died</h2>')[1].split("Came back</h2>")
    returned = rest.split("Saved</h2>")[0]
    assert "一篇消失的文章" in died
    assert "back again" in returned
    assert "语音识别入门" in rest.split("Saved</h2>")[1]
    assert "The time budget ran out" in page
    assert re.search(r'href="/links\?state=dead"><span class="figure">3</span>', page)


async def test_links_that_stand_in_no_note_are_listed_when_they_are_asked_for(stage: Stage) -> None:
    assert "By hand" not in await get(stage, "/links")
    assert "By hand" in await get(stage, "/links?note=none")
    assert "By hand" in await get(stage, "/links?q=only-by-hand")
    assert "stands in no note" in await get(stage, "/")
    assert "kept by hand" in await get(stage, "/snapshot/4/text")
    assert "It stands in no note." in await get(stage, f"/link?url={quote(LOOSE, safe='')}")


@pytest.mark.parametrize(
    ("query", "wanted", "other"),
    [
        ("state=dead", "一篇消失的文章", "back again"),
        ("state=alive&state=dead", "back again", "forum.example"),
        ("site=weixin", "语音识别入门", "一篇消失的文章"),
        ("reason=captcha", "forum.example", "语音识别入门"),
        ("note=2019/05-links.md", "一篇消失的文章", "forum.example"),
        ("note=2019/", "一篇消失的文章", "forum.example"),
        ("year=2024", "forum.example", "back again"),
        ("year=none", "new.example", "back again"),
        ("q=消失", "一篇消失的文章", "back again"),
        ("q=BLOG.example 2019 back", "back again", "一篇消失的文章"),
        ("days=7", "一篇消失的文章", "语音识别入门"),
        ("kept=yes", "语音识别入门", "forum.example"),
        ("kept=no", "forum.example", "语音识别入门"),
    ],
)
async def test_filters_leave_what_they_say(stage: Stage, query: str, wanted: str, other: str) -> None:
    listed = (await get(stage, f"/links?{query}")).split('id="results"')[1]

    assert wanted in listed
    assert other not in listed


@pytest.mark.parametrize(
    "query", ["state=none-such", "site=x", "year=1", "reason=%27%22", "note=/etc/passwd", "q=zz-zz"]
)
async def test_an_unknown_value_of_a_filter_leaves_nothing(stage: Stage, query: str) -> None:
    assert "No link matches these filters." in await get(stage, f"/links?{query}")


@pytest.mark.parametrize("page", ["0", "-1", "x", "2", "999999999999999999999999", "1e9", "%00", ""])
async def test_a_page_that_does_not_exist_is_the_nearest_one(stage: Stage, page: str) -> None:
    assert "一篇消失的文章" in await get(stage, f"/links?page={page}")


async def test_lists_are_paged_and_pages_keep_the_filters(tmp_path: object, stage: Stage) -> None:
    many = "\n\n".join(f"https://many.example/{n:03d}" for n in range(120))
    (stage.notes / "many.md").write_text(many, encoding="utf-8")
    stage.library.refresh()

    first = await get(stage, "/links?q=many.example")
    second = await get(stage, "/links?q=many.example&page=2")

    assert "Page 1 of 3" in first
    assert '<a rel="next" href="/links?q=many.example&amp;page=2">' in first
    assert "many.example/049" in first
    assert "many.example/050" in second
    assert "many.example/049" not in second.split('id="results"')[1]


async def test_a_notes_page_lists_its_links_in_their_order(stage: Stage) -> None:
    page = await get(stage, "/notes/2019/05-links.md")

    assert page.index("一篇消失的文章") < page.index("back again") < page.index("语音识别入门")
    assert "line 3" in page


async def test_a_note_whose_name_needs_escaping_is_reached_from_the_list(stage: Stage) -> None:
    listed = await get(stage, "/notes?order=path")
    address = f"/notes/{quote('名字 with space & <b>.md')}"

    assert f'href="{address}"' in listed
    assert "new.example/never-checked" in await get(stage, address)


async def test_the_page_of_a_dead_link_says_what_was_seen_what_it_proves_and_what_it_said(stage: Stage) -> None:
    page = await get(stage, f"/link?url={quote(GONE, safe='')}")

    assert "gone (410)" in page
    assert "Matched: 410" in page
    assert "says that it has no such page" in page
    assert "Nothing more is needed." in page
    assert '<iframe src="/snapshot/2"' in page
    assert "2024-01-02-odd.md" in page
    assert "kept notice" in page


async def test_a_link_is_found_by_its_address_as_written_and_by_its_identity(stage: Stage) -> None:
    page = await get(stage, f"/link?url={quote(WEIXIN + '?scene=21#wechat_redirect', safe='')}")

    assert "语音识别入门" in page


async def test_a_link_that_was_never_checked_has_a_page(stage: Stage) -> None:
    page = await get(stage, f"/link?url={quote('https://new.example/never-checked', safe='')}")

    assert "it was not asked for" in page
    assert "Nothing was kept of this link." in page


async def test_secrets_of_sharers_are_never_shown(stage: Stage) -> None:
    shown = [
        await get(stage, address) for address in ("/links", "/notes/2024-01-02-odd.md", "/feed.xml", "/search?q=ticket")
    ]
    shown.append(await get(stage, f"/link?url={quote(SECRET, safe='')}"))

    assert "Ticket" in shown[0]
    assert not any("SECRET-TICKET" in page for page in shown[:4])
    assert "SECRET-TICKET" not in shown[4].split("<main")[1].split("<footer")[0]


async def test_search_marks_the_words_that_it_found(stage: Stage) -> None:
    page = await get(stage, "/search?q=语音识别")

    assert "<mark>语音识别</mark>" in page
    assert "1 page found" in page
    assert "Nothing found." in await get(stage, "/search?q=不在其中的词")


async def test_search_also_names_links_of_which_nothing_was_kept(stage: Stage) -> None:
    assert "new.example/never-checked" in await get(stage, "/search?q=never-checked")


async def test_a_search_that_asks_for_an_impossible_date_says_so(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/search?q=after:soon")

    assert answer.status_code == 400
    assert "is no date" in answer.text


async def test_two_snapshots_are_compared_by_sentence(stage: Stage) -> None:
    page = await get(stage, f"/diff?url={quote(WEIXIN, safe='')}")

    assert "<del>第二句是旧的。</del>" in page
    assert "<ins>第二句是新的。</ins>" in page
    assert "sentences unchanged" in page


async def test_a_link_with_one_snapshot_has_nothing_to_compare(stage: Stage) -> None:
    assert "needs two snapshots" in await get(stage, f"/diff?url={quote(LOOSE, safe='')}")


async def test_text_and_raw_bytes_are_handed_out_as_they_were_kept(stage: Stage) -> None:
    async with stage.client() as client:
        text = await client.get("/snapshot/1/text")
        raw = await client.get("/snapshot/1/raw")

    assert text.text == SPEECH
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert SPEECH.encode() in raw.content
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"] == 'attachment; filename="snapshot-1.html"'


async def test_runs_tell_what_kept_them_from_being_whole(stage: Stage) -> None:
    page = await get(stage, "/runs")

    assert "incomplete" in page
    assert "forum.example refused us (captcha) and was left alone; 12 of its links wait for the next run." in page
    assert page.index("2026-01-18") < page.index("2025-12-21")


async def test_what_would_help_names_walls_and_what_waits_too_long(stage: Stage) -> None:
    page = await get(stage, "/waiting")

    assert "Refused us" in page
    assert "forum.example" in page
    assert "crawler import FILE --url ADDRESS" in page
    assert "Overdue" in page


async def test_the_feed_of_a_filter_holds_its_changes_and_leads_to_the_viewer(stage: Stage) -> None:
    feed = ET.fromstring(await get(stage, "/feed.xml?state=dead"))
    entries = feed.findall(f"{ATOM}entry")

    assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["dead: 一篇消失的文章"]
    links = {link.get("rel"): link.get("href") for link in entries[0].findall(f"{ATOM}link")}
    assert links == {"alternate": f"http://127.0.0.1:8765/link?url={quote(GONE, safe='')}", "via": GONE}
    assert len(ET.fromstring(await get(stage, "/feed.xml")).findall(f"{ATOM}entry")) == 2


async def test_health_is_what_monitors_expect(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/health")

    assert answer.json() == {"ok": True}


async def test_what_a_run_writes_is_seen_while_the_viewer_is_up(stage: Stage) -> None:
    assert "forum.example" not in await get(stage, "/links?state=dead")
    with Archive.open(stage.archive, stage.settings.archive, now=lambda: NOW) as archive:
        archive.record([check_of(WALL, state=State.DEAD, reason="gone", previous=State.BLOCKED, changed=NOW)])
        listed = await get(stage, "/links?state=dead")

    assert "forum.example" in listed


async def test_a_note_that_is_written_while_the_viewer_is_up_is_seen(stage: Stage) -> None:
    (stage.notes / "fresh.md").write_text("https://fresh.example/\n", encoding="utf-8")
    stage.library.refresh()

    assert "fresh.example" in await get(stage, "/links")


async def test_the_language_is_the_readers_then_the_configurations_then_the_browsers(stage: Stage) -> None:
    assert '<html lang="en">' in await get(stage, "/")
    assert '<html lang="zh-Hans">' in await get(stage, "/", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert '<html lang="zh-Hans">' in await get(stage, "/?lang=zh")
    assert '<html lang="en">' in await get(stage, "/", headers={"Accept-Language": "zh-CN"}, cookies={"lang": "en"})


async def test_theme_and_language_are_chosen_without_a_script(stage: Stage) -> None:
    async with stage.client(follow_redirects=True) as client:
        page = await client.get("/set?theme=dark&lang=zh&next=/links?state=dead")
        again = await client.get("/set?theme=auto&next=/")

    assert str(page.url).endswith("/links?state=dead")
    assert 'data-theme="dark"' in page.text
    assert 'lang="zh-Hans"' in page.text
    assert "data-theme" not in again.text


def test_every_phrase_has_both_languages_with_the_same_places() -> None:
    for key, (english, chinese) in PHRASES.items():
        assert english
        assert chinese
        places = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert places[0] == places[1], key


def test_every_phrase_is_used_and_none_is_missing() -> None:
    folder = Path(crawler.serve.__file__).parent
    files = [file for file in folder.rglob("*") if file.suffix in (".py", ".html") and file.name != "phrases.py"]
    source = "".join(file.read_text(encoding="utf-8") for file in files).replace("'", '"')
    asked = {key for key in re.findall(r'say\("([a-z_0-9]+)"', source) if not key.endswith("_")}
    stems = set(re.findall(r'"([a-z]+_)"', source)) | {key[:-2] for key in re.findall(r'"([a-z]+_%d)"', source)}

    assert asked <= set(PHRASES)
    unused = {key for key in PHRASES if f'"{key}"' not in source and not any(key.startswith(s) for s in stems)}
    assert unused <= {"died_none", "came_back_none", "saved_none"}
