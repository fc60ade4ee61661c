"""Where the host of a bare URL ends, also one with letters beyond ASCII, and where prose begins right behind it.

Only spelling is judged here; whether a host exists is for the network to say.
"""

from __future__ import annotations

import re

_USER = re.compile(r"[A-Za-z0-9._~%+-]{1,100}(?::[A-Za-z0-9._~%!$&*+,;=-]{0,100})?@")
_ASCII = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\\_)*(?:\.[A-Za-z0-9_-](?:[A-Za-z0-9_-]|\\_)*)*")
_V6 = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]")
_PORT = re.compile(r":[0-9]{1,9}")
# A name of the domain system in any script (RFC 5890): labels of letters and digits, the last begins with a letter.
_ANY = re.compile(r"(?:[^\W_][\w-]{0,62}\.){1,10}[^\W\d_][\w-]{0,62}")
# Top-level domains in Chinese that stand in the root zone, so that prose glued to them can be cut off.
_CHINESE_TLD = re.compile(
    "(中国|中國|香港|台湾|台灣|新加坡|公司|网络|網絡|政务|公益|网址|在线|中文网|集团|我爱你|商城|商店|商标|网店|网站|"
    "手机|信息|游戏|企业|世界|移动|健康|时尚|娱乐|餐厅|购物|机构|广东|佛山|慈善|食品|书籍|招聘|测试)"
)
_ASCII_TLD = re.compile(r"[A-Za-z]{2,24}(?=[\u2e80-\u9fff])")


def is_chinese(character: str) -> bool:
    """Whether it is a letter of a script that is written without spaces, so that prose may be glued to a URL."""
    return character >= "\u1100" and (
        "\u2e80" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7af"
        or "\uf900" <= character <= "\ufaff"
        or "\uff10" <= character <= "\uffdc"
        or "\u1100" <= character <= "\u11ff"
        or character >= "\U00020000"
    )


def host_end(text: str, start: int, limit: int) -> int:
    """End of user, host and port that begin at `start`; 0 where no host stands there."""
    user = _USER.match(text, start, limit)
    begin = user.end() if user else start
    v6 = _V6.match(text, begin, limit)
    end = v6.end() if v6 else _name_end(text, begin, limit)
    if not end:
        return 0
    port = _PORT.match(text, end, limit)
    return port.end() if port else end


def _name_end(text: str, start: int, limit: int) -> int:
    ascii_name = _ASCII.match(text, start, limit)
    end = ascii_name.end() if ascii_name else start
    following = text[end : min(end + 2, limit)]
    if following and not following.isascii():
        any_script = _international_end(text, start, end, limit)
        if any_script:
            return any_script
    while end > start and text[end - 1] in "-_.\\":
        end -= 1
    return end if end > start else 0


def _international_end(text: str, start: int, end: int, limit: int) -> int:
    """End of a name that goes on beyond its ASCII beginning; 0 where that is prose (`pkgs.org这个网站`)."""
    name = _ANY.match(text, start, limit)
    if not name or name.end() <= end:
        return 0
    beginning = text[start:end].removeprefix("www.")
    following = text[end : end + 1]
    if "." in beginning and is_chinese(following):
        return 0
    labels = name[0].rpartition(".")
    if "." in beginning and following == "." and labels[2][:1] and is_chinese(labels[2][0]):
        return 0
    known = _CHINESE_TLD.match(labels[2]) or _ASCII_TLD.match(labels[2])
    return name.start() + len(labels[0]) + 1 + known.end() if known else name.end()
