"""``.ci/requirements.txt``: what an installation with pinned versions gets, each file known by its hash."""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parents[1] / ".ci/requirements.txt"


def locked() -> dict[str, Requirement]:
    """The entries by name. Every line belongs to one, as a hash."""
    text = re.sub(r"^#.*\n", "", LOCK.read_text(), flags=re.MULTILINE)
    entries = [entry.split() for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]
    for words in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", " ".join(words)), words
    found = [Requirement(" ".join(word for word in words if not word.startswith("--hash="))) for words in entries]
    return {canonicalize_name(entry.name): entry for entry in found}


def needed(name: str, seen: set[str], extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
    """What a distribution needs on this machine, and what that needs."""
    for text in importlib.metadata.requires(name) or ():
        one = Requirement(text)
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras or ("",)):
            continue
        yield one
        if one.name not in seen:
            seen.add(one.name)
            yield from needed(one.name, seen, frozenset(one.extras))


def test_everything_that_runner_needs_is_pinned_to_a_version_that_will_do() -> None:
    """Also what its requirements need: ``--require-hashes`` refuses an installation with a gap."""
    entries = locked()

    for one in needed("playbook-runner", set()):
        entry = entries.get(canonicalize_name(one.name))
        assert entry is not None, f"{one} is not in {LOCK}"
        [pinned] = entry.specifier
        assert pinned.operator == "=="
        assert one.specifier.contains(pinned.version), (one, entry)
