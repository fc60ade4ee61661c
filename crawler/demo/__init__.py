"""The demonstration: a stand-in web, sample notes, and the real crawler run over them twice.

`run_demo` prepares a work folder, runs the crawler's own command line in this process and tells what to look at; how
pages are judged and kept is the crawler's business, never this package's.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.demo.web import Web

FOLDER = Path("crawler-demo")  # in the working directory, where a newcomer looks for it
MARK = "README.txt"
MARKED = "Made by `crawler demo`; made anew each time it runs.\n"
MADE = ("notes", "archive", "crawler.toml", "ca.pem", "report.html", "report.json", "report.md", MARK, ".gitignore")

Crawl = Callable[[Sequence[str]], int]
"""The crawler's command line: arguments -> exit code."""
Say = Callable[[str], None]


def run_demo(out: Path | None, *, crawl: Crawl, say: Say, stay: bool = False) -> int:
    """Run the whole job in `out` (default ./crawler-demo) and return an exit code: that of the first run that failed.

    `stay` keeps the stand-in web up afterwards until Ctrl-C, so that other commands can be tried against it.
    Raises UsageError where `out` holds something that is not an earlier demonstration.
    """
    from crawler.demo.scene import plan
    from crawler.demo.web import serving

    folder = FOLDER if out is None else out
    _prepare(folder)
    with serving(plan(), folder / "ca.pem") as web:
        config = folder / "crawler.toml"
        config.write_text(_config(web), encoding="utf-8")
        hosts = {host for _, host in web.served()}
        say(f"A stand-in web of {len(hosts)} sites is up on this machine; nothing below leaves it.")
        say(f"The sample notes are in {folder / 'notes'}.")
        for again in (False, True):
            code = _run(folder, web, crawl, say, again)
            if code:
                return code
        _lose(folder, web, crawl, say)
        _tell(folder, say)
        if stay:
            _wait(say)
    return 0


def _prepare(folder: Path) -> None:
    """Make the work folder anew: only what an earlier demonstration made is removed."""
    if folder.exists():
        if not folder.is_dir() or (any(folder.iterdir()) and not _is_ours(folder)):
            raise UsageError(f"{folder} holds something else; name another folder with --out")
        for name in MADE:
            _remove(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(MARKED, encoding="utf-8")
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    _write_notes(folder / "notes")


def _is_ours(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8", errors="replace") == MARKED


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_notes(folder: Path) -> None:
    from crawler.demo.pages import picture

    (folder / "images").mkdir(parents=True)
    (folder / "images" / "spectrogram.png").write_bytes(picture(1))
    for note in files("crawler.demo").joinpath("notes").iterdir():
        if note.name.endswith(".md"):
            (folder / note.name).write_bytes(note.read_bytes())


def _config(web: Web) -> str:
    """A configuration that leads to the stand-in web. Its waits are short: nobody real is on the other side."""
    resolve = "\n".join(f'"{host}" = "{where}"' for host, where in sorted(web.resolve.items()))
    return f"""\
# Made by `crawler demo`. A real configuration needs none of this: every option has a default.
[notes]
paths = ["notes"]

[archive]
path = "archive"

[fetch]
interval = 0        # the stand-in web needs no politeness; real sites are asked once in seconds
timeout = 1
retries = 1
ca_bundle = "ca.pem"

[host."mp.weixin.qq.com"]
interval = 0.2

[host."*.zhihu.com"]
interval = 0.2

[fetch.resolve]     # every site stands on this machine
{resolve}
"""


def _run(folder: Path, web: Web, crawl: Crawl, say: Say, again: bool) -> int:
    """One run over the sample notes; the second shows that what is known is not asked again."""
    before, started = len(web.log), time.monotonic()
    arguments = ["run", "--config", str(folder / "crawler.toml"), *_reports(folder)]
    shown = f"crawler run --config {folder / 'crawler.toml'}"
    say(f"\n$ {shown}{'        # again, at once' if again else ''}\n")
    code = crawl([*arguments, "--quiet"] if again else [*arguments, "--format", "terminal"])
    asked, seconds = len(web.log) - before, time.monotonic() - started
    say(f"\nThe stand-in web was asked {asked} times, in {seconds:.1f} seconds.{_remembered(folder) if again else ''}")
    return code


def _remembered(folder: Path) -> str:
    """What the second run reports, in half a line."""
    try:
        counts = json.loads((folder / "report.json").read_text(encoding="utf-8"))["counts"]
    except (OSError, ValueError, KeyError):
        return ""
    return " Remembered: " + ", ".join(f"{number} {state}" for state, number in counts.items() if number) + "."


def _lose(folder: Path, web: Web, crawl: Crawl, say: Say) -> None:
    """The point of it all: an article is deleted, and its text is still there."""
    from crawler.demo.scene import DELETED, SPEECH

    web.put(SPEECH.url, DELETED)
    config = ["--config", str(folder / "crawler.toml")]
    say("\nNow the author deletes an article that was alive a moment ago.")
    for words in (["rearchive", SPEECH.url], ["show", SPEECH.url, "--text"]):
        say(f"\n$ crawler {' '.join(words + config)}\n")
        crawl([*words, *config, "--quiet"])
    crawl(["report", *config, *_reports(folder), "--quiet"])


def _reports(folder: Path) -> list[str]:
    kinds = {"json": "report.json", "html": "report.html", "markdown": "report.md"}
    return [word for kind, name in kinds.items() for word in ("--format", kind, "--output", str(folder / name))]


def _tell(folder: Path, say: Say) -> None:
    config = f"--config {folder / 'crawler.toml'}"
    say(
        f"""
The report:   {folder / "report.html"} (also report.md and report.json)
The archive:  {folder / "archive"}

What to type next:
  crawler search 注意力 {config}
  crawler show https://hand-made.example/posts/on-link-rot {config}
  crawler report {config}
  crawler run PATH/TO/YOUR/NOTES"""
    )


def _wait(say: Say) -> None:
    say("\nThe stand-in web stays up; stop it with Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("")
