"""The CI check in a scratch repository: each edit gets exactly its annotations and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

TEXT = ("这一段文字只为测试而写，说的是雨后的石板路。", "第二段补充一点：石板路通向一座没有名字的桥。")
ALIVE = Article("https://mp.weixin.qq.com/s/CHKalive000000000000_1", "石板路与桥", "甲", TEXT, account="桥边")
DELETED = "https://mp.weixin.qq.com/s/CHKdeleted0000000000_2"
WALL = "https://mp.weixin.qq.com/s/CHKwall00000000000000_3"
CAPTCHA = "https://mp.weixin.qq.com/mp/wappoc_appmsgcaptcha?poc_token=1"
OLD_DEAD = "https://blog.example/old-dead"
NEW_DEAD = "https://blog.example/new-dead"

PLAN = StandInPlan(
    answers={
        ALIVE.url: StandInAnswer(pages.weixin_article(ALIVE)),
        DELETED: StandInAnswer(pages.weixin_notice("该内容已被发布者删除")),
        WALL: redirect(CAPTCHA),
        CAPTCHA: StandInAnswer(pages.weixin_captcha(WALL)),
        OLD_DEAD: StandInAnswer(b"<p>gone", status=404),
        NEW_DEAD: StandInAnswer(b"<p>gone", status=404),
    }
)
FILLER = "".join(f"Line {n} of prose.\n\n" for n in range(20))
NOTE = f"# Notes\n\n[an old one]({OLD_DEAD})\n\n{FILLER}![picture](../img/a.png)\n"


@pytest.fixture(autouse=True)
def nobodys_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A repository with one note, one picture and one commit."""
    made = staged(PLAN)
    git(made, "init", "--quiet")
    made.note("posts/a.md", NOTE)
    made.note("img/a.png", b"\x89PNG")
    made.note(".gitignore", "")
    (made.folder / ".gitignore").write_text("/archive\n/ca.pem\n/crawler.toml\n/report*\n/summary.md\n")
    commit(made)
    return made


