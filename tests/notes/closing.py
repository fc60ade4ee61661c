"""Folders that may not be read: for root too, who may else read everything."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CAPABILITIES = 0x20080522  # _LINUX_CAPABILITY_VERSION_3 (capabilities(7)): two words each of what is in effect
READ_ALL = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def closed(*paths: Path, mode: int = 0) -> Iterator[None]:
    """Paths of this mode, for this thread; what they were before afterwards."""
    before = {path: path.stat().st_mode for path in paths}
    with _as_anybody():
        for path in paths:
            path.chmod(mode)
        try:
            yield
        finally:
            for path, old in before.items():
                path.chmod(old)


@contextmanager
def _as_anybody() -> Iterator[None]:
    if sys.platform == "win32" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("permissions do not keep this user out")
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~READ_ALL
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0
