"""Link health and archive for Markdown notes: find links, judge them, keep the pages.

The house is described in ARCHITECTURE.md; `crawler.core.model` has the nouns that everything else speaks.
"""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when asked for: reading package metadata takes longer than extracting a note's links."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("linkhealth-crawler")
    except PackageNotFoundError:  # run from a tree that was never installed
        return "0+unknown"
