"""`crawler serve`: the viewer, a local web page over notes, links and kept pages."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import GlobalOptions, global_options, paths_argument
from crawler.core.errors import UsageError

INSTALL = "pip install 'linkhealth-crawler[serve]'"


@click.command("serve")
@paths_argument
@click.option("--host", help="Address to listen on [127.0.0.1: this machine only].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one [8765].")
@global_options
def command(options: GlobalOptions, *, paths: tuple[Path, ...], host: str | None, port: int | None) -> int:
    """Show notes, links and kept pages in the browser, until Ctrl-C; works while a run writes.

    Prints one line, the address to open. Its token lets that browser act; without it the viewer is read-only.
    """
    try:
        import hypercorn  # noqa: F401
        import starlette  # noqa: F401
    except ImportError:
        raise UsageError(f"the viewer needs Starlette and Hypercorn: {INSTALL}") from None
    from crawler.crawl.context import sites_of, utc_now
    from crawler.serve.access import Access
    from crawler.serve.app import make_app
    from crawler.serve.library import Library
    from crawler.serve.pages.start import warm
    from crawler.serve.server import bind, run_server
    from crawler.serve.tasks import Tasks

    settings = options.settings()
    where = host if host is not None else settings.serve.host
    listening = bind(where, settings.serve.port if port is None else port)
    try:
        access = Access(where, int(listening.getsockname()[1]), settings.serve.public)
        library = Library(settings, sites_of(settings), paths, utc_now)
    except BaseException:
        listening.close()
        raise
    warm(library)
    tasks = Tasks(library.refresh)
    app = make_app(library, access, tasks)
    try:
        run_server(app, listening, lambda: click.echo(f"{access.address}?token={access.token}"))
    finally:
        tasks.close()
        library.close()
    return 0
