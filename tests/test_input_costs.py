"""What the dearest inputs cost: each is answered in a second of processor time, and none takes 200 MB."""

import json
import subprocess
import sys
from pathlib import Path

import bad_input_state
import pytest
from bad_input_makers import HEAD, a_bomb_of_nine_levels, a_bomb_of_seven_levels, deep_brackets, deep_dashes, many_nodes
from commandline import environment

CHILD = """
import gc, json, os, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from runner.cli.main import main
import runner.loading.project, runner.planning.compile, jsonschema
begun = time.process_time()
for number in range(3_000_000):
    number * number % 7
pace = max(1.0, (time.process_time() - begun) / 0.25)
spent = {}
for name, words in json.loads(sys.argv[1]):
    sys.argv = ["runner", *words]
    before = time.process_time()
    try:
        main()
    except SystemExit as ended:
        spent[name] = ((time.process_time() - before) / pace, ended.code)
    gc.enable(); gc.collect(); gc.unfreeze()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([int(peak.split()[1]), spent]))
"""
"""Runs command lines one after the other; prints the most memory that was taken, in KiB, and what each took.

On a machine that is slow, or busy, a second is longer: it is told by a loop that takes a quarter of one else.
"""


def texts():
    """Playbooks by name."""
    one = f"{HEAD}vars: {{a: VALUE}}\n"
    plain = "version: 1\ninventory: hosts.yaml\nhosts: web\n"
    return {
        "a hundred thousand items": plain + f"steps: [{{command: a, loop: [{', '.join(['1'] * 99_000)}]}}]\n",
        "five texts of nearly a mebibyte": HEAD + "vars:\n" + "".join(f"  k{n}: {'x' * 1_000_000}\n" for n in range(4)),
        "a number of a million digits": one.replace("VALUE", "9" * 1_000_000),
        "a number just long enough": one.replace("VALUE", "9" * 300),
        "a hexadecimal number of a million digits": one.replace("VALUE", "0x" + "f" * 1_000_000),
        "a huge exponent": one.replace("VALUE", "1e999999999"),
        "a huge exponent of nothing": one.replace("VALUE", "0e999999999"),
        "a thousand keys of the longest kind": HEAD + "vars:\n" + "".join(f"  {n:0>255}: 1\n" for n in range(1, 1000)),
        "keys that are all too long": HEAD + "vars:\n" + "".join(f"  {n:0>900}: 1\n" for n in range(1, 4000)),
        "a million hosts too many": plain.replace("web", "'web[1-999999999999]'") + "steps: [{command: a}]\n",
        "a pattern of many stars": plain.replace("web", f"'{'*a' * 500}b'") + "steps: [{command: a}]\n",
        "an expression that tries every way": plain
        + f"inputs: {{a: {{type: string, pattern: '^(a+)+$', default: {'a' * 60}b}}}}\nsteps: [{{command: a}}]\n",
        "a long text times a thousand million": plain + "steps: [{log: \"{{ 'a' * 10**9 }}\"}]\n",
        "a power of powers": plain + 'steps: [{log: "{{ 9**(9**9) }}"}]\n',
        "loops in loops": plain
        + 'steps: [{log: "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}"}]\n',
        "five thousand wrong keys": plain
        + "steps:\n- command: a\n"
        + "".join(f"  unknown{n}: 1\n" for n in range(5000)),
        "ten thousand quotes": one.replace("VALUE", '"' * 9_999),
        "ten thousand braces": one.replace("VALUE", "{" * 9_999),
        "ten thousand templates": one.replace("VALUE", "'" + "{{ a }}" * 9_999 + "'"),
        "a text of many lines": HEAD + "vars:\n  a: |\n" + "    x\n" * 200_000,
        "a file of line ends": "\n" * 4_000_000,
        "a file of comments": "#\n" * 2_000_000,
        "a file of bad characters": "\x07" * 1_000_000,
        "fifty thousand leading zeros": one.replace("VALUE", f"[{', '.join(['01'] * 50_000)}]"),
        "fifty thousand wrong words": plain + f"steps: [{{command: [{', '.join(['1.5'] * 50_000)}]}}]\n",
        "thirty thousand undefined names": one.replace("VALUE", "[" + '"{{ x }}", ' * 30_000 + "]"),
    }


@pytest.fixture
def lines(tmp_path):
    """Every input as a command line."""
    (tmp_path / "hosts.yaml").write_text("\n" * 40 + "hosts: {web: }\n")
    found = []
    for number, (name, text) in enumerate(texts().items()):
        (tmp_path / f"{number}.yaml").write_text(text)
        found.append((name, ["validate", f"{number}.yaml"]))
    for maker in (a_bomb_of_nine_levels, a_bomb_of_seven_levels, deep_brackets, deep_dashes, many_nodes):
        maker(tmp_path)
    bad_input_state.a_journal_of_two_gibibytes(tmp_path)
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(100_000_000)
    files = ["bomb.yaml", "deep.yaml", "many.yaml", "large.yaml"]
    return [*found, *((name, ["validate", name]) for name in files), ("a journal", ["runs", "verify", "r1"])]


def unmeasured(**more):
    """The environment without what measures which lines run: that takes more than what is measured here."""
    return {name: value for name, value in environment(**more).items() if not name.startswith("COV")}


def test_no_input_costs_more_than_a_second_and_200_megabytes(tmp_path, lines):
    """All of them in one process, of which not one may fail in a way that is not foreseen."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(lines)],
        cwd=tmp_path,
        env=unmeasured(RUNNER_RUNS_DIR=str(tmp_path / "runs"), PYTHONPATH=str(Path(__file__).parents[1])),
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )

    peak, spent = json.loads(done.stdout.splitlines()[-1])
    assert {name: code for name, (_, code) in spent.items() if code not in {0, 2, 11}} == {}
    assert {name: seconds for name, (seconds, _) in spent.items() if seconds > 1} == {}
    assert peak < 200 * 1024
