"""Link health and archive for Markdown notes: find links, judge them, keep the pages.

The house is described in ARCHITECTURE.md; `crawler.model` has the nouns that everything else speaks.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("linkhealth-crawler")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0+unknown"
