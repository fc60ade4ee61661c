"""Text from outside, made safe for the place where it is shown: one function for each kind of place.

Titles, error texts, names of files and hosts come from strangers. Here they lose what a terminal, a workflow runner or
a spreadsheet would obey, and the secrets of whoever shared a link. Pure functions of text; escaping for a markup
language is its format's own business (`report`), and writing to streams is `cli.streams`'s.

| place | function |
|---|---|
| one line of talk, an error, a title, a field | `message` (`plain` keeps what looks like a secret) |
| several lines on a terminal | `screen` |
| one line whose spans are marked | `spaced` |
| anything printed where GitHub reads the output | `without_commands` |
| data and properties of a workflow command | `command_data`, `command_property` |
| a cell of TSV or CSV | `cell`, `address_cell`, `path_cell` |
"""

from __future__ import annotations

import codecs
import re

MAX_MESSAGE = 4000  # characters of one line of talk; a guess: more than a screen is no message

# Characters that no title needs and that terminals, editors or readers obey: C0 and C1 controls (among them ESC and
# the one-byte CSI), marks and overrides of writing direction (CVE-2021-42574), invisible spaces, tags, lone
# surrogates and noncharacters. Zero-width joiners stay between letters that are not ASCII: emoji and several scripts
# are written with them, addresses are not.
OBEYED = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
_SPACES = re.compile(r"[\s\x1c-\x1f\u0085\u2028\u2029]+")
# A whole terminal sequence goes at once, so that no "[31m" stays behind; parameters are capped, as no real
# sequence is longer. DCS, SOS, PM and APC carry strings as OSC does (ECMA-48, 8.3.27, 8.3.143, 8.3.94, 8.3.2).
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,8}[@-~]?"  # CSI
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,2048}(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links; DCS
    r"|\x1b[ -/]{0,8}.?"
)
_SEQUENCE_START = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")
_HARMFUL = re.compile(f"[\x00-\x1f{OBEYED}]")
_HARMFUL_ON_SCREEN = re.compile(f"[\x00-\x08\x0b-\x1f{OBEYED}]")  # tab and newline stay
_LONE_JOINER = re.compile("(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])")
_SURROGATE = re.compile("[\ud800-\udfff]")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>`\u3000-\u303f\uff00-\uffef]{1,4096}")
_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}:[/\\]{2,4})[^\s/\\?#@]{1,512}@")
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def plain(text: str) -> str:
    """One line of text without control characters, terminal sequences or overrides of writing direction."""
    if text.isprintable():  # none of the characters above is, and most texts are
        return " ".join(text.split()) if "  " in text else text.strip()
    text = _SEQUENCE.sub("", text) if _SEQUENCE_START.search(text) else text
    return " ".join(_joined(_HARMFUL.sub("", _SPACES.sub(" ", text))).split())


def screen(text: str) -> str:
    """Text of several lines for a terminal: newlines and tabs stay, everything else that is obeyed goes."""
    if _SEQUENCE_START.search(text):
        text = _SEQUENCE.sub("", text)
    return _joined(_HARMFUL_ON_SCREEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def message(text: str) -> str:
    """What a stranger, a file name or an exception says, as one line of talk: harmless, without secrets, bounded."""
    return clipped(redacted(plain(text)), MAX_MESSAGE)


def storable(text: str) -> str:
    """The same text, with what UTF-8 cannot say (bytes of a file name, halves of pairs) as U+FFFD."""
    return text if text.isascii() or text.isprintable() else _SURROGATE.sub("\ufffd", text)


def redacted(text: str) -> str:
    """Text with the secrets in every address that it holds replaced, addresses without a scheme included."""
    from crawler.core.url import redact, redact_parameters  # here, since `crawler --help` shows no address

    if "://" in text or ":\\\\" in text:
        text = _PASSWORD.sub(r"\1REDACTED@", text)
        text = _ADDRESS.sub(lambda found: redact(found[0]), text)
    return redact_parameters(text)


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters of text, the cut shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def spaced(text: str) -> str:
    """Text with a space for each character that cannot be printed, so that marked spans stay where they are."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def without_commands(text: str) -> str:
    """Text that a workflow runner takes for text.

    The runner obeys "::command::" at the start of a line, spaces aside, and "##[command]" anywhere in one
    (src/Runner.Common/ActionCommand.cs of actions/runner). A space breaks either, and no format of ours.
    """
    if "::" in text:
        text = _COMMAND.sub(r"\1: ", text)
    return text.replace("##[", "## [")


def command_data(text: str) -> str:
    """The message of a workflow command, escaped as the runner undoes it."""
    return text.replace("##[", "## [").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command (file, title), escaped as the runner undoes it."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def cell(text: str) -> str:
    """A cell of TSV or CSV: one harmless line without tabs, and for a spreadsheet no formula or open quotation.

    Such a cell gets an apostrophe in front, which spreadsheets show as text. Addresses never begin that way, so
    programs that read them are not touched.
    """
    if not text.isprintable():
        text = _SEQUENCE.sub("", text) if _SEQUENCE_START.search(text) else text
        text = _joined(_HARMFUL.sub("", " ".join(text.splitlines()).replace("\t", " ")))
    return f"'{text}" if _is_formula(text) else text


def address_cell(url: str) -> str:
    """A cell with an address: what a terminal would obey in it is percent-encoded, as browsers send it."""
    if url.isprintable():
        return url
    return _HARMFUL.sub(_percent, " ".join(url.splitlines()).replace("\t", " "))


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def path_cell(path: str) -> str:
    r"""A cell with the name of a file: "./" in front where a spreadsheet or a workflow runner would obey the name.

    It names the same file, so that programs can open what they read; what a terminal would obey is written as \x1b.
    """
    if not path.isprintable():
        path = " ".join(path.splitlines()).replace("\t", " ")
        path = _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), path)
    return f"./{path}" if _is_formula(path) or path.lstrip().startswith("::") else path


def _is_formula(text: str) -> bool:
    # https://owasp.org/www-community/attacks/CSV_Injection; full-width signs are read so in East Asian locales
    return text.lstrip(" ").startswith(("=", "+", "-", "@", '"', "＝", "＋", "－", "＠"))


def _joined(text: str) -> str:
    return _LONE_JOINER.sub("", text) if "\u200c" in text or "\u200d" in text else text


def json_escapes(text: str) -> str:
    r"""Each character as \uXXXX, those beyond U+FFFF as a pair: right inside of JSON, and readable elsewhere."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _as_json_escapes(error: UnicodeError) -> tuple[str, int]:
    """What to write for characters that an encoding cannot say, and where to go on: an error handler of `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json_escapes(error.object[error.start : error.end]), error.end


ESCAPED = "crawler.escaped"  # name of an error handler for text streams
codecs.register_error(ESCAPED, _as_json_escapes)
