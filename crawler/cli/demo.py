"""`crawler demo`: the whole job on sample notes."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.program import typed


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Work folder [./crawler-demo].")
@click.option("--stay", is_flag=True, help="Keep the stand-in sites up afterwards, until Ctrl-C.")
@global_options
def command(options: GlobalOptions, *, out: Path | None, stay: bool) -> int:
    """Run the whole job on sample notes against stand-in sites on this machine; nothing leaves it."""
    from crawler.cli import run_cli
    from crawler.testing.demo import Telling, run_demo

    def say(line: str) -> None:
        if not options.quiet:
            click.echo(line)

    telling = Telling(lambda arguments: run_cli(list(arguments)), say, typed())
    return run_demo(out, telling, stay=stay)
