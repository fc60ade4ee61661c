"""The tree of *our* failures: what went wrong with us, never with the web.

A broken web is a value (`model.Failure`, `model.Verdict`); a broken crawler is an exception of this tree:

    CrawlerError
    |- UsageError          wrong command line                               exit 2
    |- ConfigError         a configuration or site file says what cannot be  exit 2
    |- NotesError          notes that cannot be found or read                exit 2
    |- GitError            git is missing, or cannot answer                  exit 2
    |- BrowserError        no Chromium, or one that does not start           exit 2
    |- ClusterError        no scheduler, no workers, no extra installed      exit 2
    |- OutputError         stdout is full, closed or gone                    exit 3
    |- ArchiveError        the archive folder cannot be opened or written    exit 2
       |- ArchiveBusy      another run holds it                              exit 3
       |- ArchiveDamaged   bytes or rows that contradict each other          exit 2
       |- ArchiveFull      no space left, in mid-run                         exit 3
       |- ArchiveGone      the folder vanished, in mid-run                   exit 3
       |- StoreError       the object store does not answer                  exit 3
          |- StoreRefused  it is not set, not there, or refuses us           exit 2

Every message says what, where, and how to mend it, on one line. Of an exception that is none of these, `summary` is the
line. Which failures are the web's is told by the wire (`fetch.errors`).
"""

MAX_SUMMARY = 200  # characters of an exception where it is one field among others


def summary(error: BaseException | None) -> str:
    """An exception of any kind as one bounded line: its class and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:MAX_SUMMARY]


class CrawlerError(Exception):
    """Base of our failures; `exit_code` is what the command line ends with."""

    exit_code = 2


class UsageError(CrawlerError):
    """The command line asks for something that cannot be."""


class ConfigError(CrawlerError):
    """A configuration or site file is wrong; the message names file, key and the nearest known key."""


class NotesError(CrawlerError):
    """A note path does not exist or cannot be read."""


class GitError(CrawlerError):
    """git is not there, or could not answer what we asked."""


class BrowserError(CrawlerError):
    """A browser is asked for, and there is none that starts."""


class ClusterError(CrawlerError):
    """Other processes are to crawl, and there are none that can."""


class OutputError(CrawlerError):
    """Results were made and cannot be written to stdout; the work itself is done and kept."""

    exit_code = 3


class ArchiveError(CrawlerError):
    """The archive folder cannot be opened, read or written."""


class ArchiveBusy(ArchiveError):
    """Another run holds the archive; the message names its process."""

    exit_code = 3


class ArchiveDamaged(ArchiveError):
    """Stored bytes and rows contradict each other; `crawler verify` tells more."""


class ArchiveFull(ArchiveError):
    """No space left on the device; what was acknowledged before is safe."""

    exit_code = 3


class ArchiveGone(ArchiveError):
    """The archive's folder, or the open segment in it, vanished while it was in use."""

    exit_code = 3


class StoreError(ArchiveError):
    """The object store that holds sealed segments does not answer; what was done before is kept."""

    exit_code = 3


class StoreRefused(StoreError):
    """No object store is set, it is not there, or it refuses us: waiting does not help, a setting does."""

    exit_code = 2
