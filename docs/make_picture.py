"""Make docs/demo.svg from a real run: `python docs/make_picture.py`.

`crawler demo` runs on a pseudo-terminal, so that it colours and measures as for a person; rich draws what it prints.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 112, 50
PICTURE = Path(__file__).parent / "demo.svg"
CURSOR = re.compile(
    r"\x1b\[[0-9;?]*[A-HJKfhlsu]|\x1b[78=>]|\x1b\][^\x07]*\x07"
)  # moves and erasures: not for a picture


def on_terminal(command: list[str], folder: str) -> str:
    """What a command prints on a terminal of COLUMNS x ROWS."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
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
    lines = [line.rpartition("\r")[2] for line in CURSOR.sub("", printed).split("\n")]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(lines).strip("\n")))
    return console.export_svg(title="crawler demo")


def main() -> None:
    """Run the demonstration once and draw the first of its two reports."""
    with tempfile.TemporaryDirectory() as folder:
        printed = on_terminal([sys.executable, "-m", "crawler", "demo"], folder)
    PICTURE.write_text(draw(printed), encoding="utf-8")


if __name__ == "__main__":
    main()
