"""`crawler init`: a configuration for the notes of a folder, what a first run costs, and how to run every night."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.output import write_file
from crawler.cli.program import command_line, typed
from crawler.cli.streams import write_result
from crawler.core.counts import Counted
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.crawl.newcomer import Newcomer

NAME = "crawler.toml"
MAX_QUEUES = 5  # shown
BUDGET = 7200  # seconds; what `newcomer.configuration` writes
WORKFLOWS = {"scheduled.yml": "links.yml", "check.yml": "check-links.yml"}  # of config/github -> in .github/workflows

SERVICE = """\
[Unit]
Description=Link health and archive of the notes in {folder}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={program} run --quiet
KillMode=mixed
TimeoutStopSec=60
SuccessExitStatus=3
Nice=10
"""
TIMER = """\
[Unit]
Description=Link health and archive of the notes in {folder}, every night

[Timer]
OnCalendar=*-*-* 02:30:00
RandomizedDelaySec=45min
FixedRandomDelay=yes
Persistent=yes

[Install]
WantedBy=timers.target
"""


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--timer", is_flag=True, help="Also write a systemd timer of your own, which runs every night.")
@click.option("--workflow", is_flag=True, help="Also write GitHub workflows: the nightly run, the check of edits.")
@global_options
def command(options: GlobalOptions, *, folder: Path, force: bool, timer: bool, workflow: bool) -> int:
    """Write a crawler.toml for the notes of FOLDER [.], and say what a first run costs. No request is sent.

    Knows Jekyll, Hugo, Hexo, Docusaurus, MkDocs, Obsidian and plain folders, and finds the rest by their usual folders.
    """
    from crawler.core.config import load_settings, shipped_config
    from crawler.crawl.newcomer import configuration, newcomer

    folder = folder.resolve()
    own, others = folder / NAME, extras(folder, shipped_config() / "github", timer=timer, workflow=workflow)
    kept = bool(others) and own.exists() and not force  # a configuration that works is not what --timer is about
    for file in others if kept else (own, *others):
        if file.exists() and not force:
            raise UsageError(f"{file} is there already; --force replaces it")
    found = newcomer(folder, load_settings(shipped_config() / NAME))
    for file, text in (others if kept else {own: configuration(found.layout)} | others).items():
        write_file(file, text)
        write_result(f"wrote {file}\n")
    if not options.quiet:
        write_result(advice(found, timer=timer, workflow=workflow))
    return 0


def extras(folder: Path, shipped: Path, *, timer: bool, workflow: bool) -> dict[Path, str]:
    """The files that --timer and --workflow ask for, with what they hold."""
    files = timer_files(folder) if timer else {}
    if workflow:
        at = folder / ".github" / "workflows"
        files |= {at / ours: (shipped / name).read_text(encoding="utf-8") for name, ours in WORKFLOWS.items()}
    return files


def timer_files(folder: Path) -> dict[Path, str]:
    """A service and a timer of the user's own, which need no root."""
    import os

    at = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    text = {"folder": str(folder).replace("%", "%%"), "program": command_line().replace("%", "%%").replace("$", "$$")}
    return {at / "crawler.service": SERVICE.format(**text), at / "crawler.timer": TIMER.format(**text)}


def advice(found: Newcomer, *, timer: bool, workflow: bool) -> str:
    """What was found, what a first run costs, and what to type next."""
    from crawler.core.display import plain
    from crawler.report.figures import duration

    lines = [f"{found.layout.title}: {Counted(found.notes):note}, {Counted(found.links):link} on the web."]
    if found.queues:
        lines.append(f"A first run takes {duration(found.seconds)}, as long as its longest queue:")
        rows = [
            (plain(q.site), f"{Counted(q.links):link} x {q.interval:g} s", duration(q.seconds)) for q in found.queues
        ]
        width = max(len(site) for site, _, _ in rows[:MAX_QUEUES])
        lines += [f"  {site:<{width}}  {sum_} = {seconds}" for site, sum_, seconds in rows[:MAX_QUEUES]]
        if len(rows) > MAX_QUEUES:
            lines.append(f"  … and {Counted(len(rows) - MAX_QUEUES)} more, side by side with these")
        if found.seconds > BUDGET:
            nights = Counted(-(-int(found.seconds) // BUDGET))
            lines.append(f"Within the configured budget of {duration(BUDGET)} that is {nights:night}.")
        lines.append("It may be stopped at any time: the next run goes on where it ended.")
    where = str(found.folder).replace('"', '\\"').replace("%", "\\%")
    lines += ["", "Next:"]
    if found.folder.resolve() != Path.cwd():
        here = shlex.quote(plain(str(found.folder)))
        lines.append(f"  cd {here}   # the crawler reads the crawler.toml of where it is started")
    name = typed(from_anywhere=True)
    lines.append(f"  {name} run --max-links 50    # a first try: the 50 most urgent links")
    if timer:
        lines.append("  systemctl --user daemon-reload && systemctl --user enable --now crawler.timer")
    else:
        lines.append(f"  {name} init --timer          # every night: a systemd timer of your own")
        lines.append(f'  or a line for `crontab -e`:   17 2 * * *  cd "{where}" && {command_line()} run --quiet')
    if not workflow and (found.folder / ".git").exists():
        lines.append(f"  {name} init --workflow       # on GitHub: the nightly run, and the check of each edit")
    if (found.folder / ".git").exists():
        lines.append("  echo archive/ >> .gitignore   # what is kept does not belong into the repository")
    return "".join(f"{line}\n" for line in lines)
