"""The plan that programs read."""

import json

import jsonschema
from plan_builder import HERE, inventory, play, playbook, rolling, step, tpl

from runner.model.inventory import Become
from runner.model.plan_description import counts, document, encode_document
from runner.model.playbook import Block, Check, Frame, Retry, Secret, Strategy
from runner.model.schemas import plan_schema
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings


def once(_play, _step):
    return 1


def data_of(plan, **options):
    data = json.loads(encode_document(document(plan, items=once, **options)))
    jsonschema.validate(data, plan_schema())
    return data


def test_every_default_is_filled_in():
    """A playbook of hosts and steps alone shows what everything else is."""
    data = data_of(compile_plan(playbook(play("all")), inventory("a[1-3]")))

    only = data["plays"][0]
    assert only["strategy"] == {
        "type": "parallel",
        "waves": ["rest"],
        "order": "inventory",
        "group_by": None,
        "per_group_limit": None,
        "concurrency": "auto",
        "sync": "independent",
        "max_failures": None,
        "max_failure_percent": None,
        "failure_scope": "run",
        "on_exceed": "stop",
        "of": "total",
        "spread": "even",
        "preflight": False,
        "gate": [],
        "bake": 0.0,
        "approve": [],
    }
    assert only["steps"][0] == {
        "id": "command",
        "name": "command",
        "kind": "command",
        "src": "site.yaml:3",
        "params": {"argv": ["true"]},
        "when": None,
        "loop": None,
        "register": None,
        "changed_when": None,
        "failed_when": None,
        "ok_codes": [0],
        "retry": None,
        "timeout": 1800.0,
        "idle_timeout": None,
        "become": None,
        "env": {},
        "cwd": None,
        "stdin": None,
        "on_failure": "stop",
        "read_only": False,
        "sensitive": False,
        "longest": 1800.0,
        "loop_label": None,
        "once": None,
        "delegate_to": None,
        "throttle": None,
        "needs": [],
        "tags": [],
        "notify": [],
        "on_resume": "skip",
        "idempotent": None,
        "on_unknown": "stop",
        "verify": [],
        "on_disconnect": "finish",
        "steps": [],
        "rescue": [],
        "rescue_on": [],
        "always": [],
        "file": None,
        "given": {},
        "item": None,
    }
    assert (only["needs"], only["when"], only["handlers"], only["rollback"], only["always"]) == ([], None, [], [], [])
    assert (only["delegates"], only["given"], data["given"]) == ([], {}, {})
    assert only["waves"] == [{"index": 1, "hosts": ["a1", "a2", "a3"], "longest": 1800.0}]
    assert (data["version"], data["lock"], data["tasks"], data["longest"]) == ("1.2", "controller", None, 1800.0)


def test_templates_are_shown_as_they_are_written():
    """Conditions too; a become by its user."""
    one = step(
        name=tpl("say {{ word }}"),
        params={"argv": ["echo", tpl("{{ word }}")]},
        when=tpl("a == 1", bare=True),
        failed_when=False,
        loop=[1, tpl("{{ two }}")],
        retry=Retry(until=tpl("result.json.ok", bare=True)),
        become=Become(tpl("{{ who }}")),
        env={"A": tpl("{{ a }}")},
        cwd="/srv",
    )

    shown = data_of(compile_plan(playbook(play("all", one)), inventory("a")))["plays"][0]["steps"][0]

    assert shown["name"] == "say {{ word }}"
    assert shown["params"] == {"argv": ["echo", "{{ word }}"]}
    assert (shown["when"], shown["failed_when"], shown["loop"]) == ("a == 1", False, [1, "{{ two }}"])
    assert shown["retry"]["until"] == "result.json.ok"
    assert (shown["become"], shown["env"], shown["cwd"]) == ("{{ who }}", {"A": "{{ a }}"}, "/srv")


