"""Writing results: to stdout or to files that are replaced whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from crawler.cli.streams import is_plain_terminal, write_result
from crawler.core.errors import UsageError
from crawler.core.files import is_replaceable, replacing


def write_outputs(pairs: Sequence[tuple[str, Path | None]], render: Callable[[str], str]) -> None:
    """Render each format and write it to its file, or to stdout where it has none."""
    for name, file in pairs:
        write_output(file, render(name))


def write_output(file: Path | None, text: str | Iterable[str], *, commands: bool = False) -> None:
    """Write a text, or its pieces as they come, to its file, or to stdout for None and "-".

    Only `commands` are read as such by a workflow.
    """
    if file is None or str(file) == "-":
        for piece in [text] if isinstance(text, str) else text:
            write_result(piece, commands=commands)
    else:
        write_file(file, text)


def rich_text(*lines: object) -> str:
    """Rich renderables as text: with colour on a terminal, plain and never wrapped elsewhere."""
    import io

    from rich.console import Console

    terminal = sys.stdout.isatty() and not is_plain_terminal()
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        no_color=bool(os.environ.get("NO_COLOR")),
        highlight=False,
        soft_wrap=not terminal,
    )
    for line in lines:
        console.print(line, soft_wrap=not terminal)
    return stream.getvalue()


def write_file(file: Path, text: str | Iterable[str]) -> None:
    """Replace a file in one step, so that a reader or a crash never meets half a report. Raises UsageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pieces = [text] if isinstance(text, str) else text
        # What is no regular file (/dev/stdout, a named pipe) can only be written to.
        with replacing(file) if is_replaceable(file) else file.open("wb") as stream:
            stream.writelines(piece.encode() for piece in pieces)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; choose another --output") from None
