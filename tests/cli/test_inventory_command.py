"""``runner inventory`` at the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runner.cli.inventory import command
from runner.errors import InputError

pytestmark = pytest.mark.usefixtures("here")

REPOSITORY = Path(__file__).parents[2]

FLEET = """\
vars: {region: eu}
hosts:
  web[1-10]: {vars: {rack: "{{ host.index }}", db_password: hunter2}}
  db1: {address: 10.0.0.5, ssh: {user: root, password: pw, jump: web1}, become: {user: app, password: pw}}
groups:
  web: {hosts: ["web*"], vars: {region: us}}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with an inventory, as the current one."""
    (tmp_path / "inventory.yaml").write_text(FLEET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str, env: dict[str, str] | None = None) -> Result:
    """The command with these words."""
    return CliRunner().invoke(command, list(words), env=env, catch_exceptions=True)


def test_names_one_a_line():
    """The list is limited by any limit, and what is excluded is out."""
    result = call("list", "--limit", "web*", "--exclude", "web[3-5]")

    assert result.stdout == "".join(f"web{number}\n" for number in (1, 2, 6, 7, 8, 9, 10))
    assert result.exit_code == 0


def test_names_folded_and_as_json():
    """The same names in one line, or for programs."""
    assert call("list", "--fold", "-x", "web[2-3]").stdout == "web[1,4-10],db1\n"
    assert json.loads(call("list", "-l", "db1", "-l", "web1", "--format", "json").stdout) == ["web1", "db1"]


def test_a_file_of_names(here):
    """``@FILE`` has patterns, one a line, with comments."""
    (here / "failed").write_text("# of yesterday\nweb3\nweb[7-8]\n")

    assert call("list", "-l", "@failed").stdout.split() == ["web3", "web7", "web8"]


def test_a_file_of_names_that_can_not_be_read(here):
    """It is named."""
    (here / "latin").write_bytes(b"\xe9\n")

    for name in ("missing", "latin"):
        error = call("list", "-l", f"@{name}").exception
        assert isinstance(error, InputError)
        assert f'"{name}": ' in error.message


def test_options_may_stand_in_the_environment(here):
    """Each option has its variable."""
    (here / "other.yaml").write_text("hosts: {a: , b: }\n")

    result = call("list", env={"RUNNER_INVENTORY": "other.yaml", "RUNNER_LIMIT": "b", "RUNNER_FORMAT": "json"})

    assert json.loads(result.stdout) == ["b"]


def test_several_inventories_add_up(here):
    """``-i`` may be repeated."""
    (here / "other.yaml").write_text("hosts: {a: }\n")

    assert call("list", "-i", "other.yaml", "-i", "inventory.yaml", "--fold").stdout == "a,web[1-10],db1\n"


def test_a_folder_comes_before_a_file(here):
    """Without ``-i`` the folder ``inventory`` is looked for first."""
    (here / "inventory").mkdir()
    (here / "inventory" / "a.yaml").write_text("hosts: {a: }\n")

    assert call("list").stdout == "a\n"


def test_no_inventory_at_all(here):
    """Where none is named and none is there, usage says so."""
    (here / "inventory.yaml").unlink()

    result = call("list")

    assert result.exit_code == 2
    assert "-i PATH" in result.stderr


def test_bad_names_are_input_errors():
    """Each bad name of limits and exclusions is a problem with a suggestion."""
    error = call("list", "-l", "web1:wbe3", "-x", "bd1").exception

    assert isinstance(error, InputError)
    assert [(p.code, p.hint) for p in error.problems] == [
        ("E405", 'did you mean "web3"?'),
        ("E405", 'did you mean "db1"?'),
    ]


def test_a_bad_inventory_is_an_input_error(here):
    """All its problems come out, with the lines they stand in."""
    (here / "inventory.yaml").write_text("hosts: {'a b': , h: {adress: x}}\n")

    error = call("list").exception

    assert isinstance(error, InputError)
    assert [p.code for p in error.problems] == ["E502", "E401"]
    assert list(error.sources) == ["inventory.yaml"]


def test_all_that_is_known_of_a_host():
    """Address, connection, groups, options and variables; passwords hidden, templates as written."""
    result = call("show", "db1", "web1")

    assert result.stdout == (
        """\
web1
  index: 1
  address: web1
  connection: ssh
  groups: web
  become: false
  vars:
    region: us
    rack: {{ host.index }}
    db_password: ***
  src: inventory.yaml:3

db1
  index: 11
  address: 10.0.0.5
  connection: ssh
  ssh:
    user: root
    password: ***
    jump: web1
  become:
    user: app
    method: sudo
    password: ***
  vars:
    region: eu
  src: inventory.yaml:4
"""
    )


def test_a_host_for_programs():
    """The same as JSON; the controller is a host too."""
    [web2, controller] = json.loads(call("show", "web2", "controller", "--format", "json").stdout)

    assert (web2["groups"], web2["vars"]["rack"], web2["ssh"]) == (["web"], "{{ host.index }}", {})
    assert (controller["name"], controller["connection"]) == ("controller", "local")


def test_an_unknown_host_can_not_be_shown():
    """It is a problem with a suggestion."""
    error = call("show", "web11x").exception

    assert isinstance(error, InputError)


def test_why_a_variable_has_its_value():
    """Every place in order of precedence, the winner marked."""
    result = call("explain", "web1", "region")

    assert result.stdout == "  inventory  inventory.yaml:1  eu\n* group web  inventory.yaml:6  us\n"


def test_why_a_variable_has_its_value_for_programs():
    """The same as JSON; what is called a password is hidden here too."""
    rows = json.loads(call("explain", "web1", "db_password", "--format", "json").stdout)

    assert rows == [{"layer": "hosts web[1-10]", "src": "inventory.yaml:3", "value": "***", "wins": True}]


@pytest.mark.parametrize(
    ("host", "variable", "hint"),
    [("wbe1", "region", 'did you mean "web1"?'), ("web1", "regoin", 'did you mean "region"?'), ("web1", "xyz", "")],
)
def test_what_can_not_be_explained(host, variable, hint):
    """Unknown hosts and variables are errors with the nearest right word."""
    error = call("explain", host, variable).exception

    assert isinstance(error, InputError)
    assert error.problems[0].hint == hint


def test_values_can_not_drive_the_terminal(here):
    """Escape sequences in a value are shown, not sent."""
    (here / "inventory.yaml").write_text('hosts: {h: {vars: {x: "\\e[31mred"}}}\n')

    assert "\\e[31mred" in call("show", "h").stdout
    assert "\x1b" not in call("explain", "h", "x").stdout


@pytest.mark.parametrize(("name", "count"), [("demo", 21), ("example", 17)])
def test_the_inventories_we_ship(name, count):
    """Both are free of problems, by themselves and together in their folder."""
    names = call("list", "-i", str(REPOSITORY / "inventory" / f"{name}.yaml")).stdout.split()

    assert len(names) == count
    assert set(names) <= set(call("list", "-i", str(REPOSITORY / "inventory")).stdout.split())
