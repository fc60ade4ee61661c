"""How many connections this process may hold open: each is a file to the system, and their number is limited."""

from __future__ import annotations

import contextlib
import logging
import resource

from crawler.core.counts import Counted

SPARE = 80  # files for the archive, readers, look-ups of names, and what libraries open when first used; guess


def affordable(concurrency: int) -> int:
    """As many connections as the limit of open files leaves room for, at most `concurrency`; raised if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return concurrency
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft >= wanted:
        return concurrency
    most = max(soft - SPARE, 1)
    line = f"only {Counted(soft):file} may be open: {Counted(most):connection} at once in place of {concurrency:,}"
    logging.getLogger("crawler.fetch").warning("crawler: %s; see `ulimit -n`", line)
    return most