def test_blocks_and_includes_hold_their_steps():
    """As deep as they are written, with the file an include comes from and what it is handed."""
    inner = Block("in", "the rest", (step(id="in/x", frame="in", once="run"),), HERE, opens="in", register="got")
    block = Block("b", None, (inner,), HERE, rescue=(step(id="r"),), always=(step(id="z", delegate_to="a2"),))
    frames = {"in": Frame("in", "in.yaml", given={"word": tpl("{{ word }}")}, has_item=True, item=3)}
    one = play("a1", block, frames=frames, handlers=(step(id="h"),), rollback=(step(id="k"),), needs=())

    data = data_of(compile_plan(playbook(one, play("a2", id="two", needs=("web",))), inventory("a[1-2]")))

    shown = data["plays"][0]["steps"][0]
    assert (shown["id"], shown["kind"], shown["rescue_on"]) == ("b", "block", ["failed", "timed_out"])
    include = shown["steps"][0]
    assert (include["name"], include["file"], include["given"], include["item"], include["register"]) == (
        "the rest",
        "in.yaml",
        {"word": "{{ word }}"},
        3,
        "got",
    )
    assert (include["steps"][0]["id"], include["steps"][0]["once"]) == ("in/x", "run")
    assert (shown["rescue"][0]["id"], shown["always"][0]["delegate_to"]) == ("r", "a2")
    assert [data["plays"][0][name][0]["id"] for name in ("handlers", "rollback")] == ["h", "k"]
    assert (data["plays"][0]["delegates"], data["plays"][1]["needs"]) == (["a2"], ["web"])
    assert data["counts"]["tasks"] == 2


def test_a_gate_is_shown_with_its_checks():
    """What each asks, of whom, and when it is content."""
    check = Check(step("http", {"url": tpl("http://{{ host.address }}/")}), source="controller", successes=3)
    strategy = rolling(gate=(check,), approve="each", bake=10.0)

    shown = data_of(compile_plan(playbook(play("all", strategy=strategy)), inventory("a")))["plays"][0]["strategy"]

    assert (shown["approve"], shown["bake"]) == ("each", 10.0)
    assert shown["gate"] == [
        {
            "id": "http",
            "kind": "http",
            "params": {"url": "http://{{ host.address }}/"},
            "from": "controller",
            "each": "host",
            "failed_when": None,
            "successes": 3,
            "interval": 2.0,
            "deadline": 300.0,
            "stable_for": 0.0,
            "on_inconclusive": "pause",
        }
    ]


def test_a_sensitive_step_hides_what_it_is_given():
    """Its kind, condition and times stay."""
    one = step(params={"run": "echo s3cr3t"}, env={"TOKEN": "s3cr3t"}, stdin="s3cr3t", sensitive=True)
    secrets = {"token": Secret("token", one.location, env="TOKEN")}

    data = data_of(compile_plan(playbook(play("all", one), secrets=secrets), inventory("a")))

    shown = data["plays"][0]["steps"][0]
    assert (shown["params"], shown["env"], shown["stdin"]) == ("***", {"TOKEN": "***"}, "***")
    assert data["secrets"] == ["token"]
    assert "s3cr3t" not in json.dumps(data)


def test_counts():
    """A host of two plays is one host; the most at work is that of the widest play."""
    book = playbook(play("a[1-4]", step(), step(id="b"), strategy=rolling(2)), play("all", id="two"))

    numbers = counts(compile_plan(book, inventory("a[1-4]", "b")))

    assert (numbers.plays, numbers.waves, numbers.hosts, numbers.steps, numbers.tasks) == (2, 3, 5, 3, 13)
    assert numbers.at_once == 5


def test_a_seed_is_named_only_where_it_decides_something():
    """So that documents of equal inputs are equal, whatever seed the run would have had."""

    def seed(order):
        plan = compile_plan(
            playbook(play("all", strategy=Strategy(order=order))), inventory("a"), settings=PlanSettings(seed=5)
        )
        return document(plan, items=once).seed

    assert (seed("inventory"), seed("shuffle")) == (None, 5)
