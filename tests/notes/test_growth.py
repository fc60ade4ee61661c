"""No input makes reading a note take more than linear time: patterns over fuzzed repetitions, at two sizes."""

import random
import time

import pytest

from crawler.core.model import Note
from crawler.notes.anchors import anchors_of
from crawler.notes.dates import note_date
from crawler.notes.extract import occurrences
from crawler.notes.formats import FORMATS
from crawler.notes.routes import front_values

SMALL, FACTOR = 4_000, 8  # code points, and how many times larger the second reading is
SLOWER = 3  # times more than linear that a busy machine may make of linear; squares would be 8
FLOOR = 0.05  # seconds below which nothing is measured

# What begins, ends or escapes something in one of the formats.
PIECES = (
    "[", "]", "(", ")", "<", ">", "{", "}", "`", "``", "```\n", "*", "**", "_", "__", "~~", "==", "=", "%%", "$",
    "$$", "\\", "|", "\\|", "!", "![", "[[", "]]", "![[", "](", "[^", "]:", "<!--", "-->", "{{", "}}", "{%", "%}",
    "{{<", ">}}", "{/*", "*/}", "{::comment}", "<a href='", "<a href=", '"', "'", "http://", "https://a.b/", "://",
    "htps://", "&amp;", "&#", ";", "\n", "\n\n", "\n> ", "\n- ", "\n    ", "\r\n", " ", "\t", "\x00", "\x1a", "：",
    "中", "。", ".", ",", "/", "#", "##", "\n# ", "\n===", "\n---\n", "+++\n", "---\n", ".. ", ".. _a:", "::\n",
    "\n.. a::", "`_", ":doc:`", "<<", ">>", "xref:", "link:", "image::", "----\n", "////\n", "++", "#+begin_src\n",
    "#+end_src\n", "\n* ", "[[file:", "\n: ", '{"cells":[', '{"cell_type":', '"markdown","source":[', '"', "\\u00",
    "date:", "permalink:", "\n  - ", "a", "1", "x=", " 2x,", "srcset='", "a@", "%20", "~", "^", "🙂", "\u200b", "é",
    "{% raw %}", "{% endraw %}", "\n{% comment %}", "{% endcomment %}", "{% end",
    "!!! note\n", "\n=== \"A\"\n", "{a}[x]", ":a: {a}{a}\n", "\n>>> ", "[l]([[n]])", "[/img]", "<A b={`", "<h2>",
    "<script>", "<title>", "<base href=", "crawler: ignore", "<!-- crawler: ignore-start -->",
)  # fmt: skip


def seconds(path: str, text: str) -> float:
    """Of everything that is done with the text of a note."""
    started = time.process_time()
    occurrences(Note(path, text), code=True)
    anchors_of(path, text)
    front_values(text)
    note_date(path, text)
    return time.process_time() - started


def fuzzed(seed: int) -> str:
    chosen = random.Random(seed)
    return "".join(chosen.choice(PIECES) for _ in range(chosen.randint(1, 6)))


def is_linear(path: str, head: str, piece: str) -> bool:
    def text(size: int) -> str:
        return head + piece * (size // len(piece))

    large = seconds(path, text(SMALL * FACTOR))
    if large < FLOOR:
        return True
    return any(seconds(path, text(SMALL * FACTOR)) <= FACTOR * SLOWER * seconds(path, text(SMALL)) for _ in range(3))


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_reading_takes_time_linear_in_the_length_of_whatever_is_repeated(form: object) -> None:
    path = f"a{form.endings[0]}"  # type: ignore[attr-defined] # a NoteFormat
    deadline = time.process_time() + 1.2  # seconds for one format
    for n, piece in enumerate([*PIECES, *(fuzzed(seed) for seed in range(10_000))]):
        head = "" if n % 2 else "https://e.example/x "
        assert is_linear(path, head, piece), f"{head!r} + {piece!r} * n"
        if time.process_time() > deadline:
            break
