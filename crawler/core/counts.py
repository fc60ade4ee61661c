"""Counts with their nouns, so that one link is never "1 links".

Only numbers of things; durations, sizes and days of reports are `report.figures`'.
"""

from __future__ import annotations


class Counted(int):
    """A number that is written with what it counts.

    `f"{Counted(2):link}"` is "2 links", `f"{Counted(1):link}"` "1 link", and a plain `f"{Counted(13663)}"` "13,663". A
    plural that an s does not make stands behind a bar: `f"{Counted(2):copy|copies}"`, `f"{Counted(1):link waits|links
    wait}"`. Templates take it as they take a number: `"{left:link}".format(left=Counted(1))`.
    """

    __slots__ = ()

    def __format__(self, noun: str) -> str:
        """The number in groups of three, and the noun in its singular or plural where one is given."""
        one, _, many = noun.partition("|")
        digits = f"{int(self):,}"
        return digits if not noun else f"{digits} {one}" if self == 1 else f"{digits} {many or one + 's'}"
