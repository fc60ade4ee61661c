"""`crawler demo`: the whole job on sample notes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from crawler.cli.options import GlobalOptions, global_options


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

    telling = Telling(lambda arguments: run_cli(list(arguments)), say, _typed())
    return run_demo(out, telling, stay=stay)


def _typed() -> str:
    """What has to be typed for this command here: its path, where it is not on PATH (as in a checkout)."""
    started = Path(sys.argv[0])
    return str(started) if started.name == "crawler" and not shutil.which("crawler") else "crawler"
