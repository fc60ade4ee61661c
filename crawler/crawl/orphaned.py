"""What the fork server imports first, and nobody else: when the program is gone, it and its readers end in silence.

A program that is killed while it hands a reader its work leaves a message that was cut off. The reader, which is
nobody's by then, would print the traceback of that to the terminal of whoever killed the program.
"""

from __future__ import annotations

import sys
from pickle import UnpicklingError
from types import TracebackType

CUT_OFF = (EOFError, UnpicklingError, ConnectionError)  # what reading a message raises whose sender is gone


def _end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, CUT_OFF):
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _end
