"""``runner validate``: what is printed where, and how it ends."""

import json
import subprocess
import sys

import pytest

from runner.cli.main import main

GOOD = """\
version: 1
inventory: {hosts: {web1: {}, web2: {}}}
hosts: all
steps:
  - command: uptime
  - log: done
"""
BAD = """\
version: 1
inventory: {hosts: {web1: {}}}
hosts: all
steps:
  - command: uptime
    timout: 30s
"""


EXCERPT = """\
bad.yaml:6:5: error: unknown key "timout" [E401]
    6 |     timout: 30s
      |     ^^^^^^
hint: did you mean "timeout"?
"""


@pytest.fixture
def validate(tmp_path, monkeypatch, capsys):
    """Run the command line in a folder with these files; gives status, standard output, standard error."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "warned.yaml").write_text(GOOD.replace("log: done", "log: yes"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["runner", "validate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return (left.value.code, *capsys.readouterr())

    return run


def test_a_good_playbook_is_one_line(validate):
    """With what was counted in it."""
    assert validate("good.yaml") == (0, "good.yaml: ok (1 play, 2 steps, 2 hosts)\n", "")


def test_a_bad_playbook_shows_place_caret_and_hint_and_ends_with_2(validate):
    """On standard error, in the form that editors know."""
    assert validate("bad.yaml") == (
        2,
        "",
        EXCERPT,
    )


def test_all_playbooks_are_checked(validate):
    """A bad one doesn't hide the others, nor a missing one."""
    code, out, err = validate("bad.yaml", "good.yaml", "missing.yaml")

    assert code == 2
    assert out == "good.yaml: ok (1 play, 2 steps, 2 hosts)\n"
    assert "bad.yaml:6:5: error" in err
    assert "missing.yaml:1:1: error: there is no such playbook file [E116]" in err


def test_warnings_are_shown_and_change_nothing(validate):
    """The status stays 0."""
    code, out, err = validate("warned.yaml")

    assert (code, out) == (0, "warned.yaml: ok (1 play, 2 steps, 2 hosts)\n")
    assert err.startswith("warned.yaml:6:10: warning: ")


def test_a_wait_inside_a_window_is_warned_of(validate, tmp_path):
    """What only the plan can tell, with its place; steps in blocks are counted, too."""
    steps = "  - block: [{id: a, command: a}]\n    id: all\n  - {command: b, needs: [all]}\n"
    head = GOOD.split("steps:", maxsplit=1)[0]
    (tmp_path / "wait.yaml").write_text(f"{head}strategy: {{concurrency: 1}}\nsteps:\n{steps}")

    code, out, err = validate("wait.yaml")

    assert (code, out) == (0, "wait.yaml: ok (1 play, 2 steps, 2 hosts)\n")
    assert err.startswith('wait.yaml:8:5: warning: play "play": step "command" waits for all 2 hosts of wave 1')
    assert "[W422]" in err


def test_json_is_a_list_of_records_on_standard_output(validate):
    """Empty where all is well."""
    code, out, err = validate("bad.yaml", "--format", "json")

    assert (code, err) == (2, "")
    assert [(r["code"], r["file"], r["line"], r["column"]) for r in json.loads(out)] == [("E401", "bad.yaml", 6, 5)]
    assert validate("good.yaml", "--format", "json") == (0, "[]\n", "")


def test_github_gets_workflow_commands(validate):
    """One for each problem, on standard output."""
    code, out, err = validate("bad.yaml", "--format", "github")

    assert (code, err) == (2, "")
    assert out.startswith("::error file=bad.yaml,line=6,col=5,endColumn=10,title=E401::unknown key")


def test_another_inventory_replaces_the_playbooks_own(validate, tmp_path):
    """Its hosts are counted, its problems told."""
    (tmp_path / "three.yaml").write_text("hosts: {'a[1-3]': {}}\n")
    (tmp_path / "broken.yaml").write_text("hosts: [\n")

    assert validate("good.yaml", "-i", "three.yaml")[1] == "good.yaml: ok (1 play, 2 steps, 3 hosts)\n"
    code, _, err = validate("bad.yaml", "-i", "broken.yaml")
    assert code == 2
    assert "broken.yaml:1:8: error:" in err
    assert "bad.yaml:6:5: error:" in err


def test_without_a_playbook_the_usage_is_shown(validate):
    """That is an error of usage."""
    code, _, err = validate()

    assert code == 2
    assert "PLAYBOOK" in err


def test_no_ssh_library_is_loaded_for_it(validate):
    """Checking contacts nothing, so it needn't wait for what contacts."""
    del validate  # its files are wanted
    code = "import sys; sys.argv = ['runner', 'validate', 'good.yaml']; from runner.cli.main import main\n"
    code += "try: main()\nfinally: print(sorted({'asyncssh', 'structlog', 'rich'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0
    assert done.stdout.endswith("hosts)\n[]\n")


INPUT = GOOD.replace("hosts: all", "inputs: {release: {type: string}, size: {type: integer}}\nhosts: all\n{strategy}")


def test_an_input_needs_no_value(validate, tmp_path):
    """A playbook that asks for a release is as good in a repository as any other; what depends on it is left open."""
    text = INPUT.replace("{strategy}", 'strategy: {type: rolling, waves: "{{ size }}"}')
    (tmp_path / "asks.yaml").write_text(text.replace("uptime", 'echo {{ release }}"').replace("echo", '"echo'))

    code, out, err = validate("asks.yaml")

    assert (code, err) == (0, "")
    assert out == "asks.yaml: ok (1 play, 2 steps, 2 hosts); not checked: what depends on the inputs release, size\n"


def test_hosts_that_an_input_names_are_left_open(validate, tmp_path):
    """And what is wrong elsewhere is told all the same."""
    text = INPUT.replace("{strategy}\n", "").replace("hosts: all", 'hosts: "{{ release }}"')
    (tmp_path / "asks.yaml").write_text(text)
    assert validate("asks.yaml", "-e", "size=3")[0] == 0

    (tmp_path / "asks.yaml").write_text(text.replace("uptime", "uptime\n    timout: 3s"))
    assert 'unknown key "timout"' in validate("asks.yaml")[2]


def test_an_unknown_tag_is_found_here_too(validate, tmp_path):
    """With what may have been meant."""
    (tmp_path / "tags.yaml").write_text(GOOD.replace("command: uptime", "command: uptime\n    tags: [web]"))

    code, _, err = validate("tags.yaml", "--tags", "wbe")

    assert code == 2
    assert 'no step has the tag "wbe"' in err
    assert 'did you mean "web"?' in err
