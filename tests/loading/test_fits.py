"""The quick check says yes only where jsonschema would."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runner.loading import inventory, step_language
from runner.loading.fits import fits
from runner.steps import kinds

WORDS = [
    "src", "dest", "content", "mode", "path", "state", "file", "directory", "argv", "run", "0644", "/a", "{{ x }}",
    "5m", "web01", "", "port", "url", "http://x", "that", "name", "type", "rolling", "waves", "25%", "hosts", "vars",
]  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-2, 70000) | st.floats(-2, 2) | st.sampled_from(WORDS)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
)
SCHEMAS: list[Any] = [
    *(kind.schema for kind in kinds().values()),
    inventory.SCHEMA,
    *step_language.STEP_KEYS.values(),
]


@settings(max_examples=400, deadline=None)
@given(trees, st.sampled_from(SCHEMAS))
def test_what_it_takes_jsonschema_takes_too(value: Any, schema: Any) -> None:
    """A yes is final, so it must never be wrong."""
    if fits(value, schema):
        assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("command", ["true"]),
        ("command", "uptime"),
        ("shell", "a | b"),
        ("copy", {"src": "a", "dest": "/b", "mode": "0644"}),
        ("copy", {"content": "{{ x }}", "dest": "/b"}),
        ("file", {"path": "/a", "state": "directory"}),
        ("assert", {"that": "a == 1"}),
        ("log", "hello"),
        ("ping", None),
        ("pause", "30s"),
        ("http", {"url": "http://x/"}),
    ],
)
def test_what_people_write_every_day_is_sure(kind: str, value: Any) -> None:
    """Sound steps never wait for jsonschema."""
    assert Draft202012Validator(kinds()[kind].schema).is_valid(value)
    assert fits(value, kinds()[kind].schema)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"enum": [1]}),
        (1.0, {"type": "integer"}),
        ({"a": 1, "b": 2}, {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        ("x", {"unknownKeyword": 1}),
        ("ab", {"maxLength": 1}),
        ([1], {"minItems": 2}),
        ({"a": 1}, {"additionalProperties": False}),
        ({"a": 1}, {"propertyNames": {"pattern": "^b"}}),
        (3, {"exclusiveMaximum": 3}),
    ],
)
def test_what_is_not_certain_is_no(value: Any, schema: Any) -> None:
    """Wrong values, and keywords it does not know."""
    assert not fits(value, schema)


def test_a_sound_playbook_is_checked_without_jsonschema(tmp_path: Any) -> None:
    """A playbook without templates and mistakes loads neither jsonschema nor jinja2."""
    (tmp_path / "hosts.yaml").write_text("hosts: {'web[01-09]': {address: 10.0.0.1, ssh: {port: 22}}}\n")
    (tmp_path / "site.yaml").write_text("version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: uptime}]\n")
    code = (
        "import sys; from pathlib import Path; from runner.loading.project import load\n"
        "load(Path('site.yaml'), cwd=Path.cwd())\n"
        "sys.exit(any(name in sys.modules for name in ('jsonschema', 'jinja2', 'asyncssh', 'structlog')))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
