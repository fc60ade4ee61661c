"""Many processes that crawl for one run, on Dask: who they are, what they are sent, what comes back.

The first half of the pipeline (slots to checks) runs in workers, here or on other machines; the coordinator plans,
records and reports as a run on one machine does. What a check is and what is kept of it is `crawl`'s.

- `messages`: what travels
- `coordinator`: deals slots out, hands checks to the recorder, gives lost slots to others
- `worker`: crawls the slots it was dealt
- `local`: worker processes on this machine
"""

from crawler.cluster.opening import open_cluster

__all__ = ["open_cluster"]
