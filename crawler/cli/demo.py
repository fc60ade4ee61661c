"""`crawler demo`: the whole job on sample notes against stand-in sites on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import Options, global_options


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), help="Work folder [./crawler-demo].")
@click.option("--stay", is_flag=True, help="Keep the stand-in web up until Ctrl-C, to try other commands against it.")
@global_options
def command(_: Options, out: Path | None, stay: bool) -> int:
    """Run the whole job on sample notes against stand-in WeChat, Zhihu and blog sites on this machine.

    Nothing leaves this machine. The work folder keeps the notes, the archive and the reports to look at afterwards.
    """
    from crawler.cli import run_cli
    from crawler.demo import run_demo

    return run_demo(out, crawl=lambda arguments: run_cli(list(arguments)), say=click.echo, stay=stay)
