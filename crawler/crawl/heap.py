"""What a process does with memory that it freed, where its allocator can be told.

Only that lives here; how much a page may take is `worker`'s, what is held at once `fetch.holding`'s.
"""

from __future__ import annotations

import ctypes

KEPT_BYTES = 32 * 1024 * 1024  # freed memory that a process keeps; the most that glibc takes from its heap at once
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_freed_memory() -> None:
    """Let the allocator keep what a page of some MB freed for the next one.

    glibc gives it back to the system, and every page of it is faulted in again: 9 ms for a page of 2.4 MB, which takes
    5 ms to read (measured in a virtual machine; less elsewhere). Other libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
        mallopt(parameter, KEPT_BYTES)