def git(stage: Stage, *arguments: str) -> None:
    identity = ("-c", "user.name=A. Writer", "-c", "user.email=writer@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=stage.folder, check=True, capture_output=True)


def commit(stage: Stage) -> None:
    git(stage, "add", "--all")
    git(stage, "commit", "--quiet", "--message", "an edit")


def check(stage: Stage, *arguments: str) -> tuple[int, list[str], dict[str, Any]]:
    """Exit code, annotations, and the JSON report."""
    outputs = ("--format", "github", "--format", "json", "--output", "-", "--output", "report.json")
    done = stage.crawler("check", "--since", "HEAD~1", *outputs, *arguments)
    assert "internal error" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines(), json.loads((stage.folder / "report.json").read_text())


def edit(stage: Stage, note: str, *more: str) -> tuple[int, list[str], dict[str, Any]]:
    stage.note("posts/a.md", note)
    commit(stage)
    return check(stage, *more)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {link["url"]: link["state"] for link in report["links"]}


def test_a_new_dead_link_is_an_error_on_its_line(stage: Stage) -> None:
    code, told, report = edit(stage, NOTE + f"\n断桥\n{DELETED}\n")
    assert code == 1
    (error,) = told
    line = NOTE.count("\n") + 3
    assert error.startswith(f"::error file=notes/posts/a.md,line={line},col=1,")
    assert "deleted-by-author" in json.dumps(report["links"])
    assert states(report) == {DELETED: "dead"}
    assert report["links"][0]["occurrences"][0]["path"] == "posts/a.md"


def test_a_new_living_link_is_no_trouble(stage: Stage) -> None:
    code, told, report = edit(stage, NOTE + f"\n{ALIVE.url}\n")
    assert (code, told, states(report)) == (0, [], {ALIVE.url: "alive"})
    assert not (stage.folder / "archive" / "index.sqlite").exists()


def test_a_new_wall_is_a_warning(stage: Stage) -> None:
    code, told, report = edit(stage, NOTE + f"\n{WALL}\n")
    assert (code, states(report)) == (0, {WALL: "blocked"})
    assert [line.split(" ")[0] for line in told] == ["::warning"]


def test_a_moved_paragraph_blames_nobody(stage: Stage) -> None:
    first, _, rest = NOTE.partition(f"[an old one]({OLD_DEAD})\n\n")
    code, told, report = edit(stage, f"{first}{rest}\n[an old one]({OLD_DEAD})\n")
    assert (code, told, report["links"]) == (0, [], [])


def test_a_deleted_picture_that_a_note_still_shows_is_an_error_there(stage: Stage) -> None:
    (stage.folder / "notes/img/a.png").unlink()
    commit(stage)
    code, told, report = check(stage)
    assert code == 1
    assert told[0].startswith(f"::error file=notes/posts/a.md,line={NOTE.count(chr(10))},")
    assert [(x["site"], x["reason"]) for x in report["links"]] == [("local", "missing-file")]


def test_an_old_dead_link_beside_the_edit_is_not_mentioned(stage: Stage) -> None:
    code, told, report = edit(stage, NOTE.replace("# Notes\n", "# Better notes\n\nAnd words.\n"))
    assert (code, told, report["links"]) == (0, [], [])


def test_without_a_network_nothing_is_called_dead_and_the_check_says_so(stage: Stage) -> None:
    stage.configure({"fetch": {"proxy": "http://127.0.0.1:1"}})
    (stage.folder / "crawler.toml").write_text((stage.folder / "crawler.toml").read_text())
    code, told, report = edit(stage, NOTE + f"\n{ALIVE.url}\n\n{NEW_DEAD}\n")
    assert code == 3
    assert not [line for line in told if line.startswith("::error")]
    assert (report["run"]["network"], report["counts"]["dead"]) == ("down", 0)


def test_a_domain_that_does_not_exist_fails_a_new_link(stage: Stage) -> None:
    missing = "https://no-such-domain.invalid/x"
    code, _, report = edit(stage, NOTE + f"\n{missing}\n\n{NEW_DEAD}\n")
    found = {link["url"]: (link["state"], link["reason"]) for link in report["links"]}
    assert found[missing] == ("dead", "dns-failure")
    assert code == 1


def test_offline_knows_malformed_addresses_and_sends_nothing(stage: Stage) -> None:
    code, _, report = edit(stage, NOTE + f"\n[a](http://[broken)\n\n{NEW_DEAD}\n", "--offline")
    assert code == 1
    assert states(report) == {"http://[broken": "dead", NEW_DEAD: "unchecked"}


def test_what_the_archive_knows_is_not_asked_again(stage: Stage) -> None:
    code, _, report = edit(stage, NOTE + f"\n{ALIVE.url}\n", "--archive-new")
    assert (code, report["run"]["requests"]) == (0, 1)
    assert (stage.folder / "archive" / "index.sqlite").exists()
    stage.note("posts/b.md", f"{ALIVE.url}\n")
    commit(stage)
    code, _, report = check(stage)
    assert (code, states(report), report["run"]["requests"]) == (0, {ALIVE.url: "alive"}, 0)


def test_a_baseline_leaves_what_it_knows_untold(stage: Stage) -> None:
    code, _, _ = edit(stage, NOTE + f"\n{NEW_DEAD}\n")
    assert code == 1
    (stage.folder / "report-base.json").write_bytes((stage.folder / "report.json").read_bytes())
    code, told, report = check(stage, "--baseline", "report-base.json")
    assert (code, told, report["links"]) == (0, [], [])


def test_without_a_commit_to_compare_with_all_links_are_checked(stage: Stage) -> None:
    done = stage.crawler("check", "notes", "--format", "json", "--output", "report.json")
    assert done.returncode == 1
    assert states(json.loads((stage.folder / "report.json").read_text()))[OLD_DEAD] == "dead"


def test_the_hook_looks_at_staged_lines_only(stage: Stage) -> None:
    stage.note("posts/a.md", NOTE + "\n[a](http://[broken)\n")
    done = stage.crawler("check", "--staged", "--offline", "notes/posts/a.md")
    assert (done.returncode, done.stdout) == (0, "")
    git(stage, "add", "--all")
    assert stage.crawler("check", "--staged", "--offline", "notes/posts/a.md").returncode == 1


def test_a_hook_that_names_an_excluded_note_does_not_check_it(stage: Stage) -> None:
    stage.note("posts/a.md", NOTE + "\n[a](http://[broken)\n")
    git(stage, "add", "--all")
    stage.configure({"notes": {"paths": ["notes"], "exclude": ["a.md"]}})
    assert stage.crawler("check", "--staged", "--offline", "notes/posts/a.md").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "nowhere"), "knows no commit"),
        (("--since", "HEAD", "--staged"), "give one"),
        (("--offline", "--archive-new"), "give one"),
        (("--baseline", "nowhere.json"), "nowhere.json"),
        (("--baseline", "crawler.toml"), "crawler.toml"),
        (("--fail-on", "gone"), "expected states"),
    ],
)
def test_wrong_usage_is_one_clear_line(stage: Stage, arguments: tuple[str, ...], said: str) -> None:
    done = stage.crawler("check", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
