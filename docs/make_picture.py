"""Make docs/demo.svg, and the output that README.md shows, from a real run: `python docs/make_picture.py`.

`crawler demo` runs on a pseudo-terminal, so that it colours and measures as for a person; rich draws what it prints.
"""

from __future__ import annotations

import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 50
LAST = "Suspect, not confirmed yet"  # the heading where the picture ends; the run prints more
PICTURE = Path(__file__).parent / "demo.svg"
README = Path(__file__).parent.parent / "README.md"
PASTED = re.compile(r"(?<=<!-- demo -->\n).*(?=<!-- /demo -->)", re.DOTALL)
AGAIN = "# again, at once"  # what is pasted begins with the line that holds this
CURSOR = re.compile(
    r"\x1b\[[0-9;?]*[A-HJKfhlsu]|\x1b[78=>]|\x1b\][^\x07]*\x07"
)  # moves and erasures: not for a picture

FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # rich's SVG asks a font server; the reader has a font
TEXT = re.compile(r'(<text[^>]* textLength=")([\d.]+)("[^>]*>)([^<]+)<')  # of rich's SVG


def on_terminal(command: list[str], folder: str) -> str:
    """What a command prints on a terminal of COLUMNS x ROWS."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # `crawler` is what is typed
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "PATH": path}
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    ):
        os.close(theirs)
        printed = b""
        while piece := _read(ours):
            printed += piece
    os.close(ours)
    return printed.decode("utf-8", errors="replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux tells so that the other side has closed
        return b""


def draw(printed: str) -> str:
    """The SVG of a terminal that shows `printed`; lines that were drawn over are left out."""
    lines = [line.rpartition("\r")[2] for line in CURSOR.sub("", printed).partition(LAST)[0].split("\n")][:-1]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(lines).strip("\n")))
    svg = FONT.sub("", console.export_svg(title="crawler demo"))
    return TEXT.sub(_widened, svg)


def _widened(match: re.Match[str]) -> str:
    """Room for Chinese: rich counts characters where a terminal counts cells, and squeezes them."""
    before, length, after, words = match.groups()
    plain = html.unescape(words)
    return f"{before}{float(length) * cell_len(plain) / len(plain):g}{after}{words}<"


def paste(printed: str, text: str) -> str:
    """README's text with the rest of the output, from the second run on."""
    plain = Text.from_ansi(CURSOR.sub("", printed)).plain
    start = plain.rindex("\n", 0, plain.index(AGAIN)) + 1
    lines = [line.rstrip() for line in plain[start:].strip().split("\n")]
    shown = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    return PASTED.sub(lambda _: f"```console\n{shown}\n```\n", text)


def main() -> None:
    """Run the demonstration once, draw the beginning of what it prints and paste the rest."""
    with tempfile.TemporaryDirectory() as folder:
        printed = on_terminal([sys.executable, "-m", "crawler", "demo"], folder)
    PICTURE.write_text(draw(printed), encoding="utf-8")
    README.write_text(paste(printed, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
