"""The morning after: a link died, and a message says so and what was saved of it; a night without news is quiet."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, StandInRequest, redirect
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

TEXT = ("第一段说的是山里的旧邮局。", "第二段说邮局每周只开一天。", "第三段说信都由一只狗送。")
ARTICLE = Article("https://mp.weixin.qq.com/s/NewsNewsNewsNewsNews_1", "山里的邮局", "甲", TEXT, account="山里")
BLOG = Article("https://blog.example/post", "A post", "Ann", ("Words about the sea.",) * 4, "Blog")


def next_second() -> None:
    """Reports count in whole seconds, and nights are further apart than that."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.01)


@contextmanager
def chat() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A chat service on loopback, as Apprise's json:// speaks to one."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"json://user:s3cr3t-t0ken@127.0.0.1:{server.server_port}/hook", got
        finally:
            server.shutdown()
            thread.join()


def test_a_death_in_the_night_is_a_message_and_a_quiet_night_is_none(
    staged: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[bool] = []

    def article(_: StandInRequest) -> bytes:
        return pages.weixin_notice("该内容已被发布者删除") if gone else pages.weixin_article(ARTICLE)

    plan = StandInPlan({ARTICLE.url: StandInAnswer(article), BLOG.url: StandInAnswer(pages.blog_article(BLOG))})
    with chat() as (address, got):
        monkeypatch.setenv("LINKS_CHAT", address)
        stage = staged(plan, {"notify": {"urls": ["env:LINKS_CHAT"]}, "report": {"formats": ["html"]}})
        stage.note("mountains.md", f"山里的邮局 {ARTICLE.url}\n\n[A post]({BLOG.url})\n")
        first = stage.crawler("run", "--quiet")
        assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
        assert got == []  # all is well
        gone.append(True)
        second = stage.crawler("run", "--all", "--quiet")
        assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
        next_second()
        third = stage.crawler("run", "--all", "--quiet")
        assert (third.returncode, third.stdout, third.stderr) == (0, "", "")
        (message,) = got
        # Reports count in whole seconds: where both runs fell into one, what the first kept is counted with the second.
        assert message["title"] in ("Link health: 1 died", "Link health: 1 died, 1 kept")
        for part in (ARTICLE.url, "deleted by its author", "mountains.md:1:", "saved: your copy of", "report.html"):
            assert part in message["message"]
        week = stage.crawler("report", "--since", "7d", "--notify")
        assert week.returncode == 0
        assert "1 died, 2 kept" in week.stdout
        assert "s3cr3t" not in week.stdout + week.stderr
        assert len(got) == 2
    page = (stage.folder / "archive" / "report.html").read_text(encoding="utf-8")
    assert "Died in the last 7 days (1)" in page
    assert "s3cr3t" not in page


def test_a_permanent_move_is_told_once_and_in_the_week(staged: Callable[..., Stage]) -> None:
    moved = Article("https://blog.example/new/post", BLOG.title, BLOG.author, BLOG.paragraphs, "Blog")
    plan = StandInPlan(
        {
            BLOG.url: redirect(moved.url, 301),
            moved.url: StandInAnswer(pages.blog_article(moved)),
        }
    )
    stage = staged(plan)
    stage.note("sea.md", f"[A post]({BLOG.url})\n")
    first = stage.report("run")
    assert [change["kind"] for change in first.whole["changes"]] == ["moved"]
    assert stage.report("run", "--all").whole["changes"] == []
    week = stage.crawler("report", "--since", "7d", "--format", "terminal")
    assert f"→ {moved.url}" in week.stdout
