"""The command line: `crawler COMMAND [OPTIONS] [PATHS…]`.

Only the way in lives here: the table of commands, and how an error becomes one line and an exit code. A command's
module is imported when that command runs, so that `crawler links` never waits for the network stack.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.streams import give_up_stdout, guarded_streams, say, say_indented
from crawler.core.errors import CrawlerError, OutputError

# name -> (module of crawler.cli, one line of help)
COMMANDS = {
    "init": ("init", "Write a configuration for your notes; say what a run costs."),
    "run": ("run", "Check every link that is due, keep its page, report."),
    "check": ("check", "Check the links of an edit: the CI check."),
    "rearchive": ("rearchive", "Fetch links now and keep a new snapshot."),
    "import": ("import_", "Keep a page that you saved yourself."),
    "mark": ("mark", "Say that a link is fine or dead, above every check."),
    "links": ("links", "List every link of the notes; fetch nothing."),
    "report": ("report", "Write a report from the archive; send nothing."),
    "rejudge": ("rejudge", "Judge kept pages again with today's rules."),
    "explain": ("explain", "Show how the rules judge one page, rule by rule."),
    "show": ("show", "Show what is remembered and kept of one link."),
    "search": ("search", "Search the text of all kept pages."),
    "export": ("export", "Hand the archive to other tools."),
    "fix": ("fix", "Propose edits to notes: dead and moved links."),
    "serve": ("serve", "Show notes, links and kept pages in the browser."),
    "offload": ("offload", "Move sealed segments to an object store."),
    "verify": ("verify", "Check records, digests and rows of the archive."),
    "demo": ("demo", "Run the whole job on sample notes, on loopback."),
}

EXIT_SIGNAL = 3
EXIT_INTERNAL = 3


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """All commands, in the order of the table: that of a user's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's)
        """Import one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"crawler.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown command names the nearest known one."""
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(COMMANDS)}"
            if not near and os.path.lexists(args[0]):
                hint = f"; for these notes it is `crawler run {args[0]}`"
            raise click.UsageError(f"no such command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 nothing to act on, 1 findings, 2 wrong usage or configuration, 3 no network, stopped, "
    "archive in use, or an internal error.",
)
@click.version_option(None, "--version", package_name="linkhealth-crawler", prog_name="crawler")
@global_options
def cli(options: GlobalOptions) -> None:
    """Find every link in your notes, learn which are dead, and keep the pages while they live.

    PATHS are note files or folders; without any, [notes] paths of the configuration.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    hear_signals()
    with guarded_streams():
        code = run_cli(list(sys.argv[1:] if args is None else args))
    gc.freeze()  # what is left goes with the process: Python need not search it for circles first
    sys.exit(code)


def hear_signals() -> None:
    """Let SIGTERM, and SIGHUP where nobody told us to outlive the terminal (nohup), stop us as Ctrl-C does.

    Both become SIGINT, which trio and every waiting loop know how to take, also before a run hears signals itself.
    """

    def stop(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so shells start what they put into the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def run_cli(args: list[str]) -> int:
    """Run the command line; the exit code comes back, errors are one line on stderr."""
    gc.set_threshold(50_000, 20, 50)  # 25,000 links are many small objects, and none of them are circles
    try:
        result = cli.main(args, prog_name="crawler", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)  # our own words, on several lines
        return 2
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "crawler"
        say(f"crawler: {error.format_message()} (see `{command} --help`)")
        return 2
    except (click.Abort, KeyboardInterrupt):
        say("crawler: stopped")
        return EXIT_SIGNAL
    except CrawlerError as error:
        if isinstance(error, OutputError):
            give_up_stdout()
        say(f"crawler: {error}")
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away (`| head`): no news for anybody
        give_up_stdout()
        return 0
    except Exception as error:
        return _internal_error(error)
    return result if isinstance(result, int) else 0


def _internal_error(error: Exception) -> int:
    """Our fault: one line, and with CRAWLER_DEBUG=1 where it happened."""
    say(f"crawler: internal error: {type(error).__name__}: {error}")
    if os.environ.get("CRAWLER_DEBUG"):
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            say_indented(line)
    else:
        say("crawler: run again with CRAWLER_DEBUG=1 for the traceback, and please report it")
    return EXIT_INTERNAL
