"""A secret's value shows nowhere by chance, and few places can open it."""

import ast
import copy
import json
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

import runner
from runner.model.inventory import Become
from runner.model.secret_text import Revealing, SecretText, revealed

CANARY = "canary-4711"
SECRET = SecretText(CANARY)
OPENERS = {
    "app/digests.py",  # a salted, slow hash of each, so that a resume sees that one has changed
    "app/host_locks.py",  # a password, on its way to the host that asks for it
    "app/parts.py",  # what is masked
    "app/running.py",  # a password, on its way to a transport
    "model/secret_text.py",  # templates, while they are rendered
    "transports/local.py",  # the password of sudo
    "transports/ssh.py",  # as above
}


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        "{}".format,
        "{:>3}".format,
        "{!r}".format,
        "%s".__mod__,
        "%r".__mod__,
        lambda secret: f"{secret} {secret!r} {secret=}",
        lambda secret: str([secret, {"a": secret}]),
        lambda secret: str(Become(password=secret)),
        lambda secret: str(Revealing({"token": secret})),
        lambda secret: json.dumps(secret, default=str),
        lambda secret: "".join(traceback.format_exception(ValueError(secret))),
    ],
)
def test_whatever_shows_it_shows_three_stars(show):
    """Alone, in a list, in what holds it, in an error."""
    shown = show(SECRET)

    assert CANARY not in shown
    assert "***" in shown or "object at" in shown


@pytest.mark.parametrize("store", [json.dumps, msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps, copy.copy])
def test_it_is_not_stored(store):
    """Who tries gets an error, which does not show it either."""
    with pytest.raises(TypeError) as caught:
        store(SECRET)

    assert CANARY not in str(caught.value)


def test_it_can_be_compared_and_opened():
    """Equal values are equal secrets; a secret is no text."""
    assert SecretText(CANARY) == SECRET != CANARY
    assert hash(SecretText(CANARY)) == hash(SECRET)
    assert revealed(SECRET) == SECRET.reveal() == revealed(CANARY) == CANARY
    assert dict(Revealing({"token": SECRET})) == {"token": CANARY}


def test_few_modules_open_secrets():
    """A new one is a decision: name it here, with its reason."""
    root = Path(runner.__file__).parent
    found = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if _opens(path)}

    assert found == OPENERS


def _opens(path):
    text = path.read_text()
    if "reveal" not in text:
        return False
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    names = {getattr(called, "attr", getattr(called, "id", "")) for called in calls}
    return bool(names & {"reveal", "revealed"})
