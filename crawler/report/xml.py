"""Writing XML: a tree as text, without the characters that XML 1.0 cannot hold.

No format of reports is known here.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

# https://www.w3.org/TR/xml/#charsets
_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, text: str = "", attributes: dict[str, str] | None = None) -> ET.Element:
    """An element with text and attributes, invalid characters dropped."""
    made = ET.Element(tag, {key: valid(value) for key, value in (attributes or {}).items()})
    made.text = valid(text) or None
    return made


def valid(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return _INVALID.sub("", text)


def written(root: ET.Element) -> str:
    """The document, indented, with its declaration."""
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
