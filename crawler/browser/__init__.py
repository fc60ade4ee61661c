"""A page as a browser shows it: an installed Chromium, driven over a pipe, one page at a time.

What the browser may reach is not decided here: every connection of its goes through a tunnel to a `Connect` that the
caller gives. What a page means is the judge's.
"""

from __future__ import annotations

from crawler.browser.page import Rendered, Wanted, show
from crawler.browser.process import Setup, find_browser, open_browser
from crawler.browser.tunnel import Connect, Stream, open_tunnel

__all__ = [
    "Connect",
    "Rendered",
    "Setup",
    "Stream",
    "Wanted",
    "find_browser",
    "open_browser",
    "open_tunnel",
    "show",
]
