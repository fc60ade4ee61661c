"""Handing the archive to other tools: WACZ, WARC, a folder of HTML, a folder of Markdown.

Each writer reads captures one after the other from a `CaptureSource`, so that an archive of any size passes through
little memory. What a capture holds is the archive's business; nothing here fetches or judges.
"""

from crawler.archive.interchange.source import CaptureSource, Done

__all__ = ["CaptureSource", "Done"]
