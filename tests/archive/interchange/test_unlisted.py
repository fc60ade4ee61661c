"""Zip files whose directory is missing: whole members are found by their own headers, within bounds."""

import random
import zipfile
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive.interchange import unlisted, zips
from crawler.archive.interchange.unlisted import HEADER, LENGTH, Unlisted, members_of
from crawler.archive.interchange.zipped import read_zipped
from crawler.core.errors import UsageError

NOISE = random.Random(1).randbytes(3_000)
FILES = {
    "index.html": b"<p>A page.</p>" * 40,
    "a.png": NOISE,
    "b.png": NOISE[::-1],
    "名.txt": b"",
    "z.css": b"p {}" * 9,
}


class Pipe(BytesIO):
    """Where nothing can be written behind: sizes then stand after each member."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError("a pipe")

    def tell(self) -> int:
        raise OSError("a pipe")


def made(method: int, *, piped: bool, large: bool = False) -> bytes:
    """A zip of `FILES`; `large`: with sizes of 64 bits."""
    out = Pipe() if piped else BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in FILES.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=large) as member:
                member.write(body)
    return out.getvalue()


def without_directory(data: bytes) -> bytes:
    return data[: data.index(b"PK\x01\x02")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(("piped", "large"), [(False, False), (True, False), (False, True)])
def test_members_are_found_without_a_directory(method: int, piped: bool, large: bool) -> None:
    data = without_directory(made(method, piped=piped, large=large))
    with zips.open_zip(BytesIO(data)) as package:
        assert isinstance(package, Unlisted)
        assert {name: zips.read_member(package, name, 10_000) for name in package.namelist()} == FILES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("piped", [False, True])
def test_wherever_a_zip_is_cut_its_whole_members_are_read(method: int, piped: bool) -> None:
    data = made(method, piped=piped)
    starts = [member.header_offset for member in zipfile.ZipFile(BytesIO(data)).infolist()]
    ends = [*starts[1:], data.index(b"PK\x01\x02")]
    for cut in range(30, len(without_directory(data)), 97):
        package = members_of(BytesIO(data[:cut]))
        whole = {}
        for name in package.namelist() if package else ():
            try:
                whole[name] = zips.read_member(package, name, 10_000)  # type: ignore[arg-type]  # not None
            except zips.DAMAGE:
                assert name == package.namelist()[-1]  # type: ignore[union-attr]  # as above
        assert whole.items() <= FILES.items()
        assert len(whole) >= sum(end <= cut for end in ends)


def test_the_page_of_a_zip_that_was_cut_off_is_read_and_the_loss_is_told() -> None:
    data = made(zipfile.ZIP_STORED, piped=False)
    lost: list[str] = []
    (page,) = read_zipped("a.zip", data[: data.index(b"b.png") + 500], lost.append, pytest.fail)
    assert page.body == FILES["index.html"]
    assert [image.url for image in page.images] == ["a.png"]
    assert "b.png" in page.flaws[0]
    assert lost == ["cut off, or without its directory: what is whole in it is taken"]


def test_a_zip_that_was_cut_within_its_page_is_refused() -> None:
    with pytest.raises(UsageError, match=r"index\.html is damaged"):
        list(read_zipped("a.zip", made(zipfile.ZIP_DEFLATED, piped=True)[:60], lambda _: None, pytest.fail))


def test_members_behind_damage_are_found() -> None:
    data = bytearray(without_directory(made(zipfile.ZIP_DEFLATED, piped=False)))
    at = data.index(b"PK\x03\x04", 10)
    data[at : at + 4] = b"\0" * 4
    package = members_of(BytesIO(bytes(data)))
    assert package is not None
    assert package.namelist() == ["index.html", "b.png", "名.txt", "z.css"]


@given(st.binary(max_size=300), st.integers(0, 6_000), st.integers(0, 255))
def test_no_file_breaks_the_reading(tail: bytes, at: int, value: int) -> None:
    data = bytearray(without_directory(made(zipfile.ZIP_DEFLATED, piped=True)) + tail)
    data[at % len(data)] = value
    for member in (members_of(BytesIO(bytes(data))) or Unlisted(None, {})).infolist():
        assert member.compress_size >= 0
    members_of(BytesIO(b"PK\x03\x04" + tail))


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    data = without_directory(made(zipfile.ZIP_DEFLATED, piped=True))
    monkeypatch.setattr(unlisted, "MAX_MEMBERS", 2)
    found = members_of(BytesIO(data))
    assert found is not None
    assert len(found.namelist()) == 2
    monkeypatch.setattr(unlisted, "MAX_MEMBERS", 9)
    monkeypatch.setattr(unlisted, "MAX_UNPACKED", 100)
    found = members_of(BytesIO(data))
    assert found is not None
    assert len(found.namelist()) == 1


def test_headers_without_names_are_looked_at_up_to_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    data = (HEADER + bytes(LENGTH - len(HEADER))) * 9 + without_directory(made(zipfile.ZIP_DEFLATED, piped=True))
    monkeypatch.setattr(unlisted, "MAX_MEMBERS", 9)
    assert members_of(BytesIO(data)) is None
    monkeypatch.setattr(unlisted, "MAX_MEMBERS", 10)
    found = members_of(BytesIO(data))
    assert found is not None
    assert found.namelist() == ["index.html"]
