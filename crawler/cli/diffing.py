"""What changed between two snapshots, for a reader: sentences that went and came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.cli.output import rich_text

if TYPE_CHECKING:
    from crawler.core.model import Snapshot


def render_diff(old_text: str, new_text: str, old: Snapshot, new: Snapshot) -> str:
    """Removed sentences behind "-", added ones behind "+", long unchanged runs folded; "unchanged" is an answer."""
    from rich.text import Text

    from crawler.core.counts import Counted
    from crawler.core.display import plain
    from crawler.page.sentences import SentenceChange, sentence_diff

    if old_text == new_text:
        return f"unchanged: snapshots {old.id} and {new.id} have the same text\n"
    lines: list[object] = [
        Text(f"--- {old.id}  {old.captured_at:%Y-%m-%d %H:%M}  {plain(old.title)}", style="bold"),
        Text(f"+++ {new.id}  {new.captured_at:%Y-%m-%d %H:%M}  {plain(new.title)}", style="bold"),
    ]
    for edit in sentence_diff(old_text, new_text):
        if edit.change is SentenceChange.SAME:
            lines.append(Text(f"  … {Counted(len(edit.old)):sentence} unchanged", style="dim"))
            continue
        lines += [Text(f"- {plain(sentence)}", style="red") for sentence in edit.old]
        lines += [Text(f"+ {plain(sentence)}", style="green") for sentence in edit.new]
    return rich_text(*lines)
