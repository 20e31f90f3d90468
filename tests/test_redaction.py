import base64

import pytest
from canary import CANARY, LONG, forms, traces
from hypothesis import example, given
from hypothesis import strategies as st

from runner.redaction import Redactor

FORMS = forms()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_forms_of_a_secret_are_masked(form):
    """Whatever encoding it passed, nothing of it is left."""
    masked = Redactor([CANARY]).text(f"before {FORMS[form]} after")

    assert traces(masked) == []
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_forms_of_a_secret_are_masked_across_any_border(form):
    """Whichever of its bytes is the first of the next piece."""
    raw = f"<{FORMS[form]}>".encode()
    redactor = Redactor([CANARY])
    whole = redactor.data(raw)

    for border in range(len(raw) + 1):
        stream = redactor.stream()
        assert stream.feed(raw[:border]) + stream.feed(raw[border:]) + stream.finish() == whole


@pytest.mark.parametrize("form", forms(LONG), ids=str)
def test_forms_of_a_key_are_masked(form):
    """A value of several lines, in lines of any encoding too: at most what is shared with the neighbours is left."""
    masked = Redactor([LONG]).text(forms(LONG)[form])

    assert not [line for line in masked.splitlines() if len(line.replace("***", "").strip("\\n'\"$")) > 24]
    assert "abcd" not in masked


def test_what_a_cut_leaves_of_a_secret_is_masked():
    """At either end of a text; words that are whole, and ends of less than four characters, are let be."""
    redactor = Redactor(["hunter22"])

    assert redactor.cut("er22 and then hunt") == "*** and then ***"
    assert redactor.cut("unter22") == redactor.cut("hunter2") == redactor.cut("hunter22") == "***"
    assert redactor.cut("r22 the hun") == "r22 the hun"
    assert Redactor(["ababab-x"]).cut("and abababab") == "and ab***"
    assert Redactor(()).cut("text") == "text"


def test_the_rest_of_a_stream_may_begin_in_the_middle_of_a_secret():
    """Its end is whole; what is cut off may be in the middle of a character, and is let be where it is none of ours."""
    redactor = Redactor(["hunter22", "ümläutig"])

    assert redactor.rest(b"er22 then hunter22, then hunt") == b"*** then ***, then hunt"
    assert redactor.rest("mläutig\n".encode()[1:]) == b"***\n"
    assert redactor.rest("läutig\n".encode()[2:]) == b"\xa4***\n"
    assert redactor.rest(b"\xa4\xff\n") == b"\xa4\xff\n"
    assert Redactor(()).rest(b"er22\n") == b"er22\n"


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "admin:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_wherever_it_begins(before, encode):
    """As in a header ``user:password``: at most the characters shared with the neighbours are left."""
    text = encode(f"{before}pa?>ss~word{before}".encode()).decode()

    masked = Redactor(["pa?>ss~word"]).text(text)

    assert "***" in masked
    assert len(masked.replace("***", "")) <= len(encode(before.encode() * 2)) + 4


def test_lines_of_a_secret_are_masked_alone():
    """A key printed line by line is masked; lines that are too short to mean anything are not."""
    redactor = Redactor(["-----BEGIN\n  line one\r\nend\nabcd\n"])

    assert redactor.text("> line one <") == "> *** <"
    assert redactor.text("-----BEGIN") == "***"
    assert redactor.text("the end") == "the end"
    assert redactor.text("  abcd") == "  ***"


def test_the_longest_form_wins():
    """A secret that begins as another one leaves no rest behind."""
    assert Redactor(["swordfish", "swordfish-2026"]).text("swordfish-2026 swordfish") == "*** ***"


def test_short_secrets_are_masked_as_they_are():
    """They are masked, and whoever made the redactor can warn about it."""
    redactor = Redactor(["abc"])

    assert redactor
    assert redactor.has_short
    assert redactor.text("xabcx") == "x***x"
    assert redactor.text("YWJj 616263") == "YWJj 616263"
    assert not Redactor(["abcd"]).has_short


def test_data_is_masked_in_depth():
    """Keys and values, lists and tuples, text and bytes; other things stay."""
    tree = {"hunter22": [("a hunter22", b"hunter22!"), {"n": 3, "none": None}], "ok": True}

    assert Redactor(["hunter22"]).data(tree) == {
        "***": [("a ***", b"***!"), {"n": 3, "none": None}],
        "ok": True,
    }


def test_without_secrets_nothing_is_touched():
    """The very same objects come back; empty secrets are none."""
    redactor = Redactor(["", ""])
    tree, text, chunk = {"a": ["b"]}, "text", b"bytes"

    assert not redactor
    assert redactor.data(tree) is tree
    assert redactor.text(text) is text
    assert redactor.stream().feed(chunk) is chunk
    assert redactor.stream().finish() == b""


def test_a_secret_across_pieces_is_masked():
    """Even byte by byte; what cannot be a secret is passed on at once."""
    stream = Redactor(["hunter22"]).stream()

    assert stream.feed(b"no secret here\n") == b"no secret here\n"
    assert stream.feed(b"it is hun") == b"it is "
    assert stream.feed(b"ter") == b""
    assert stream.feed(b"22, hun") == b"***, "
    assert stream.feed(b"ger") == b"hunger"
    assert stream.feed(b" hunt") == b" "
    assert stream.finish() == b"hunt"


def test_a_longer_secret_may_still_come():
    """A piece that ends a secret, and may be the beginning of a longer one, waits for the next."""
    stream = Redactor(["swordfish", "swordfish-2026"]).stream()

    assert stream.feed(b"swordfish") == b""
    assert stream.feed(b"-20") == b""
    assert stream.feed(b"26!") == b"***!"
    assert stream.feed(b"swordfish-1") == b"***-1"


SECRETS = st.lists(st.text("abc", min_size=1, max_size=6), max_size=4)


@example(["c", "aca"], ["acac"])
@given(SECRETS, st.lists(st.text("abc", max_size=8), max_size=8))
def test_pieces_are_masked_as_the_whole(secrets, pieces):
    """However the bytes are cut, the result is that of masking them at once, and little is kept back."""
    redactor = Redactor(secrets)
    stream = redactor.stream()

    out = b""
    for piece in pieces:
        out += stream.feed(piece.encode())
        assert len(stream._held) < max(map(len, stream._forms), default=1)
    out += stream.finish()

    assert out == redactor.data("".join(pieces).encode())
    assert out.decode() == redactor.text("".join(pieces))


@given(st.text(min_size=4, max_size=30).filter(lambda text: "*" not in text), st.binary(max_size=20))
def test_any_value_is_masked_in_bytes(secret, around):
    """Values of any characters, lone surrogates of undecodable bytes too, between any bytes."""
    try:
        raw = secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return
    stream = Redactor([secret]).stream()

    assert raw not in stream.feed(around + raw + around) + stream.finish()
