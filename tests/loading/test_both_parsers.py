"""PyYAML's two parsers, the one in C and the one in Python, say the same of every file of the corpus of bad input."""

import pytest
import yaml
from bad_input_cases import all_cases

from runner.loading.characters import check_characters
from runner.loading.composer import compose
from runner.loading.limits import PLAYBOOK
from runner.loading.problems_list import Problems
from runner.loading.reading import decode
from runner.loading.source import Source


def files(folder):
    """The text of every file that a case has, made ones too, by the title of the case."""
    for case in all_cases():
        place = folder / f"{case.file.stem}-{case.title.replace('/', ' ')}"[:200]
        place.mkdir()
        yield from ((f"{case.title}: {name}", data) for name, data in case.files())
        if any(head in YAML_MAKERS for head, _ in case.parts):
            case.make(place)
            yield from ((f"{case.title}: {path.name}", path.read_bytes()) for path in place.glob("*.yaml"))


YAML_MAKERS = frozenset(
    f"made by {name}"
    for name in ("a_bomb_of_nine_levels", "deep_brackets", "deep_dashes", "a_long_key", "a_longer_key", "many_aliases",
                 "a_longer_key_in_quotes", "sixty_problems", "a_long_host_name", "deep_groups")
)  # fmt: skip


def read(text, parser):
    """Data, places by the way that leads to them, and problems."""
    problems = Problems()
    composed = compose(Source("file", text), problems, PLAYBOOK, parser)
    said = [(problem.code, problem.message, problem.location, problem.hint) for problem in problems.in_order()]
    return (None, (), said) if composed is None else (composed.data, tuple(places(composed, composed.data, ())), said)


def places(composed, node, path):
    """The packed places of every key and value in a tree."""
    found = composed.places.get(id(node))
    if found is not None and isinstance(node, dict | list) and len(path) < 70:
        yield path, tuple(found)
        for key, part in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(composed, part, (*path, key))


def test_both_parsers_read_the_same_out_of_every_file(tmp_path):
    """Equal values, equal places, and the same problems at the same places in the same words."""
    texts = {name: decode(data, name, Problems()) for name, data in files(tmp_path)}
    seen = {name: text for name, text in texts.items() if text and check_characters(Source(name, text), Problems())}
    assert len(seen) > 250

    differing = [name for name, text in seen.items() if read(text, yaml.CSafeLoader) != read(text, yaml.SafeLoader)]

    assert differing == []


@pytest.mark.parametrize(
    "text", ["a: \t1", "a:\t1", "[a\t, b]", '"\\ud800"', '"\\ud83d\\ude00"', "%FOO\n---\na", "a: !"]
)
def test_both_parsers_read_the_same_where_they_differ_by_themselves(text):
    """Tabs, halves of characters, directives and a bare tag: a decision of ours stands before either parser."""
    assert read(text, yaml.CSafeLoader) == read(text, yaml.SafeLoader)
