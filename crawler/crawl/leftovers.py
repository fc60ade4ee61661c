"""Checks that a killed run recorded and never judged: judged now, from what the archive holds of that run.

No host can be asked any more, so what is in doubt never counts; its links are still due, and are asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from crawler.core.model import Failure, History, State
from crawler.core.url import registrable
from crawler.schedule.fingerprint import forms
from crawler.schedule.history import first_seen
from crawler.schedule.outage import OF_THE_NETWORK, Watch
from crawler.schedule.stretch import DOMAINS, Seen, Stretch, seen_as

if TYPE_CHECKING:
    from crawler.archive import Archive, HeldCheck


def judge_leftovers(archive: Archive) -> int:
    """Let the held checks of killed runs count, or drop them; how many there were.

    An archive that is open for reading shows them as judged and stays as it is. While a run is writing there, its held
    checks are its own to judge.
    """
    waiting = sorted(archive.held(), key=lambda one: one.run)
    if not waiting or archive.is_being_written():
        return 0
    for run, members in groupby(waiting, key=lambda one: one.run):
        checks = sorted(members, key=lambda one: one.at)
        histories = {one.canonical_url: archive.history(one.canonical_url) for one in checks}
        believed = believed_of(checks, histories)
        archive.settle(run, sorted(believed), believed=True)
        archive.settle(run, sorted({one.canonical_url for one in checks if one.held} - believed), believed=False)
    return sum(one.held for one in waiting)


def believed_of(checks: Sequence[HeldCheck], histories: dict[str, History | None]) -> set[str]:
    """The canonical URLs of a run's held checks that count; `checks` are in the order of time."""
    stretch, watch = Stretch(), watched(checks, histories)
    seen = [_seen(one, histories) for one in checks if one.held or one.verdict is not State.BLOCKED]
    for check in seen:
        stretch.saw(check)
    stretch.conclude(seen)
    lost = {one.canonical_url for one in checks if _failed(one)} if watch.is_down() else lost_at_the_end(checks)
    return {
        one.canonical_url
        for one in checks
        if one.held
        and one.canonical_url not in lost
        and (stretch.doubtful | stretch.alone).isdisjoint(forms(one.said))
        and (stretch.few.isdisjoint(forms(one.said)) or one.verdict is State.ALIVE)
        and stretch.believes(one.said, one.at)
    }


def _seen(one: HeldCheck, histories: dict[str, History | None]) -> Seen:
    known = histories.get(one.canonical_url) or first_seen(one.canonical_url, one.canonical_url, one.at)
    if not one.held:  # it said what it had said before
        return Seen(one.at, registrable(one.host), "", remembered=True, changed=False, alive=known.state is State.ALIVE)
    return seen_as(one.at, one.host, one.said, known)


def watched(checks: Iterable[HeldCheck], histories: dict[str, History | None]) -> Watch:
    """Which hosts of a run answered, and which did not."""
    watch = Watch(set())
    for one in checks:
        history = histories.get(one.canonical_url)
        if history and history.checked_at and history.evidence.http_status is not None and not history.doubted_at:
            watch.known.add(one.host)
        (watch.failed if _failed(one) else watch.answered).add(one.host)
    return watch


def lost_at_the_end(checks: Sequence[HeldCheck]) -> set[str]:
    """Links that failed after the last answer, where they are of so many domains that the line may have been cut."""
    last = max((one.at for one in checks if not one.error), default=None)
    after = [one for one in checks if _failed(one) and (last is None or one.at >= last)]
    return {one.canonical_url for one in after} if len({registrable(one.host) for one in after}) >= DOMAINS else set()


def _failed(one: HeldCheck) -> bool:
    return one.error in {failure.value for failure in (*OF_THE_NETWORK, Failure.NO_SUCH_HOST)}
