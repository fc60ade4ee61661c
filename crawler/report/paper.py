"""Lines for a terminal or a mail: styled, broken to a width, or left whole so that they can be copied.

What stands on them is the business of `terminal` and `digest_text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text


class Paper:
    """Lines with a style. rich lays out tables and breaks lines; plain lines it would take a millisecond each for."""

    def __init__(self, width: int, colour: bool) -> None:
        self.out = StringIO()
        self.width = width
        self._colours = ColorSystem.STANDARD if colour else None
        self._console = Console(
            file=self.out,
            width=width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
            _environ={},  # a report does not depend on COLUMNS or TERM
        )

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One line, never broken or cut."""
        styled = Style.parse(style).render(text, color_system=self._colours) if style and self._colours else text
        self.out.write(f"{' ' * indent}{styled}\n")

    def wrapped(self, text: str, style: str = "", indent: int = 0) -> None:
        """Text broken to the width, every line of it indented."""
        width = self.width - indent
        if cell_len(text) <= width:
            self.line(text, style, indent)
            return
        for part in Text(text).wrap(self._console, width, overflow="fold"):
            self.line(part.plain.rstrip(), style, indent)

    def beside(self, pairs: Sequence[tuple[str, str]], style: str = "", indent: int = 0) -> None:
        """Two columns: the left one as wide as it must be, the right one broken to what is left."""
        left = max((cell_len(name) for name, _ in pairs), default=0) + 2
        for name, text in pairs:
            parts = Text(text).wrap(self._console, max(self.width - indent - left, 20), overflow="fold")
            for number, part in enumerate(parts):
                before = name if number == 0 else ""
                self.line(f"{before}{' ' * (left - cell_len(before))}{part.plain.rstrip()}", style, indent)

    def text(self) -> str:
        """All of it, without spaces at ends of lines and with one empty line where there were several."""
        lines = [line.rstrip() for line in self.out.getvalue().strip("\n").split("\n")]
        return "".join(line + "\n" for line, before in zip(lines, ["", *lines], strict=False) if line or before)

    def heading(self, text: str, style: str = "") -> None:
        """An empty line, then the text underlined."""
        self.line()
        self.wrapped(text, f"bold {style}".strip())
        self.line("─" * min(cell_len(text), self.width), "dim")

    def table(self, table: Table) -> None:
        """A table, as wide as it must be."""
        self._console.print(table)


def fitted(text: str, width: int) -> str:
    """The text on one line of that many cells, the cut shown by an ellipsis."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
