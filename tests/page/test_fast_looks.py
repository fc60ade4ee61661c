"""Looks that end early, or that spare a slower look, find what the slow ones find."""

from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborNode

from crawler.page.blocks import tidy
from crawler.page.document import BLOCKS, Document, _pieces, _unseen
from crawler.page.times import timestamp

MARKUP = st.lists(
    st.sampled_from(
        ("<p>", "</p>", "<b hidden>", "</b>", "<br>", "<i style='display: NONE'>", "</i>", "<script>x</script>")
    )
    | st.text(" \n\t\u3000ab文。&;", max_size=12),
    max_size=40,
).map("".join)


@given(MARKUP, st.lists(st.integers(0, 60), max_size=5))
def test_the_first_characters_of_a_page_are_those_of_its_whole_text(markup: str, limits: list[int]) -> None:
    body = f"<body>{markup}".encode()
    whole = Document(body, "text/html; charset=utf-8").visible_text()
    document = Document(body, "text/html; charset=utf-8")

    assert [document.visible_text(limit) for limit in limits] == [whole[:limit] for limit in limits]
    assert document.visible_text() == whole


def walked_plainly(root: LexborNode) -> list[str]:
    """The pieces of a page by recursion, as nobody may do it who does not know how deep the page is."""
    found: list[str] = []
    for node in root.iter(include_text=True):
        if node.tag == "-text":
            found.append((node.text_content or "").replace("\n", " "))
        elif node.is_element_node and not _unseen(node, node.tag, frozenset()):
            found += ["\n"] * (node.tag in BLOCKS) + walked_plainly(node)
    return found


@given(MARKUP)
def test_a_walk_by_steps_finds_the_pieces_of_one_by_recursion(markup: str) -> None:
    body = Document(f"<body>{markup}".encode(), "text/html; charset=utf-8").tree.body
    assert body is not None
    assert list(_pieces(body, frozenset())) == walked_plainly(body)


@given(st.text("a 文\u200b\ufeff\u00ad\u3000\u00a0\n\t\x1c"))
def test_a_tidy_line_has_single_spaces_and_nothing_invisible(text: str) -> None:
    seen = "".join(letter for letter in text if letter not in "\u200b\ufeff\u00ad")

    assert tidy(text) == " ".join(seen.split())


def test_a_month_with_a_letter_that_only_folds_to_one_of_ours_is_read() -> None:
    assert timestamp("7 \u017fep 2019") == "2019-09-07"
