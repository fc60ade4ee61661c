"""Text from strangers is harmless where it is shown: terminals, workflow runners, spreadsheets, logs."""

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.display import (
    ESCAPED,
    OBEYED,
    address_cell,
    cell,
    command_data,
    command_property,
    message,
    path_cell,
    plain,
    redacted,
    screen,
    without_commands,
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
HARMFUL = re.compile(f"[\x00-\x08\x0b-\x1f{OBEYED}]")
SECRET = "s3cr3t"


def is_command(line: str) -> bool:
    """What the runner does with a line (ActionCommand.TryParseV2 and TryParse of actions/runner)."""
    return line.lstrip().startswith("::") or "##[" in line


TERMINAL_ATTACKS = [
    ("\x1b[2J\x1b[Hhidden", "hidden"),  # clears the screen
    ("\x1b]0;owned\x07title", "title"),  # sets the window's title
    ("\x1b]52;c;ZWNobyBvd25lZA==\x07clip", "clip"),  # writes the clipboard
    ("\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\", "click"),  # a link that lies
    ("\x1b]8;;https://evil.example/\x07click\x1b]8;;\x07", "click"),
    ("\x1bP+q544e\x1b\\dcs", "dcs"),  # asks for capabilities: the answer is typed into the shell
    ("\x1b[6nwhere", "where"),  # asks for the cursor
    ("\x1b_Gf=100;AAAA\x1b\\picture", "picture"),  # APC: kitty's graphics
    ("\x1b^private\x1b\\pm", "pm"),
    ("\x1bXstring\x1b\\sos", "sos"),
    ("\x1b#8test", "test"),  # fills the screen with E
    ("\x1bcreset", "reset"),  # full reset
    ("\x9b31mred", "red"),  # CSI in one byte
    ("\x9d0;title\x9cdone", "done"),  # OSC in one byte
    ("\x90q\x9cdcs", "dcs"),
    ("\x9fG\x9capc", "apc"),
    ("a\x08\x08\x08b", "ab"),  # backspaces over what was printed
    ("safe\rowned", "safe owned"),  # overwrites the line
    ("bell\x07", "bell"),
    ("nul\x00", "nul"),
    ("del\x7f", "del"),
    ("\u202egpj.exe", "gpj.exe"),  # reads backwards
    ("\u2066isolate\u2069", "isolate"),
    ("\u200fmark", "mark"),
    ("\u061cmark", "mark"),
    ("zero\u200bwidth", "zerowidth"),
    ("soft\u00adhyphen", "softhyphen"),
    ("\ufeffbom", "bom"),
    ("word\u2060joiner", "wordjoiner"),
    ("pay\u200dpal", "paypal"),  # joiners inside of ASCII spoof
    ("pay\u200cpal", "paypal"),
    ("tag\U000e0041s", "tags"),
    ("line\u2028separator", "line separator"),
    ("next\u0085line", "next line"),
    ("half \ud83d pair", "half pair"),
]


@pytest.mark.parametrize(("attack", "left"), TERMINAL_ATTACKS)
def test_a_line_of_talk_holds_nothing_that_a_terminal_obeys(attack: str, left: str) -> None:
    assert plain(attack) == left
    assert message(attack) == left


@pytest.mark.parametrize(("attack", "_left"), TERMINAL_ATTACKS)
def test_a_text_on_the_screen_holds_nothing_that_a_terminal_obeys(attack: str, _left: str) -> None:
    assert not HARMFUL.search(screen(f"one\n\ttwo {attack} three\n"))
    assert screen(f"one\n\ttwo\n{attack}").startswith("one\n\ttwo\n")


@given(ANY_TEXT)
def test_whatever_the_text_the_screen_is_safe_and_a_second_time_changes_nothing(text: str) -> None:
    assert not HARMFUL.search(screen(text))
    assert screen(screen(text)) == screen(text)
    assert plain(plain(text)) == plain(text)


def test_joiners_of_scripts_and_emoji_stay() -> None:
    assert plain("👩‍💻 می‌خواهم") == "👩‍💻 می‌خواهم"


COMMANDS = [
    "::error::x",
    "  ::error file=a::x",
    "\t::add-mask::e",
    "::stop-commands::t",
    "::set-output name=a::b",
    ":::error::x",
    "text ##[error]x",
    "##[add-matcher]/tmp/m.json",
    "\u3000::warning::x",
    "\x0b::warning::x",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_no_line_of_text_is_a_workflow_command(line: str) -> None:
    for text in (line, f"before\n{line}\nafter", f"a\r\n{line}"):
        assert not any(map(is_command, without_commands(text).splitlines()))
        assert not any(map(is_command, without_commands(screen(text)).splitlines()))


@given(st.text(":#[ \n\ta", max_size=30))
def test_no_text_at_all_is_a_workflow_command(text: str) -> None:
    assert not any(map(is_command, without_commands(text).splitlines()))


@pytest.mark.parametrize(
    "path", ["a\n::error::b.md", "a\r::error::b", "x,line=1::y", "a%0A::b", "::error::", "##[error]", "a:b,c%d"]
)
def test_what_stands_in_a_workflow_command_cannot_leave_it(path: str) -> None:
    written = f"::error file={command_property(path)}::{command_data(path)}"
    assert len(written.splitlines()) == 1
    assert "##[" not in written
    properties = written.removeprefix("::error ").partition("::")[0]
    assert properties.count("=") - path.count("=") == 1
    assert "," not in properties


CELLS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=cmd|"/c calc"!A0',
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '"open',
    "＝1",
    "＋1",
    "＠a",
]


@pytest.mark.parametrize("text", CELLS)
def test_no_cell_is_a_formula_or_an_open_quotation(text: str) -> None:
    for written in (cell(text), path_cell(text)):
        assert written.lstrip(" ")[0] in "'."
        assert "\t" not in written
        assert written.splitlines() == [written]


@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_rows_of_cells_stay_rows(texts: list[str]) -> None:
    row = "\t".join(cell(plain(text)) for text in texts)
    (read,) = csv.reader(io.StringIO(row + "\n"), delimiter="\t") if row else ([""],)
    assert len(read) == len(texts)


@pytest.mark.parametrize("text", ["https://a.example/?a=b", "2024-05-06", "文章", "notes/=a.md", "a - b", "3 = 3"])
def test_cells_that_no_spreadsheet_obeys_stay_as_they_are(text: str) -> None:
    assert cell(text) == path_cell(text) == text


def test_a_path_in_a_cell_still_names_the_file() -> None:
    assert path_cell("=a.md") == "./=a.md"
    assert path_cell("::error::a.md") == "./::error::a.md"


LEAKS = [
    f"https://mp.weixin.qq.com/s?__biz=A&key={SECRET}",
    f"https://mp.weixin.qq.com/s?__biz=A&uin={SECRET}&x=1",
    f"https://mp.weixin.qq.com/s?pass_ticket={SECRET}",
    f"https://mp.weixin.qq.com/s?exportkey={SECRET}%2Bx",
    f"https://mp.weixin.qq.com/s?appmsg_token={SECRET}",
    f"https://mp.weixin.qq.com/s?a=1&amp;key={SECRET}&amp;b=2",
    f"mp.weixin.qq.com/s?__biz=A&key={SECRET} has no scheme",
    f"HTTPS://MP.WEIXIN.QQ.COM/s?KEY={SECRET}",
    f"https://link.zhihu.com/?target=https%3A%2F%2Fmp.weixin.qq.com%2Fs%3Fkey%3D{SECRET}%26idx%3D1",
    f"https://link.zhihu.com/?target=https%253A%252F%252Fmp.weixin.qq.com%252Fs%253Fkey%253D{SECRET}%2526idx%253D1",
    f"https://me:{SECRET}@a.example/",
    f"https://{SECRET}@a.example/",
    f"HTTP://me:{SECRET}@a.example:8080/x",
    f"http:\\\\me:{SECRET}@a.example\\x",
    f"ftp://me:{SECRET}@a.example/",
    f"cannot reach the proxy http://me:{SECRET}@proxy.example:3128: refused",
    f"'https://me:{SECRET}@a.example/' is no URL",
    f"http://me:pa'{SECRET}@proxy.example/",
    f"socks5://me:{SECRET}@127.0.0.1:1080",
    f"https://api.example/?access_token={SECRET}",
    f"https://api.example/cb#access_token={SECRET}&state=1",
    f"https://api.example/?api_key={SECRET}",
    f"https://api.example/?apikey={SECRET}",
    f"https://api.example/?client_secret={SECRET}",
    f"https://api.example/?token={SECRET}",
    f"https://api.example/?Token={SECRET}",
    f"https://api.example/?a=1;token={SECRET}",
    f"https://api.example/?password={SECRET}",
    f"https://s3.example/x?X-Amz-Signature={SECRET}&X-Amz-Date=1",
    f"https://s3.example/x?X-Amz-Security-Token={SECRET}",
    f"https://git.example/x?private_token={SECRET}",
    f"https://a.example/x;jsessionid={SECRET}",
    f"https://a.example/x?PHPSESSID={SECRET}",
    "https://a.example/" + "x" * 5000 + f"?token={SECRET}",
]


@pytest.mark.parametrize("text", LEAKS)
def test_secrets_are_in_no_line_of_talk(text: str) -> None:
    assert SECRET not in redacted(text)
    assert SECRET not in message(text)
    assert "REDACTED" in redacted(text)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://search.example/?key=python&uin=1",
        "https://pan.baidu.com/s/1abc?pwd=x7y8",
        "https://a.example/@someone/post",
        "token = 3; password=x in prose",
        "write me@a.example",
        "https://a.example/tokens?list=token",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "unit", ["https://", "a://b:", "https://x.example/?token=1&", "://", "a", "token=", "%3Dtoken", "\u200d", "::\n"]
)
def test_floods_are_read_in_linear_time(unit: str) -> None:
    text = unit * 30_000
    message(text)
    screen(text)
    without_commands(text)


@given(ANY_TEXT)
def test_what_an_encoding_cannot_say_is_escaped_as_json_would(text: str) -> None:
    for encoding in ("ascii", "gbk", "latin-1", "utf-8"):
        json.loads(json.dumps(text, ensure_ascii=False).encode(encoding, ESCAPED).decode(encoding))
    assert json.loads(json.dumps(text, ensure_ascii=False).encode("ascii", ESCAPED)) == json.loads(json.dumps(text))


@pytest.mark.parametrize(
    ("function", "written", "shown"),
    [
        (cell, "a\x1b[31mred\x1b]0;t\x07\tb\r\nc", "ared b c"),
        (cell, "\x1b[2J=1+1", "'=1+1"),
        (cell, "名\u3000前", "名\u3000前"),
        (address_cell, "https://a.example/\x1b[2J\u202e中 x", "https://a.example/%1B[2J%E2%80%AE中 x"),
        (address_cell, "https://a.example/中?q=“x”", "https://a.example/中?q=“x”"),
        (path_cell, "a\x1b[2Jb\u202ec.md", r"a\x1b[2Jb\u202ec.md"),
        (path_cell, "=a\nb.md", "./=a b.md"),
    ],
)
def test_cells_hold_one_line_that_no_terminal_obeys(function: Callable[[str], str], written: str, shown: str) -> None:
    assert function(written) == shown
