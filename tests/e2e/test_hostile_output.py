"""Hostile names, titles, texts and secrets through the command line: terminals, workflows, consoles, full disks."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.core.display import OBEYED
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

SECRET = "s3cr3tvalue"
BAD = "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\\u202egpj.exe\x9b31m"
HARMFUL = re.compile(f"[\x00-\x08\x0b-\x1f{OBEYED}]")
SGR = re.compile(r"\x1b\[[0-9;]*m")

ALIVE = f"https://blog.example/alive?access_token={SECRET}"
DEAD = f"https://blog.example/dead?token={SECRET}"
WEIXIN = f"https://mp.weixin.qq.com/s?__biz=MzA4NTQ1NDkzMw==&mid=1&idx=1&sn=0a1b&key={SECRET}&uin={SECRET}&pass_ticket={SECRET}"
USER = f"https://me:{SECRET}@private.example/x"
STEERED = "https://blog.example/\x1b[2Jsteered\u202e"
PATHS = ("a\n::error::owned.md", "\x1b[31mred.md", "=cmd.md", "::error::name.md", "b##[error]c.md", "\u202egpj.md")
COMMANDS = (
    ("links",),
    ("links", "--format", "json"),
    ("links", "--verbose"),
    ("report",),
    *(
        ("report", "--format", name)
        for name in ("terminal", "markdown", "json", "tsv", "junit", "sarif", "rdjson", "atom", "github", "html")
    ),
    ("report", "--verbose", "--format", "terminal"),
    ("check", "--offline"),
    ("check", "--offline", "--format", "github"),
    ("check", "--offline", "--format", "text"),
    ("check", "--offline", "--format", "markdown"),
    ("search", "prose"),
    ("search", "prose", "--format", "json"),
    ("search", "prose", "--format", "terminal"),
    ("show", ALIVE),
    ("show", DEAD),
    ("show", STEERED),
    ("show", ALIVE, "--diff"),
    ("explain", ALIVE),
    ("fix", "--unconfirmed", "--template", "https://kept.example/{id}"),
    ("rejudge",),
    ("verify",),
    ("rearchive", ALIVE),
)


def prose(text: str) -> str:
    return (
        f"{text} and much plain prose that is long enough to count as the text of a whole page, sentence by sentence. "
    )


@pytest.fixture(scope="module")
def stage(staged_once: Callable[..., Stage]) -> Stage:
    """A run over notes and pages that want to do harm."""
    title = f"=HYPERLINK {BAD} ##[error]title ::error::x https://me:{SECRET}@t.example/"
    lines = (
        "::error::first line of the text",
        f"  ::add-mask::x {BAD}",
        *(prose(f"sentence {n} {BAD}") for n in range(9)),
    )
    body = pages.blog_article(Article("https://blog.example/alive", title, "Ann", lines, "Blog"))
    plan = StandInPlan(
        {
            ALIVE: StandInAnswer(body),
            DEAD: StandInAnswer(b"<title>" + title.encode("utf-8", "replace") + b"</title> gone", status=404),
            WEIXIN: StandInAnswer(b"gone", status=404),
            "https://private.example/x": StandInAnswer(
                b"", status=302, location=f"https://you:{SECRET}@blog.example/dead"
            ),
        }
    )
    stage = staged_once(plan, {"notify": {"feed": "feed.xml"}})
    links = "\n\n".join(f"- {title}\n  [{title}]({url})" for url in (ALIVE, DEAD, WEIXIN, USER))
    for path in PATHS:
        stage.note(path, f"# {title}\n\n{links}\n\n[{title}](<{STEERED}>) [x](<a\x1b[2Jb.md>) [[b\x1b]0;c]]\n")
    formats = ("json", "html", "markdown", "atom", "tsv")
    options = [word for name in formats for word in ("--format", name)]
    done = stage.crawler("run", *options, *(w for name in formats for w in ("--output", f"out.{name}")))
    assert done.returncode == 0, done.stderr
    return stage


def run(stage: Stage, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command on pipes."""
    return stage_process(stage, arguments, environment, stdout=subprocess.PIPE)


def stage_process(
    stage: Stage, arguments: tuple[str, ...], environment: dict[str, str], **options: Any
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crawler", *arguments], cwd=stage.folder, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="surrogateescape", timeout=60,
        check=False, **options,
    )  # fmt: skip


