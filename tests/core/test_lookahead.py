"""Work begun ahead: results in order, no more begun than was asked for, and nothing begun that nobody wants."""

from concurrent.futures import Future

import pytest

from crawler.core.lookahead import in_order


class Begun:
    """Work that is done when it is begun, and a record of what was."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.futures: list[Future[int]] = []

    def __call__(self, item: int) -> Future[int]:
        done: Future[int] = Future()
        self.items.append(item)
        self.futures.append(done)
        if item >= 0:
            done.set_result(item * item)
        return done


def test_results_come_with_their_items_in_order() -> None:
    assert list(in_order(Begun(), range(9), 3)) == [(n, n * n) for n in range(9)]
    assert list(in_order(Begun(), range(2), 3)) == [(0, 0), (1, 1)]
    assert list(in_order(Begun(), (), 3)) == []


@pytest.mark.parametrize(("most", "most_size", "begun"), [(3, 100, 4), (3, 25, 3), (3, 5, 2), (0, 100, 1)])
def test_no_more_is_begun_than_either_bound_allows(most: int, most_size: int, begun: int) -> None:
    work = Begun()
    next(in_order(work, range(9), most, size=lambda _: 10, most_size=most_size))
    assert work.items == list(range(begun))


def test_what_nobody_wants_any_more_is_cancelled() -> None:
    work = Begun()
    results = in_order(work, [1, -2, -3], 2)
    assert next(results) == (1, 1)
    results.close()
    assert [future.cancelled() for future in work.futures] == [False, True, True]


def test_a_failure_is_raised_at_its_item_and_the_rest_is_cancelled() -> None:
    work = Begun()
    results = in_order(work, [1, -2, -3, -4], 2)
    assert next(results) == (1, 1)
    work.futures[1].set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert [future.cancelled() for future in work.futures] == [False, False, True, True]
