"""Times as pages write them."""

import pytest

from crawler.page.times import timestamp


@pytest.mark.parametrize(
    ("raw", "chinese", "expected"),
    [
        ("2019-09-07T13:43:45+08:00", False, "2019-09-07T13:43:45+08:00"),
        ("2019-09-07T13:43:45.123Z", False, "2019-09-07T13:43:45Z"),
        ("2019-09-07 13:43", True, "2019-09-07T13:43:00+08:00"),
        ("2019-09-07 13:43", False, "2019-09-07"),
        ("发布于 2019年9月7日 13:43", True, "2019-09-07T13:43:00+08:00"),
        ("2019/9/7", True, "2019-09-07"),
        ("20190907T134345Z", False, "2019-09-07T13:43:45Z"),
        ("1762747210", True, "2025-11-10T12:00:10+08:00"),
        ("1762747210", False, "2025-11-10T04:00:10Z"),
        ("1762747210000", False, "2025-11-10T04:00:10Z"),
        ("Sat, 07 Sep 2019 05:43:45 GMT", False, "2019-09-07T05:43:45Z"),
        ("September 7, 2019", False, "2019-09-07"),
        ("7th Sept. 2019", False, "2019-09-07"),
        ("2019-13-45", False, ""),
        ("1066-10-14", False, ""),
        ("9999999999", False, ""),
        ("yesterday", False, ""),
        ("", False, ""),
    ],
)
def test_a_time_is_as_exact_as_the_page_tells(raw: str, chinese: bool, expected: str) -> None:
    assert timestamp(raw, chinese=chinese) == expected