def on_terminal(stage: Stage, *arguments: str, **environment: str) -> str:
    """What a terminal receives of a command, stdout and stderr."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler", *arguments], cwd=stage.folder,
        env={**os.environ, "TERM": "xterm-256color", **environment},
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    parts = []
    try:
        while part := os.read(mine, 65536):
            parts.append(part)
    except OSError:  # Linux says so when the other side is closed
        pass
    finally:
        os.close(mine)
    assert process.wait(60) in (0, 1, 2)
    return b"".join(parts).decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def without_bar(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|\x1b\[\d*[AK]|\x1b\[\?25[lh]|\r(?=\x1b|$)", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_sends_a_terminal_anything_but_text_and_styles(stage: Stage, arguments: tuple[str, ...]) -> None:
    if "html" in arguments:
        return  # a page has a script and styles, and its own tests
    shown = without_bar(on_terminal(stage, *arguments))
    assert not HARMFUL.search(shown), HARMFUL.findall(shown)[:5]
    assert SECRET not in shown


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_sends_a_pipe_what_a_terminal_obeys(stage: Stage, arguments: tuple[str, ...]) -> None:
    """Pipes end on terminals: `| less -R`, `| grep`, `| tee`."""
    done = run(stage, *arguments)
    for text in (done.stdout, done.stderr):
        assert not HARMFUL.search(text), [text[max(m.start() - 60, 0) :][:120] for m in HARMFUL.finditer(text)][:3]


@pytest.mark.parametrize(
    "arguments", [("links",), ("report", "--format", "tsv"), ("search", "prose", "--format", "tsv")], ids=" ".join
)
def test_a_table_has_one_line_for_each_row(stage: Stage, arguments: tuple[str, ...]) -> None:
    out = run(stage, *arguments).stdout
    assert len({line.count("\t") for line in out.split("\n")[:-1]}) == 1
    assert out.split("\n")[:-1] == out.splitlines()


@pytest.mark.parametrize("arguments", [c for c in COMMANDS if "html" not in c], ids=" ".join)
def test_no_line_in_a_workflow_is_a_command_but_our_own(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = run(stage, *arguments, GITHUB_ACTIONS="true")
    for line in (*done.stdout.splitlines(), *done.stderr.splitlines()):
        assert "##[" not in line
        if line.lstrip().startswith("::"):
            assert "github" in arguments
            assert re.match(
                r"::(error|warning) (file|title)=[^,]*(,(line|col|endLine|endColumn)=\d+)*(,title=[^,:]*)?::", line
            )
    assert SECRET not in done.stderr
    assert SECRET not in done.stdout


@pytest.mark.parametrize("arguments", [c for c in COMMANDS if c[0] != "links"], ids=" ".join)
def test_no_secret_leaves_on_a_pipe_and_stderr_is_lines_of_ours(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = run(stage, *arguments)
    assert SECRET not in done.stdout, [x for x in done.stdout.splitlines() if SECRET in x][:3]
    assert SECRET not in done.stderr
    assert not HARMFUL.search(done.stderr)
    assert all(re.match(r"crawler: |\d", line) for line in done.stderr.splitlines()), done.stderr


def test_no_secret_stands_in_reports_feeds_and_exports(stage: Stage) -> None:
    for options in (["--html", "copies"], ["--markdown", "articles"], ["--warc", "warcs"], ["--wacz", "all.wacz"]):
        done = stage.crawler("export", *options)
        assert done.returncode == 0, done.stderr
    own = (stage.folder / "notes", stage.folder / "archive")  # the archive remembers the notes, and is private
    written = [p for p in stage.folder.rglob("*") if p.is_file() and not any(map(p.is_relative_to, own))]
    assert {p.name for p in written} >= {"feed.xml", "out.json", "all.wacz"}
    import gzip
    import zipfile

    for file in written:
        data = file.read_bytes()
        parts = [data]
        if file.name.endswith(".gz"):
            parts = [gzip.decompress(data)]
        elif file.suffix == ".wacz":
            with zipfile.ZipFile(file) as whole:
                parts = [whole.read(name) for name in whole.namelist()]
                parts = [gzip.decompress(part) if part.startswith(b"\x1f\x8b") else part for part in parts]
        for part in parts:
            found = [line for line in part.splitlines() if SECRET.encode() in line and b"me:" not in line]
            assert not found, (file, found[:3])


def test_no_cell_is_a_formula(stage: Stage) -> None:
    for arguments in (
        ("links",),
        ("report", "--format", "tsv"),
        ("search", "prose", "--format", "tsv"),
        ("show", ALIVE),
    ):
        done = run(stage, *arguments)
        cells = [cell for line in done.stdout.splitlines() for cell in line.split("\t")]
        assert len(cells) > 4
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", '"'))]


def test_the_text_of_a_page_is_exact_on_a_pipe_and_harmless_on_a_terminal(stage: Stage) -> None:
    exact = run(stage, "show", ALIVE, "--text").stdout
    assert exact.startswith("::error::first line") or "::error::first line" in exact
    for what in ("--text", "--html", "--raw"):
        assert not HARMFUL.search(on_terminal(stage, "show", ALIVE, what))
    in_workflow = run(stage, "show", ALIVE, "--text", GITHUB_ACTIONS="true").stdout
    assert not any(line.lstrip().startswith("::") for line in in_workflow.splitlines())


def test_a_log_in_json_holds_no_secret_and_is_json(stage: Stage) -> None:
    done = run(stage, "run", "--all", "--log", "json", GITHUB_ACTIONS="true")
    assert SECRET not in done.stderr
    assert [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "gbk"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda e: " ".join(f"{k}={v}" for k, v in e.items()),
)
def test_what_a_console_cannot_show_is_escaped(stage: Stage, environment: dict[str, str]) -> None:
    stage.note("한글.md", "# 한글 é 😀 문서\n\nhttps://blog.example/한글\n")
    try:
        for arguments in (
            ("links",),
            ("report", "--format", "terminal"),
            ("report", "--format", "json"),
            ("check", "--offline"),
        ):
            done = run(stage, *arguments, **environment)
            assert done.returncode in (0, 1), done.stderr
            assert "Traceback" not in done.stderr
            assert "internal error" not in done.stderr
            if "json" in arguments:
                json.loads(
                    done.stdout.encode("utf-8", "surrogateescape").decode(
                        environment.get("PYTHONIOENCODING", "utf-8"), "replace"
                    )
                )
    finally:
        (stage.folder / "notes" / "한글.md").unlink()


@pytest.mark.parametrize(
    "arguments",
    [("links",), ("report", "--format", "json"), ("search", "prose"), ("show", ALIVE), ("--help",)],
    ids=" ".join,
)
def test_a_full_stdout_is_one_line_and_an_exit_code(stage: Stage, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = stage_process(stage, arguments, {}, stdout=full)
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["crawler: results cannot be written to stdout: No space left on device"]


@pytest.mark.parametrize("arguments", [("links",), ("report",), ("--version",)], ids=" ".join)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_closed_streams_end_no_command(stage: Stage, arguments: tuple[str, ...], closed: str) -> None:
    words = " ".join(arguments)
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m crawler {words} {closed}'],
        cwd=stage.folder, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("report",), ("show", ALIVE), ("search", "prose"), ("rearchive", ALIVE)], ids=" ".join
)
def test_a_terminal_that_knows_no_escapes_gets_none(stage: Stage, arguments: tuple[str, ...]) -> None:
    assert "\x1b" not in on_terminal(stage, *arguments, TERM="dumb")


@pytest.mark.parametrize(
    "arguments",
    [
        ("links", "no\n::error::such.md"),
        ("show", "https://a.example/\n::error::x\x1b[2J"),
        ("show", f"https://me:{SECRET}@a.example/"),
        ("rearchive", f"https://me:{SECRET}@/"),
        ("explain", "no\n::error::such.html"),
        ("import", "no\n::error::such\x1b[2J.html"),
        ("report", "--output", "/dev/null/\n::error::/x\x1b[2J.json", "--format", "json"),
        ("--config", "no\n::error::such.toml", "links"),
        ("--archive", "/dev/null/\n::error::x\x1b[2J", "run"),
        ("no\n::error::command",),
        ("links", "--format", "no\n::error::format"),
        ("check", "--since", "no\n::error::\x1b[2Jrev"),
        ("check", "--baseline", "no\n::error::such.json"),
    ],
    ids=lambda a: repr(" ".join(a)),
)
def test_errors_about_hostile_words_are_one_harmless_line(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = run(stage, *arguments)
    assert done.returncode in (2, 3)
    assert not HARMFUL.search(done.stderr)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("crawler: ")
    assert SECRET not in done.stderr


def test_a_broken_configuration_shows_no_secret_of_it(staged: Callable[..., Stage]) -> None:
    stage = staged(StandInPlan({}))
    for text in (
        f'[fetch]\nproxy = "http://me:{SECRET}@proxy.example:x"\n',
        f'[fetch]\nheaders = {{ Authorization = "Bearer {SECRET}\\n" }}\n',
        f'[notify]\nwebhook = "https://hooks.example/?token={SECRET} x"\n',
    ):
        (stage.folder / "crawler.toml").write_text(text)
        stage.note("a.md", "https://blog.example/")
        done = run(stage, "run", "--max-links", "1")
        assert SECRET not in done.stderr + done.stdout
