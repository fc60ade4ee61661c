"""The demonstration: a stand-in web, sample notes, and the real crawler run over them.

`run_demo` is the demonstration in four steps, each a command of the crawler's own; how pages are judged and kept is the
crawler's business, never this package's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.counts import Counted

if TYPE_CHECKING:
    from crawler.testing.web import Web

FOLDER = Path("crawler-demo")  # in the working directory, where a newcomer looks for it

Crawl = Callable[[Sequence[str]], int]
"""The crawler's command line: arguments -> exit code."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How to tell: whom to start, whom to talk to, and what has to be typed for the crawler here."""

    crawl: Crawl
    say: Callable[[str], None]
    name: str = "crawler"


def run_demo(out: Path | None, telling: Telling, *, stay: bool = False) -> int:
    """Run the whole job in `out` (default ./crawler-demo); 0, or the exit code of the run that failed.

    `stay` keeps the stand-in web up afterwards until Ctrl-C, so that other commands can be tried against it. Raises
    UsageError where `out` holds something that is not an earlier demonstration.
    """
    from crawler.testing.folder import CA_BUNDLE, prepare, write_config
    from crawler.testing.scene import plan
    from crawler.testing.web import serving

    folder = FOLDER if out is None else out
    prepare(folder)
    with serving(plan(), folder / CA_BUNDLE) as web:
        write_config(folder, web.resolve)
        return _Play(folder, web, telling).perform(stay=stay)


@dataclass(frozen=True, slots=True)
class _Play:
    folder: Path
    web: Web
    telling: Telling

    def perform(self, *, stay: bool) -> int:
        """All acts in their order; a failing run ends them."""
        hosts = {host for _, host in self.web.served()}
        self.telling.say(
            f"A stand-in web of {Counted(len(hosts)):site} is up on this machine; nothing below leaves it."
        )
        self.telling.say(f"The sample notes are in {self.folder / 'notes'}.")
        failed = self._run(again=False) or self._run(again=True)
        if failed:
            return failed
        self._lose_an_article()
        self._lead_on()
        if stay:
            self._wait()
        return 0

    def _run(self, *, again: bool) -> int:
        """One run over the sample notes; the second shows that what is known is not asked again."""
        before, started = len(self.web.log), time.monotonic()
        self._show("run", note="        # again, at once" if again else "")
        code = self._crawl("run", *self._reports(), *(["--quiet"] if again else ["--format", "terminal"]))
        asked, seconds = len(self.web.log) - before, time.monotonic() - started
        remembered = self._remembered() if again else ""
        self.telling.say(f"\nThe stand-in web was asked {Counted(asked):time}, in {seconds:.1f} seconds.{remembered}")
        return code

    def _remembered(self) -> str:
        """What the second run reports, in half a line."""
        try:
            counts = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))["counts"]
        except (OSError, ValueError, KeyError):
            return ""
        return " Remembered: " + ", ".join(f"{number} {state}" for state, number in counts.items() if number) + "."

    def _lose_an_article(self) -> None:
        """The point of it all: an article is deleted, and its text is still there."""
        from crawler.testing.scene import DELETED, SPEECH

        self.web.put(SPEECH.url, DELETED)
        self.telling.say("\nNow the author deletes an article that was alive a moment ago.")
        for words, quietly in (
            (["rearchive", SPEECH.url], ["--format", "text"]),  # --quiet alone would print no result
            (["show", SPEECH.url, "--text"], []),
        ):
            self._show(*words)
            self._crawl(*words, *quietly, "--quiet")
        self._crawl("report", *self._reports(), "--quiet")

    def _lead_on(self) -> None:
        """Where everything lies, and what to type next."""
        config = f"--config {self._config}"
        self.telling.say(
            f"""
The report:   {self.folder / "report.html"} (also report.md and report.json)
The archive:  {self.folder / "archive"}

What to type next:
  {self.telling.name} search 注意力 {config}
  {self.telling.name} show https://hand-made.example/posts/on-link-rot {config}
  {self.telling.name} report {config}
  {self.telling.name} serve {config}        # the same in your browser
  {self.telling.name} run PATH/TO/YOUR/NOTES"""
        )

    def _wait(self) -> None:
        self.telling.say("\nThe stand-in web stays up; stop it with Ctrl-C.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.telling.say("")

    @property
    def _config(self) -> Path:
        return self.folder / "crawler.toml"

    def _reports(self) -> list[str]:
        from crawler.testing.folder import REPORTS

        return [
            word for kind, name in REPORTS.items() for word in ("--format", kind, "--output", str(self.folder / name))
        ]

    def _show(self, *words: str, note: str = "") -> None:
        self.telling.say(f"\n$ {self.telling.name} {' '.join(words)} --config {self._config}{note}\n")

    def _crawl(self, *words: str) -> int:
        return self.telling.crawl([*words, "--config", str(self._config)])
