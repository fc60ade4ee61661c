"""The demonstration's work folder: sample notes and a configuration that leads to the stand-in web.

Only files are written here, and only what an earlier demonstration made is removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from crawler.core.errors import UsageError
from crawler.testing.pages import picture

CONFIG = "crawler.toml"
CA_BUNDLE = "ca.pem"
REPORTS = {"json": "report.json", "html": "report.html", "markdown": "report.md"}  # format -> file
MARK = "README.txt"
MARKED = "Made by `crawler demo`; made anew each time it runs.\n"
MADE = ("notes", "archive", CONFIG, CA_BUNDLE, *REPORTS.values(), MARK, ".gitignore")


def prepare(folder: Path) -> None:
    """Make the folder anew, notes included; UsageError where it holds something else or cannot be written."""
    try:
        if folder.exists():
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(MARKED, encoding="utf-8")
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        _write_notes(folder / "notes")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; name another folder with --out") from None


def write_config(folder: Path, resolve: Mapping[str, str]) -> None:
    """A configuration that leads to the stand-in web. Its waits are short: nobody real is on the other side."""
    table = "\n".join(f'"{host}" = "{where}"' for host, where in sorted(resolve.items()))
    text = f"""\
# Made by `crawler demo`. A real configuration needs none of this: every option has a default.
[notes]
paths = ["notes"]

[archive]
path = "archive"

[fetch]
interval = 0        # the stand-in web needs no politeness; real sites are asked once in seconds
timeout = 1
retries = 1
ca_bundle = "{CA_BUNDLE}"

[host."mp.weixin.qq.com"]
interval = 0.2

[host."*.zhihu.com"]
interval = 0.2

[fetch.resolve]     # every site stands on this machine
{table}
"""
    (folder / CONFIG).write_text(text, encoding="utf-8")


def _clear(folder: Path) -> None:
    if not folder.is_dir() or (any(folder.iterdir()) and not _is_ours(folder)):
        raise UsageError(f"{folder} holds something else; name another folder with --out")
    for name in MADE:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8", errors="replace") == MARKED


def _write_notes(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "spectrogram.png").write_bytes(picture(1))
    for note in files("crawler.testing").joinpath("notes").iterdir():
        if note.name.endswith(".md"):
            (folder / note.name).write_bytes(note.read_bytes())
