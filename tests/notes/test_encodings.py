"""Which encoding the bytes of a note have, and what becomes of bytes that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.notes.encodings import Decoded, decode

CHINESE = "語音識別資源與開源計畫，請看 https://e.example/a 。"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("naïve café über – “x” https://e.example/", "cp1252", "cp1252"),
        ("naïve café über https://e.example/", "latin-1", "cp1252"),
        (CHINESE, "big5", "big5"),
        ("音声認識のための資料です。https://e.example/", "shift_jis", "shift_jis"),
        ("语音识别资源，见 https://e.example/", "gbk", "gb18030"),
        ("see https://e.example/ and more\n" * 3, "utf-16-le", "utf-16-le"),
        ("see https://e.example/ and more\n" * 3, "utf-16-be", "utf-16-be"),
        (CHINESE, "utf-8", "utf-8"),
    ],
)
def test_usual_encodings_are_recognised_and_give_their_bytes_back(text: str, encoding: str, expected: str) -> None:
    data = text.encode(encoding)
    found = decode(data)
    assert found == Decoded(text, expected)
    assert found.text.encode(found.encoding) == data


@pytest.mark.parametrize(
    ("data", "damage"),
    [
        (CHINESE.encode() + b"\xf0\x9f\x98 https://e.example/b", "not valid UTF-8 (byte"),
        (b"plain https://e.example/a \xf0\x9f\x98\nhttps://e.example/b", "not valid UTF-8 (byte 26, line 1)"),
        (("语音识别资源，见下面。" * 9).encode("gbk") + b"\xff https://e.example/b", "not valid GBK"),
        (b"\xff\xfea\0\x00\xd8b\0c", "broken UTF-16"),
        (b"a \x81\x8d\x8f https://e.example/b", "neither UTF-8 nor GBK (byte 2, line 1)"),
    ],
)
def test_a_note_with_broken_bytes_is_read_with_replacements_and_says_so(data: bytes, damage: str) -> None:
    found = decode(data)
    assert isinstance(found, Decoded)
    assert damage in found.damage
    assert "https://e.example/b" in found.text or found.encoding.startswith("utf-16")


@given(st.binary(max_size=300))
def test_every_sequence_of_bytes_is_text_or_has_a_reason(data: bytes) -> None:
    found = decode(data)
    if isinstance(found, Decoded):
        assert found.damage or found.text.encode(found.encoding) == data
    else:
        assert found


def test_a_few_nul_bytes_lose_no_link_and_are_named() -> None:
    found = decode("# 笔记\nhttps://e.example/a \0 https://e.example/b\n".encode())
    assert isinstance(found, Decoded)
    assert ("https://e.example/b" in found.text, "NUL" in found.damage, found.text.count("\ufffd")) == (True, True, 1)
    assert isinstance(decode(b"abc" + b"\0" * 500), str)
