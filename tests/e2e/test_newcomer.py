"""`crawler demo` as a newcomer types it: every fate of the scene is seen for what it is, twice, within seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.testing import scene

pytestmark = pytest.mark.slow

SHORT, BLOG, NOTEBOOK = scene.SHORT, scene.BLOG, scene.NOTEBOOK

DEAD = {
    f"{SHORT}whisperSmall": "deleted-by-author",
    f"{SHORT}marketingTlk": "removed-for-violation",
    "https://zhuanlan.zhihu.com/p/600100201": "not-found",
    "https://papers.example/2016/dataset": "gone",
    "/images/alignment.png": "missing-file",
}
SUSPECT = {
    f"{NOTEBOOK}/2021/tokenizer": "redirected-to-home",
    f"{NOTEBOOK}/2022/small-models": "soft-404",
    "https://mirror.example/datasets/paper.html": "timeout",
    "https://closed-lab.example/": "connection-refused",
    "https://self-signed.example/guide": "tls-error",
}
BLOCKED = {
    f"{SHORT}walledByCapt": "captcha",
    "https://zhuanlan.zhihu.com/p/600100202": None,  # the wall's name is the site file's business
    "https://www.zhihu.com/collection/600100500": "login-required",
    "https://members.example/t/4711": "forbidden",
}
UNKNOWN = {f"{SHORT}newNoticeTxt": None}
LOST = {scene.SPEECH.url: "deleted-by-author"}  # in the last act
LIVING = 13


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(work folder, what was printed) of one demonstration."""
    folder = tmp_path_factory.mktemp("newcomer")
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "demo"], cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder / "crawler-demo", done.stdout.decode("utf-8")


@pytest.fixture(scope="module")
def links(demo: tuple[Path, str]) -> dict[str, dict[str, object]]:
    report = json.loads((demo[0] / "report.json").read_text(encoding="utf-8"))
    return {link["url"]: link for link in report["links"]}


@pytest.mark.parametrize(
    ("url", "state", "reason"),
    [
        (url, state, reason)
        for state, fates in (("dead", DEAD | LOST), ("suspect", SUSPECT), ("blocked", BLOCKED), ("unknown", UNKNOWN))
        for url, reason in fates.items()
    ],
)
def test_each_broken_link_is_seen_for_what_it_is(
    links: dict[str, dict[str, object]], url: str, state: str, reason: str | None
) -> None:
    assert links[url]["state"] == state
    assert reason in {None, links[url]["reason"]}


def test_all_others_are_alive(links: dict[str, dict[str, object]]) -> None:
    assert sum(link["state"] == "alive" for link in links.values()) == LIVING
    assert len(links) == LIVING + len(DEAD) + len(LOST) + len(SUSPECT) + len(BLOCKED) + len(UNKNOWN)


def test_facts_beside_the_state_are_told(links: dict[str, dict[str, object]]) -> None:
    moved = links[f"{BLOG}/posts/attention-from-scratch"]
    changed_hands = links[f"{SHORT}changedHands"]

    assert moved["moved_to"] == f"{BLOG}/2024/attention-from-scratch/"
    assert changed_hands["page_title"] == "春季茶叶团购，前一百名送茶杯"
    assert isinstance(changed_hands["title_match"], float)
    assert changed_hands["title_match"] < 0.5
    assert links["http://old-lab.example/~li/pinyin.html"]["page_title"] == "拼音输入法的历史"
    assert links[scene.LONG + "#wechat_redirect"]["page_title"] == "2020年的声学模型综述"


def test_the_second_run_asks_next_to_nothing(demo: tuple[Path, str]) -> None:
    told = [line for line in demo[1].splitlines() if "was asked" in line]

    assert len(told) == 2
    assert "was asked 0 times" in told[1]


def test_the_article_that_is_lost_before_our_eyes_is_still_there(
    demo: tuple[Path, str], links: dict[str, dict[str, object]]
) -> None:
    assert scene.SPEECH.paragraphs[1] in demo[1]
    snapshot = links[scene.SPEECH.url]["snapshot"]
    assert isinstance(snapshot, dict)
    assert snapshot["title"] == scene.SPEECH.title


def test_what_is_printed_leads_on(demo: tuple[Path, str]) -> None:
    folder, printed = demo

    assert "[deleted-by-author]" in printed
    assert "2024-03-02-speech.md:16" in printed
    for name in ("report.html", "report.md", "report.json", "archive"):
        assert (folder / name).exists()
        assert name in printed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("search", "注意力"), f"{SHORT}speechRecog1"),
        (("show", f"{BLOG}/posts/on-link-rot"), "On link rot"),
        (("report",), "deleted-by-author"),
        (("verify",), ""),
    ],
)
def test_the_commands_to_type_next_work(demo: tuple[Path, str], words: tuple[str, ...], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crawler", *words, "--config", str(demo[0] / "crawler.toml")],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    assert told in done.stdout.decode("utf-8")
