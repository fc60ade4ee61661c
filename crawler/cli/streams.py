"""The standard streams of the command line: whatever is printed, and by whom, does no harm to who reads it.

`guarded_streams` stands between the program and its streams while a command runs. It is the last line: what is printed
was made safe where it was made (`core.display`); here a forgotten string loses its teeth all the same, what the
encoding of a terminal cannot say is escaped, and a closed or full stream is an exit code and not a traceback. What is
shown is not decided here.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO, cast

from crawler.core.display import ESCAPED, message, redacted, screen, without_commands
from crawler.core.errors import OutputError

# What rich writes on a terminal: colours and styles, and for the bar: up, to the line's start, erase, show and hide
# the cursor. Nothing among them asks the terminal for an answer, sets its title, or leads anywhere.
_OURS = re.compile(r"(\x1b\[[0-9;]{0,32}m|\x1b\[[0-9]{0,3}A|\x1b\[[0-9]{0,1}K|\x1b\[\?25[lh]|\r(?=\x1b\[))")


class SafeStream(io.TextIOBase):
    """A text stream that passes harmless text on to `stream`; everything else of it is the stream's own.

    On a terminal all but styles and cursor moves of a progress bar is dropped, for talk (`is_talk`: stderr) also on
    pipes, together with secrets and what a workflow runner would obey; an error of writing talk is no error of the
    program. Errors of writing results are `OutputError`; BrokenPipeError stays what it is.
    """

    def __init__(self, stream: TextIO, *, is_talk: bool) -> None:
        self._stream = stream
        self._is_talk = is_talk
        self._terminal = stream.isatty()
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)

    def write(self, text: str) -> int:
        """Write text, made safe. Raises OutputError, BrokenPipeError."""
        if self._is_talk:
            if not text.startswith("{"):  # events in JSON were redacted before they were encoded
                text = redacted(without_commands(text))
        elif is_workflow():
            text = without_commands(text)
        return self.write_commands(text)

    def write_commands(self, text: str) -> int:
        """The same for text with workflow commands that are meant. Raises OutputError, BrokenPipeError."""
        if self._terminal:
            text = "".join(part if at % 2 else screen(part) for at, part in enumerate(_OURS.split(text)))
        elif self._is_talk:
            text = screen(text)
        with self._writing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand everything to the system. Raises OutputError, BrokenPipeError."""
        with self._writing():
            self._stream.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            if not self._is_talk:
                raise
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            if not self._is_talk:
                raise OutputError(f"results cannot be written to stdout: {_why(error)}") from error

    @property
    def buffer(self) -> IO[bytes]:
        """The bytes below, for what is no text."""
        return cast(IO[bytes], self._stream.buffer)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property there as well, of a C type
        """The encoding of the stream; for ASCII a name that click does not know, or it would go round this class."""
        name = self._stream.encoding
        return f"{name}-escaped" if is_ascii(name) else name

    def fileno(self) -> int:
        """The descriptor of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._terminal

    def writable(self) -> bool:
        """Always."""
        return True


def is_ascii(encoding: str) -> bool:
    """Whether a stream of this encoding knows no other letters."""
    try:
        return codecs.lookup(encoding).name == "ascii"
    except LookupError:
        return False


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def fill_descriptors() -> None:
    """Take the descriptors 0 to 2 where the caller closed them: else the archive's next file would be "stdout"."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """stdout and stderr are safe while the block runs; one that the caller closed takes everything in silence."""
    fill_descriptors()
    stdout, stderr = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        sys.stdout = cast(TextIO, SafeStream(stdout or nowhere, is_talk=False))
        sys.stderr = cast(TextIO, SafeStream(stderr or nowhere, is_talk=True))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = stdout, stderr


def say(line: str) -> None:
    """One line of talk on stderr: an error, a note that is skipped. Never raises."""
    say_raw(message(line))


def say_raw(text: str) -> None:
    """A line on stderr that is safe for a terminal already. Never raises."""
    try:
        sys.stderr.write(without_commands(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody listens
        pass


def say_indented(line: str) -> None:
    """A line of a traceback: as `say`, with the spaces in front."""
    indent = len(line) - len(line.lstrip(" "))
    say_raw(" " * indent + message(line))


def give_up_stdout() -> None:
    """Nothing more can be written there: what is still buffered must not raise when the process ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no descriptor: nothing to flush
        pass


def write_result(text: str, *, commands: bool = False) -> None:
    """Results on stdout; what looks like a workflow command is one only where `commands` are meant."""
    if isinstance(sys.stdout, SafeStream) and commands:
        sys.stdout.write_commands(text)
    else:
        sys.stdout.write(text if commands or not is_workflow() else without_commands(text))


def shown_text(text: str) -> str:
    """Text of a page for stdout: as it is kept on a pipe, without what a terminal or a workflow runner obeys there."""
    if sys.stdout.isatty():
        return screen(text)
    return without_commands(text) if is_workflow() else text


def is_workflow() -> bool:
    """Whether a runner of GitHub Actions reads what is printed, and obeys it."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def is_plain_terminal() -> bool:
    """Whether the terminal says that it knows no escapes."""
    return os.environ.get("TERM", "") in ("dumb", "unknown")
