"""The limit of open files and the number of connections."""

import resource

import pytest

from crawler.fetch.descriptors import SPARE, affordable


@pytest.mark.parametrize(
    ("soft", "hard", "asked", "allowed", "raised"),
    [
        (1024, 4096, 64, 64, 1024),
        (256, 4096, 500, 500, 500 + SPARE),
        (256, resource.RLIM_INFINITY, 500, 500, 500 + SPARE),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 500, 500, resource.RLIM_INFINITY),
        (100, 100, 64, 100 - SPARE, 100),
        (50, 60, 64, 1, 60),
    ],
)
def test_the_limit_is_raised_and_else_fewer_connections_are_opened(
    soft: int, hard: int, asked: int, allowed: int, raised: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = [soft, hard]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limit))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limit.__setitem__(slice(None), new))
    assert affordable(asked) == allowed
    assert limit[0] == raised


def test_a_limit_that_cannot_be_raised_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_kind: int, _limits: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert affordable(64) == 100 - SPARE
