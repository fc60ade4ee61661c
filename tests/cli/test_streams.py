"""The last line before a terminal: whatever a command prints does no harm, and a stream that fails is an exit code."""

import errno
import io
import os
import signal
import subprocess
import sys

import pytest

from crawler.cli import run_cli, streams
from crawler.cli.output import write_output
from crawler.cli.streams import SafeStream, guarded_streams, say
from crawler.core.errors import OutputError


class Terminal(io.StringIO):
    """A text stream that a person looks at."""

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A text stream that fails."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_styles_and_a_bar_pass_to_a_terminal_and_nothing_else_does() -> None:
    out = Terminal()
    SafeStream(out, is_talk=False).write("\x1b[1;31mred\x1b[0m \x1b]0;owned\x07\x1b[2J\x1b[6n\x1b[5;5Hx\x9b2J\n")
    assert out.getvalue() == "\x1b[1;31mred\x1b[0m x\n"
    bar = Terminal()
    SafeStream(bar, is_talk=True).write("\x1b[?25l\r\x1b[2K\x1b[1A\x1b[2K━━ 3/4\x1b[?25h")
    assert bar.getvalue() == "\x1b[?25l\r\x1b[2K\x1b[1A\x1b[2K━━ 3/4\x1b[?25h"


def test_results_on_a_pipe_are_exact() -> None:
    out = io.StringIO()
    SafeStream(out, is_talk=False).write("\x1b[2Jraw https://me:pw@a.example/\n")
    assert out.getvalue() == "\x1b[2Jraw https://me:pw@a.example/\n"


def test_talk_loses_secrets_commands_and_controls_wherever_it_comes_from() -> None:
    err = io.StringIO()
    SafeStream(err, is_talk=True).write("::error::x \x1b[2J https://me:pw@a.example/\n ##[error]y\n")
    assert err.getvalue() == ": :error::x  https://REDACTED@a.example/\n ## [error]y\n"


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "latin-1", "utf-8"])
def test_what_the_encoding_cannot_say_is_escaped(encoding: str) -> None:
    raw = io.BytesIO()
    out = SafeStream(io.TextIOWrapper(raw, encoding=encoding), is_talk=False)
    out.write("한글 \udcff é 😀\n")
    out.flush()
    assert raw.getvalue().decode(encoding).endswith("\n")
    assert b"\\udcff" in raw.getvalue()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EBADF])
def test_a_stdout_that_fails_is_an_error_of_ours_and_a_stderr_that_fails_is_none(code: int) -> None:
    broken = Broken(OSError(code, os.strerror(code)))
    with pytest.raises(OutputError, match=os.strerror(code)):
        SafeStream(broken, is_talk=False).write("x")
    SafeStream(broken, is_talk=True).write("x")
    SafeStream(Broken(BrokenPipeError()), is_talk=True).write("x")
    with pytest.raises(BrokenPipeError):
        SafeStream(Broken(BrokenPipeError()), is_talk=False).write("x")


def test_streams_that_were_closed_by_the_caller_take_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        print("x")  # noqa: T201
        say("y")
        assert run_cli(["--version"]) == 0


def test_in_a_workflow_only_the_format_for_it_gives_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write_output(None, "::error::x\n##[error]y\n")
    write_output(None, "::error::x\n", commands=True)
    assert capsys.readouterr().out == ": :error::x\n## [error]y\n::error::x\n"
    assert streams.shown_text("::error::x") == ": :error::x"
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert streams.shown_text("::error::x") == "::error::x"


def test_an_internal_error_is_harmless_with_and_without_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a\n::error::b \x1b[2J https://me:pw@a.example/")

    monkeypatch.setattr("crawler.cli.cli.main", lambda *_args, **_options: fail(None))
    for debug in ("", "1"):
        monkeypatch.setenv("CRAWLER_DEBUG", debug)
        assert run_cli(["links"]) == 3
        err = capsys.readouterr().err
        assert "\x1b" not in err
        assert "pw" not in err
        assert not any(line.lstrip().startswith("::") for line in err.splitlines())


HEARD = """
import os, signal, sys, time
from crawler.cli import hear_signals
hear_signals()
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.1)
except KeyboardInterrupt:
    sys.exit(3)
"""


@pytest.mark.parametrize(
    ("name", "ignored", "code"),
    [
        ("SIGTERM", (), 3),
        ("SIGHUP", (), 3),
        ("SIGHUP", ("SIGHUP",), 0),
        ("SIGTERM", ("SIGHUP", "SIGINT"), 3),  # nohup crawler &, in a script
        ("SIGINT", ("SIGINT",), 0),
    ],
)
def test_signals_stop_a_command_before_its_run_hears_them_and_nohup_is_heeded(
    name: str, ignored: tuple[str, ...], code: int
) -> None:
    def ignore() -> None:
        for each in ("SIGHUP", "SIGINT"):
            signal.signal(getattr(signal, each), signal.SIG_IGN if each in ignored else signal.SIG_DFL)

    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it takes SIGTERM
    command = [sys.executable, "-c", HEARD.format(name=name)]
    done = subprocess.run(command, preexec_fn=ignore, env=plain, check=False)
    assert done.returncode == code
