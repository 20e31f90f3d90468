import pytest

from runner.reporting.escape import visible

BYTES = [*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
MARKS = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
PAYLOADS = [
    "\x1b]52;c;ZXZpbA==\x07",  # fill the clipboard
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[H",
    "\x1b[8m hidden \x1b[28m",
    "\x9b31m",  # CSI in eight bits
    "\x9d0;title\x9c",
    "\x1bP+q544e\x1b\\",  # ask the terminal to answer
    "\x1b[6n",
    "\x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\",
    "all is well\rFAILED",
    "\x08\x08\x08\x08ok",
    "\x0e\x0f\x07\x05",
    "\u202etxt.exe",
    "\u2066abc\u2069",
    "line\u2028line\u2029",
    "\udc9b31m\udcff",
    "\ud83d alone",
    "\x85next",
]


def test_ordinary_text_stays_as_it_is():
    """Words of every script, signs, emoji and tabs pass."""
    for text in ["uptime: 3 days", "größer", "日本語", "деплой", "a\tb", "🚀 done", "non\u00a0breaking", ""]:
        assert visible(text) == text


@pytest.mark.parametrize("code", [*BYTES, *MARKS, 0xD800, 0xDBFF, 0xDC00, 0xDC80, 0xDFFF], ids=hex)
def test_every_harmful_character_is_spelt_out(code):
    """No member of the set comes through, with or without line ends kept."""
    for keep in (False, True):
        shown = visible(f"a{chr(code)}b", keep_newlines=keep)

        assert chr(code) not in shown
        assert shown.startswith("a\\")
        assert shown.endswith("b")
        assert shown.isascii()


def test_spellings():
    """A person can read what was there."""
    assert visible("\x1b[31mred") == "\\e[31mred"
    assert visible("50%\r100%") == "50%\\r100%"
    assert visible("\x07") == "\\x07"
    assert visible("\u202eevil") == "\\u202eevil"
    assert visible(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"


def test_line_ends():
    """A line feed is kept only on request, so that a record stays one line."""
    assert visible("one\ntwo") == "one\\ntwo"
    assert visible("one\ntwo", keep_newlines=True) == "one\ntwo"


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_payloads_known_from_attacks(payload):
    """What is shown of each can be printed and written as UTF-8."""
    shown = visible(payload)

    assert shown.isprintable()
    assert shown.encode()
    assert visible(shown) == shown
