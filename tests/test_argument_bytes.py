"""Any bytes come through a shell as they are: as arguments, in the environment, and quoted in text."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from shells import SHELLS, talk

from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates

TEMPLATES = Templates()
KSH = {name: [name] for name in ("bash", "ksh", "mksh", "zsh") if shutil.which(name)}
FOUND = {name: argv for name, argv in {**SHELLS, **KSH}.items() if shutil.which(argv[0])}
PIECES = [b"'", b'"', b"\\", b"$", b"`", b"!", b"\n", b"\r", b"\t", b" ", b"*", b"~", b"#", b"-n", b"--", b"=", b"%s"]
MORE = [b";", b"&", b"|", b"(", b")", b"{", b"}", b"<", b">", b"?", b"[", b"]", b"\xff", b"\x1b[31m", b"\xc3\xa9", b"a"]
WORD = some.one_of(
    some.binary(max_size=12),
    some.lists(some.sampled_from([*PIECES, *MORE, b"$(reboot)", b"${HOME}", b"`id`", b"'\\''"]), max_size=6).map(
        b"".join
    ),
).map(lambda raw: raw.replace(b"\0", b""))
WORDS = some.lists(WORD, min_size=1, max_size=40)


def as_text(raw: bytes) -> str:
    """Bytes as runner holds them."""
    return raw.decode("utf-8", "surrogateescape")


def back(words: list[bytes]) -> bytes:
    """What printf makes of words, each with a NUL behind it."""
    return b"".join(word + b"\0" for word in words)


@pytest.mark.parametrize("name", FOUND)
@settings(deadline=None, max_examples=25)
@given(WORDS)
def test_any_bytes_are_one_word_in_quoted_text(name, words):
    """What ``quote`` makes of a value is one word in every shell, alone and in a list."""
    scope = {"words": [as_text(word) for word in words]}
    source = "printf '%s\\0' {% for word in words %}{{ word | quote }} {% endfor %}{{ words | quote }}"

    text = TEMPLATES.render(Template(source, Location("play.yaml", 1)), scope)
    done = subprocess.run(
        [*FOUND[name], "-c", text.encode("utf-8", "surrogateescape")], capture_output=True, check=True, timeout=20
    )

    assert done.stdout == back([*words, *words])


@pytest.mark.parametrize("name", [name for name in FOUND if name in SHELLS])
@settings(deadline=None, max_examples=12)
@given(some.lists(WORDS, min_size=1, max_size=3), WORD)
def test_any_bytes_are_an_argument_a_variable_and_input(name, steps, value):
    """Through the shell that runs on a host: no argument is read by it, nor what a step is given otherwise."""
    texts = [[as_text(word) for word in words] for words in steps]
    printf = [{"argv": ["printf", "%s\\0", *words]} for words in texts]
    given_value = {"argv": ["sh", "-c", 'printf %s "$V"; cat'], "env": {"V": as_text(value)}, "stdin": value}

    said = talk(FOUND[name], *printf, given_value)

    assert [said.stdout[index] for index in range(1, len(steps) + 1)] == [back(words) for words in steps]
    assert said.stdout[len(steps) + 1] == value * 2
