"""Promises that hold for every step kind, and the registry."""

import asyncio
import dataclasses
import re
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from local_target import LocalTarget, do
from web_server import WebServer

from runner.errors import RunnerError, StepError
from runner.model.outcome import Outcome
from runner.step import StepKind, typed
from runner.steps import BUILT_IN, GROUP, kinds, plugins, with_plugins
from runner.steps.log import STEP as LOG

ALL = [pytest.param(kind, id=kind.name) for kind in kinds().values()]
CONTROLS = ("set", "log", "ping", "flush")  # without a mapping of options


def example(kind: StepKind[Any]) -> Any:
    """The value of the one example in a kind's documentation."""
    (text,) = re.findall(r"```yaml\n(.*?)```", kind.documentation, re.DOTALL)
    (step,) = yaml.safe_load(textwrap.dedent(text))
    assert list(step) == [kind.name]
    return step[kind.name]


def mapping_schema(kind: StepKind[Any]) -> dict[str, Any]:
    """The part of a schema that is for a mapping of options."""
    found = [part for part in kind.schema.get("anyOf", [kind.schema]) if part.get("type") == "object"]
    return dict(found[0])


def here(value: Any, root: Path) -> Any:
    """An example's value with its paths on the host moved below a folder."""
    if isinstance(value, dict):
        return {key: here(part, root) for key, part in value.items()}
    if isinstance(value, list):
        return [here(part, root) for part in value]
    return value.replace("/srv/app", f"{root}/srv/app") if isinstance(value, str) else value


def at(value: Any, server: WebServer) -> Any:
    """An example's value that asks a server of the test's."""
    if isinstance(value, dict) and "url" in value:
        return {**value, "url": value["url"].replace("127.0.0.1:18080", f"127.0.0.1:{server.port}")}
    if isinstance(value, dict) and value.get("port") == 18080:
        return {**value, "port": server.port}
    return value


@pytest.fixture
def ready(target: LocalTarget) -> LocalTarget:
    """A host and a project with the files that the examples speak of."""
    (target.root / "srv" / "app" / "shared").mkdir(parents=True)
    (target.root / "srv" / "app" / "app.log").write_text("log\n")
    (target.folder / "app.conf.j2").write_text("port = {{ 8080 }}\n")
    (target.folder / "setup.sh").write_text("echo $#\n")
    return target


@pytest.mark.parametrize("kind", ALL)
def test_the_example_is_valid_and_runs(kind: StepKind[Any], ready: LocalTarget, web: WebServer) -> None:
    """What the documentation shows works as it stands."""
    value = example(kind)

    jsonschema.Draft202012Validator(kind.schema).validate(value)
    outcome = do(kind, at(here(value, ready.root), web), ready)

    assert outcome.status.is_well, outcome


@pytest.mark.parametrize("kind", ALL)
def test_the_second_time_changes_nothing_where_a_kind_says_so(kind: StepKind[Any], ready: LocalTarget) -> None:
    """``idempotent`` is a promise."""
    if not kind.idempotent:
        pytest.skip("not idempotent")
    value = here(example(kind), ready.root)

    do(kind, value, ready)

    assert not do(kind, value, ready).changed


@pytest.mark.parametrize("kind", ALL)
def test_the_schema_has_the_keys_that_params_have(kind: StepKind[Any]) -> None:
    """No key is accepted and ignored, none is missing; a short form fills the rest."""
    fields = {field.name for field in dataclasses.fields(kind.params)}
    if kind.name == "tcp":
        fields -= {"from_"}  # beside it, as for every check of a gate
    if kind.name in CONTROLS:
        assert set(kind.spell_out({} if kind.name == "ping" else "x")) == fields
        return
    short = set() if kind.name == "copy" else set(kind.spell_out("1s")) if "anyOf" in kind.schema else set()
    keys = {key.replace("from", "from_") if key == "from" else key for key in mapping_schema(kind)["properties"]}

    assert keys | short == fields


@pytest.mark.parametrize("kind", ALL)
def test_an_unknown_key_is_refused(kind: StepKind[Any]) -> None:
    """Wherever a mapping of options can stand."""
    if kind.name in {"set", "log", "flush"}:
        pytest.skip("has no options")
    schema = kind.schema if kind.name == "ping" else mapping_schema(kind)

    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("kind", ALL)
def test_a_kind_is_documented(kind: StepKind[Any]) -> None:
    """By its module's docstring, which names every option, and by one line for the table."""
    assert kind.summary
    if kind.name not in CONTROLS:
        assert [key for key in mapping_schema(kind)["properties"] if f"``{key}" not in kind.documentation] == []


@pytest.mark.parametrize("kind", ALL)
def test_the_schema_is_a_schema(kind: StepKind[Any]) -> None:
    """As JSON Schema 2020-12 defines it."""
    jsonschema.Draft202012Validator.check_schema(kind.schema)


def test_rendered_values_meet_their_types() -> None:
    """A template may give anything; the kind's own types decide."""
    with pytest.raises(StepError, match=r"^copy: mode: got a whole number, expected text$"):
        typed(kinds()["copy"], {"dest": "/x", "content": "x", "mode": 420})


def test_kinds_are_found_by_their_word() -> None:
    """All that are listed, each once."""
    assert [kind.name for kind in kinds().values()] == list(BUILT_IN)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


async def shout(_params: Any, _target: Any) -> Outcome:
    raise AssertionError


SHOUT = dataclasses.replace(LOG, name="shout", run=shout)


def test_a_plugin_adds_a_kind() -> None:
    """Under the name of its entry point."""
    found = with_plugins({"log": "log"}, [point("shout", "test_kinds:SHOUT")])

    assert list(found) == ["log", "shout"]
    with pytest.raises(AssertionError):
        asyncio.run(found["shout"].run(None, None))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "shout",
            "no_such_module:STEP",
            r"\"shout\" from \"no_such_module:STEP\" can't be loaded: ModuleNotFoundError",
        ),
        ("shout", "test_kinds:GROUP", 'is no StepKind named "shout"'),
        ("yell", "test_kinds:SHOUT", 'is no StepKind named "yell"'),
        ("log", "test_kinds:SHOUT", 'step kind "log" is there twice'),
    ],
)
def test_a_plugin_that_can_not_be_used_is_named(name: str, value: str, message: str) -> None:
    """So that nobody looks for the mistake in the playbook."""
    with pytest.raises(RunnerError, match=message):
        with_plugins({"log": "log"}, [point(name, value)])


def test_plugins_are_looked_for_only_where_there_are_some(tmp_path: Path) -> None:
    """An installed package says the group in its entry points."""
    info = tmp_path / "shouting-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n")
    none = plugins([str(tmp_path), str(tmp_path / "missing")])
    (info / "entry_points.txt").write_text("[runner.steps]\nshout = test_kinds:SHOUT\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")

    sys.path.append(str(tmp_path))
    try:
        (found,) = plugins([str(tmp_path)])
    finally:
        sys.path.remove(str(tmp_path))

    assert list(none) == []
    assert found.value == "test_kinds:SHOUT"
    with pytest.raises(RunnerError, match='of package "shouting"'):
        with_plugins({"shout": "log"}, [found])
