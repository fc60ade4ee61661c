"""What the viewer does through its own forms: re-archive, import, mend and undo, in the archive and in the notes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import pytest
import trio
from viewer_stage import BACK, GONE, NOW, SITES, WEIXIN, Stage, csrf_of, fill, settings_of, staged, write_notes

from crawler.archive import Archive
from crawler.core.model import State
from crawler.core.settings import FetchSettings
from crawler.crawl.context import Context, utc_now
from crawler.crawl.recall import recall
from crawler.report import FORMATS, ReportOptions
from crawler.serve.access import Access
from crawler.serve.app import make_app
from crawler.serve.library import Library
from crawler.serve.tasks import Tasks
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.web import serving

OWN = {"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}


async def act(stage: Stage, page: str, action: str, **fields: str) -> httpx.Response:
    """Post a form of a page, with the secret that stands there."""
    async with stage.client(acting=True, headers=OWN) as client:
        csrf = csrf_of((await client.get(page)).text)
        return await client.post(f"/do/{action}", data={"csrf": csrf, **fields})


async def finished(stage: Stage, answer: httpx.Response) -> str:
    """The page of the task that was started, once it is over."""
    assert answer.status_code == 303, answer.text
    async with stage.client() as client:
        for _ in range(200):
            page = (await client.get(answer.headers["location"])).text
            if "data-again" not in page:
                return page
            await trio.to_thread.run_sync(stage.tasks.close)
    raise AssertionError("the task never ended")


def link_page(url: str) -> str:
    return f"/link?url={quote(url, safe='')}"


async def test_an_archive_that_a_run_holds_is_said_on_the_tasks_page(stage: Stage) -> None:
    with Archive.open(stage.archive, stage.settings.archive, command="run"):
        page = await finished(stage, await act(stage, link_page(WEIXIN), "rearchive", url=WEIXIN))

    assert "is in use by process" in page
    assert "wait until it is through" in page


async def test_a_link_or_note_that_is_unknown_starts_nothing(stage: Stage) -> None:
    link = await act(stage, link_page(WEIXIN), "rearchive", url="https://unknown.example/")
    note = await act(stage, link_page(WEIXIN), "rearchive", note="../../etc/passwd")

    assert link.status_code == note.status_code == 404
    assert stage.tasks.get(1) is None


async def test_a_mend_is_shown_first_written_when_it_is_accepted_and_taken_back_by_file(stage: Stage) -> None:
    note = stage.notes / "2019" / "05-links.md"
    before = note.read_bytes()
    async with stage.client(acting=True, headers=OWN) as client:
        shown = (await client.get("/mend?note=2019/05-links.md")).text
        assert "+[back again](https://blog.example/b)" in shown
        assert note.read_bytes() == before
        digest = shown.split('name="digest" value="')[1].split('"')[0]
        note_name = shown.split('name="note" value="')[1].split('"')[0]
        fields = {"csrf": csrf_of(shown), "note": note_name, "digest": digest}
        written = await client.post("/do/mend", data=fields)
        mended = note.read_bytes()
        done = (await client.get(written.headers["location"])).text
        number = done.split('name="number" value="')[1].split('"')[0]
        again = await client.post("/do/mend", data=fields)
        undone = await client.post("/do/undo", data={"csrf": csrf_of(done), "number": number})
        twice = await client.post("/do/undo", data={"csrf": csrf_of(done), "number": number})

    assert written.status_code == undone.status_code == 303
    assert b"(https://blog.example/b)" in mended
    assert mended.replace(b"https://blog.example/b)", f"{BACK})".encode()) == before
    assert "05-links.md was mended." in done
    assert again.status_code == twice.status_code == 409
    assert note.read_bytes() == before


async def test_a_mend_of_a_note_that_changed_since_is_not_written(stage: Stage) -> None:
    note = stage.notes / "2019" / "05-links.md"
    async with stage.client(acting=True, headers=OWN) as client:
        shown = (await client.get("/mend?note=2019/05-links.md")).text
        digest = shown.split('name="digest" value="')[1].split('"')[0]
        note.write_text(f"new first line\n\n[back again]({BACK})\n", encoding="utf-8")
        fields = {"csrf": csrf_of(shown), "note": "2019/05-links.md", "digest": digest}
        answer = await client.post("/do/mend", data=fields)

    assert answer.status_code == 409
    assert "changed since its mend was shown" in answer.text
    assert BACK in note.read_text(encoding="utf-8")


async def test_an_undo_leaves_a_note_alone_that_was_edited_since(stage: Stage) -> None:
    note = stage.notes / "2019" / "05-links.md"
    async with stage.client(acting=True, headers=OWN) as client:
        shown = (await client.get("/mend?note=2019/05-links.md")).text
        digest = shown.split('name="digest" value="')[1].split('"')[0]
        csrf = csrf_of(shown)
        await client.post("/do/mend", data={"csrf": csrf, "note": "2019/05-links.md", "digest": digest})
        note.write_text("edited by hand", encoding="utf-8")
        answer = await client.post("/do/undo", data={"csrf": csrf, "number": "1"})

    assert answer.status_code == 409
    assert note.read_text(encoding="utf-8") == "edited by hand"


@pytest.mark.parametrize(
    "note", ["/etc/passwd", "../notes/2019/05-links.md", "2019/../2019/05-links.md", "none.md", ""]
)
async def test_only_notes_of_the_catalog_are_mended(stage: Stage, note: str) -> None:
    answer = await act(stage, "/mend", "mend", note=note, digest="0" * 64)

    assert answer.status_code == 409


async def test_with_a_public_address_a_kept_copy_is_offered_for_a_dead_link(tmp_path: Path) -> None:
    with staged(tmp_path, public="https://links.example/") as stage:
        async with stage.client(acting=True) as client:
            page = (await client.get("/mend?note=2019/05-links.md")).text

    assert "+https://links.example/snapshot/2" in page


async def test_nothing_to_import_is_said(stage: Stage) -> None:
    answer = await act(stage, link_page(WEIXIN), "import", url=WEIXIN)

    assert answer.status_code == 400
    assert "no file was sent" in answer.text


async def test_an_upload_that_is_too_large_is_turned_away_unread(stage: Stage) -> None:
    async with stage.client(acting=True, headers=OWN) as client:
        answer = await client.post("/do/import", content=b"x", headers={"Content-Length": str(2**40)})

    assert answer.status_code == 413


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Stage]:
    """A viewer whose links lead to a stand-in web on loopback."""
    prose = "A sentence that was not there before. " * 20
    page = f"<html><title>Alive again</title><article><p>{prose}</p></article>"
    answer = StandInAnswer(body=page.encode())
    plan = StandInPlan(answers={GONE: answer, BACK: answer})
    write_notes(tmp_path / "notes")
    with serving(plan, tmp_path / "ca.pem") as web:
        settings = msgspec.structs.replace(
            settings_of(tmp_path),
            fetch=FetchSettings(resolve=dict(web.resolve), ca_bundle=str(tmp_path / "ca.pem"), retries=0, timeout=2),  # type: ignore[arg-type]
        )
        with Archive.open(tmp_path / "archive", settings.archive) as archive:
            fill(archive)
        library = Library(settings, SITES, (), utc_now)
        tasks = Tasks(library.refresh)
        yield Stage(tmp_path, settings, library, Access(), tasks)
        tasks.close()
        library.close()


@pytest.mark.slow
async def test_a_link_is_rearchived_now_and_its_page_shows_it(live: Stage) -> None:
    page = await finished(live, await act(live, link_page(GONE), "rearchive", url=GONE))
    async with live.client() as client:
        shown = (await client.get(link_page(GONE))).text

    assert "Done." in page
    assert "snapshot" in page
    assert '<span class="badge state-alive">' in shown
    with Archive.open(live.archive, write=False) as archive:
        history = archive.history(GONE)
        assert history is not None
        assert history.state is State.ALIVE
        assert "was not there before" in archive.text(history.snapshot.id if history.snapshot else 0)


def test_an_app_can_be_made_without_tasks_of_its_own(stage: Stage) -> None:
    assert callable(make_app(stage.library, stage.access))


def test_a_public_address_leads_from_reports_to_the_kept_copy(stage: Stage) -> None:
    settings = settings_of(stage.folder, public="https://links.example/")
    with Archive.open(stage.archive, settings.archive, write=False) as archive:
        report = recall(Context(settings, SITES, archive)).report

    offered = {f.link.url: [s.url for s in f.suggestions if s.kind == "snapshot"] for f in report.findings}
    assert offered[GONE] == ["https://links.example/snapshot/2"]
    assert "https://links.example/snapshot/2" in FORMATS["html"].render(report, ReportOptions())
    assert "https://links.example/snapshot/2" in FORMATS["markdown"].render(report, ReportOptions())


SAVED = (
    "<html><head><title>Saved by hand</title></head><body><article><p>"
    + "What I saw myself. " * 30
    + "</p></article></body>"
)


async def test_a_page_that_was_saved_by_hand_becomes_a_snapshot_of_its_link(stage: Stage) -> None:
    async with stage.client(acting=True, headers=OWN) as client:
        csrf = csrf_of((await client.get(link_page(GONE))).text)
        fields = {"csrf": csrf, "url": GONE, "changed": "1700000000000"}
        answer = await client.post("/do/import", data=fields, files={"file": ("../../my <b>page.html", SAVED.encode())})
        task = await finished(stage, answer)
        page = (await client.get(link_page(GONE))).text

    assert "Done." in task
    assert "&lt;b&gt;page.html" in task
    assert "2023-11-14" in page
    assert not list(Path(tempfile.gettempdir()).glob("crawler-import-*/*"))


@pytest.mark.parametrize(
    ("name", "body"),
    [("x.html", b"not html at all"), ("x.wacz", b"PK\x03\x04broken"), ("x.warc.gz", b"\x1f\x8bbroken"), ("x", b"")],
)
async def test_a_file_that_holds_no_page_is_said_and_keeps_nothing(stage: Stage, name: str, body: bytes) -> None:
    async with stage.client(acting=True, headers=OWN) as client:
        csrf = csrf_of((await client.get(link_page(GONE))).text)
        answer = await client.post("/do/import", data={"csrf": csrf, "url": GONE}, files={"file": (name, body)})
        task = await finished(stage, answer)

    assert name in task
    assert "nothing was kept" in task
    assert tempfile.gettempdir() not in task
    with Archive.open(stage.archive, write=False) as archive:
        assert not [capture for capture in archive.captures() if capture.at > NOW - timedelta(days=1)]


async def test_a_persons_word_is_kept_shown_and_taken_back(stage: Stage) -> None:
    marked = await act(stage, link_page(WEIXIN), "mark", url=WEIXIN, word="dead")
    async with stage.client(acting=True) as client:
        page = (await client.get(link_page(WEIXIN))).text
    cleared = await act(stage, link_page(WEIXIN), "mark", url=WEIXIN, word="clear")
    async with stage.client(acting=True) as client:
        after = (await client.get(link_page(WEIXIN))).text

    assert marked.status_code == cleared.status_code == 303
    assert "that it is dead." in page
    assert '<span class="badge state-dead">' in page.split("<h1>")[1].split("iframe")[0]
    assert "that it is dead." not in after


@pytest.mark.parametrize("word", ["", "alive", "<script>"])
async def test_only_the_words_of_the_command_are_taken(stage: Stage, word: str) -> None:
    answer = await act(stage, link_page(WEIXIN), "mark", url=WEIXIN, word=word)

    assert answer.status_code == 400
