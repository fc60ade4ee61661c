"""How this program is started here: what a person types, and what a timer must write.

Only names of the command; what is typed behind it is each command's own.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "crawler"


def typed(*, from_anywhere: bool = False) -> str:
    """What a person types: "crawler" where it is on PATH, else its path (whole where it is typed `from_anywhere`)."""
    if shutil.which(NAME):
        return NAME
    started = Path(sys.argv[0])
    if started.name != NAME:
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    return shlex.quote(str(started.absolute() if from_anywhere else started))


def command_line() -> str:
    """The command as a timer must write it: its whole path, in quotes."""
    found = shutil.which(NAME)
    return f'"{found}"' if found else f'"{sys.executable}" -m {NAME}'
