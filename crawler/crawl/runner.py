"""The way from a job to its outcome: plan, walk what is due, close the run.

The network stack is imported only where something is due.
"""

from __future__ import annotations

from crawler.core.errors import CrawlerError
from crawler.crawl import forkserver
from crawler.crawl.job import Job, Outcome, finish_job, prepare_job


def run_job(job: Job) -> Outcome:
    """Run a job to its end; returns also after a signal or a spent budget."""
    ready = prepare_job(job)
    run = ready.run
    if ready.plan.slots:
        if job.reader is None:
            forkserver.start()
        import trio

        from crawler.crawl.session import walk_job

        try:
            run = trio.run(walk_job, job, ready)
        except BaseExceptionGroup as group:  # nurseries wrap what a task raises; one line is what the user needs
            # KeyboardInterrupt: at the very end no task hears signals.
            ours = [error for error in _leaves(group) if isinstance(error, CrawlerError | KeyboardInterrupt)]
            if ours:
                raise ours[0] from group
            raise
    return finish_job(job, ready, run)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
