"""What is drawn as a reader can search it: the TeX or the words behind formulas, the characters behind emoji.

One element at a time; what stands round it is the walkers' (blocks, readable).
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

MAX_FORMULA = 2_000  # characters
MAX_EMOJI = 20  # of one, or of its name: `:sailboat:`

# Names that pages give to pictures of formulas: WordPress, Wikipedia, Zhihu, CSDN, MathJax.
_NAMED = re.compile(
    r"(?i)(?:^|[\s_-])(?:latex|tex|mathtex|math\w*|mwe-math\S*|equation|formula|katex|ztext-math)(?=[\s_-]|$)"
)
_SERVED = re.compile(
    r"(?i)(?:latex\.(?:codecogs|php)|/latex|zhihu\.com/equation|math/render|chart\?cht=tx|mathtex|/svg\.latex|eq\.latex)"
)
# Pictures that WordPress, Discourse, GitHub and chat programs put in the place of emoji.
_EMOJI = re.compile(r"(?:^|\s)(?:emoji|wp-smiley|twemoji|emojione|joypixels)(?=\s|$)")
# What a script drew of a formula whose source stands beside it: read twice, and as single letters.
_DRAWN = re.compile(r"(?:^|\s)(?:MathJax(?:_Preview|_Display|_SVG|_CHTML)?|katex-html|mjx-chtml)(?=\s|$)")


def drawn_text(node: LexborNode, tag: str) -> str | None:
    """The text of a formula or an emoji; "" for a drawing whose source stands elsewhere; None for anything else."""
    if tag == "img":
        return _of_image(node)
    if tag == "math":
        return _of_mathml(node)
    if tag == "script":
        kind = (node.attributes.get("type") or "").lower()
        return _marked(node.text()) if kind.startswith("math/tex") else None
    if tag == "mjx-container":
        math = node.css_first("math")
        return _of_mathml(math) if math is not None else None
    return None


def is_drawn(names: str) -> bool:
    """Whether class names say that a script drew this formula."""
    return _DRAWN.search(names) is not None


def _of_image(node: LexborNode) -> str | None:
    attributes = node.attributes
    alt = (attributes.get("alt") or "").strip()
    if not alt:
        return None
    names = attributes.get("class") or ""
    if len(alt) <= MAX_EMOJI and _EMOJI.search(names):
        return alt
    named = "eeimg" in attributes or _NAMED.search(names) is not None
    return _marked(alt) if named or _SERVED.search(attributes.get("src") or "") else None


def _of_mathml(node: LexborNode) -> str:
    source = node.css_first('annotation[encoding*="tex"], annotation[encoding*="TeX"], annotation[encoding*="latex"]')
    if source is not None:
        return _marked(source.text())
    if spoken := (node.attributes.get("alttext") or "").strip():
        return _marked(spoken)
    return " ".join(node.text(separator=" ").split())[:MAX_FORMULA]


def _marked(tex: str) -> str:
    """TeX between the signs by which readers and converters know it."""
    tex = " ".join(tex.split()).strip("$")[:MAX_FORMULA]
    if tex.startswith(r"{\displaystyle") and tex.endswith("}"):
        tex = tex[len(r"{\displaystyle") : -1].strip()
    return f"${tex}$" if tex else ""
