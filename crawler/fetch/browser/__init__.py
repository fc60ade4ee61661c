"""A page as a browser shows it: an installed Chromium, driven over a pipe, one page at a time.

What the browser may reach is not decided here: every connection of its goes through a tunnel to a `Connect` that the
caller gives. What a page means is the judge's.
"""

from __future__ import annotations

from crawler.fetch.browser.page import PageRequest, Rendered, show
from crawler.fetch.browser.process import Setup, find_browser, open_browser
from crawler.fetch.browser.tunnel import ByteStream, Connect, Forwarding, open_tunnel

__all__ = [
    "ByteStream",
    "Connect",
    "Forwarding",
    "PageRequest",
    "Rendered",
    "Setup",
    "find_browser",
    "open_browser",
    "open_tunnel",
    "show",
]
