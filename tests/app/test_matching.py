"""What may have changed in files and inventory when a run is gone on with, and what may not."""

from contextlib import chdir
from pathlib import Path

import pytest

from runner.app.comparing import around
from runner.app.digests import digests_of
from runner.app.plans import make_plan
from runner.app.settings import Settings
from runner.errors import MismatchError
from runner.model.encoding import decode_plan, encode_plan
from runner.model.events import HostEnded, HostStarted, RunStarted, StepEnded, StepIntent
from runner.model.past import Past
from runner.model.remaining import left
from runner.planning.matching import Wanted, matched

SALT = b"salt"
INVENTORY = """
connection: local
hosts:
  web1: {vars: {own: a}}
  web2: {vars: {own: b}}
  web3:
groups:
  web:
    hosts: ["web[1-3]"]
    vars: {color: blue, port: 80}
"""
PLAYBOOK = """
version: 1
name: site
inventory: hosts.yaml
inputs: {release: {type: string, default: "1"}}
vars: {home: "/srv/{{ release }}", unused_by_first: x}
hosts: web
steps:
- name: first
  command: "mkdir {{ home }}"
- id: paint
  command: [paint, "{{ color }}", "{{ own | default('none') }}"]
- id: conf
  template: {src: app.conf, dest: /etc/app.conf}
- include: {file: more.yaml, vars: {word: "{{ port }}"}}
  id: more
- id: last
  command: uptime
"""
FILES = {
    "hosts.yaml": INVENTORY,
    "site.yaml": PLAYBOOK,
    "app.conf": "color = {{ color }}\nport = {{ port }}\n",
    "more.yaml": "inputs: {word: {type: integer}}\nsteps:\n- id: say\n  command: [echo, '{{ word }}']\n",
}
STEPS = ("first", "paint", "conf", "more/say", "last")


class Site:
    """A project, the plan that was stored of it, and what the hosts have done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            (folder / name).write_text(text)
        self.past = Past()
        self.settings = Settings(playbook=Path("site.yaml"), seed=1)
        self.old = self.planned().plan
        self._apply(self._started(self.old))

    def _started(self, plan, **fields):
        digests = digests_of(plan, {}, SALT)
        return RunStarted(
            schema="1.0",
            tool="0",
            mode="run",
            playbook="",
            name="",
            user="",
            controller="",
            pid=1,
            digests=digests,
            **fields,
        )

    def _apply(self, *events):
        for event in events:
            self.past.apply(event, self.past.seq + 1)

    def planned(self, **fields):
        with chdir(self.folder):
            planned = make_plan(Settings(playbook=Path("site.yaml"), seed=1, **fields))
        assert decode_plan(encode_plan(planned.plan)) == planned.plan
        return planned

    def has_done(self, *steps, hosts=("web1", "web2", "web3"), status="changed", ends=""):
        """The hosts have ended these steps so; with ``ends`` their turns are over."""
        for host in hosts:
            self._apply(HostStarted(play="site", wave=1, host=host))
            for step in steps:
                place = {"play": "site", "wave": 1, "host": host, "step": step}
                if status != "skipped":
                    self._apply(StepIntent(**place, attempt=1, kind="command"))
                if status:
                    self._apply(StepEnded(**place, attempt=1, kind="command", status=status))
            if ends:
                self._apply(HostEnded(play="site", wave=1, host=host, status=ends))

    def edit(self, name, *pairs):
        """Replace text in a file."""
        text = (self.folder / name).read_text()
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / name).write_text(text)

    def match(self, *, old=None, accept=False, drop=(), **options):
        """What comes of going on now."""
        old = old or decode_plan(encode_plan(self.old))
        with chdir(self.folder):
            among = [name for play in old.plays for name in play.hosts if name not in drop]
            planned = make_plan(Settings(playbook=Path("site.yaml"), seed=1, **options), among=among)
            wanted = Wanted(accept=accept, dropped=frozenset(drop), by="ada")
            digests = digests_of(planned.plan, {}, SALT)
            return matched(old, planned.plan, self.past, around(planned, old.inputs), digests, wanted)

    def refused(self, **options):
        """Code, message and place of all that is in the way."""
        with pytest.raises(MismatchError) as caught:
            self.match(**options)
        return [(one.code, one.message, str(one.location or "")) for one in caught.value.problems]

    def left(self, found):
        """Host and step of all that is left then."""
        for event in found.events:
            self._apply(event)
        return [(one.host, step) for one in left(found.plan, self.past) for step in one.steps]


@pytest.fixture
def site(tmp_path):
    """Where nothing has been done yet."""
    return Site(tmp_path)


def test_nothing_has_changed(site):
    """What is left is what was not done."""
    site.has_done(*STEPS, hosts=["web1"], ends="changed")
    site.has_done("first", "paint", hosts=["web2"])

    found = site.match()

    assert (found.events, found.notes) == ((), ())
    assert site.left(found) == [
        *(("web2", step) for step in STEPS[2:]),
        *(("web3", step) for step in STEPS),
    ]


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("site.yaml", [("- id: paint\n", "\n# a comment\n\n- id:   paint   # another\n")]),
        ("site.yaml", [("name: first", "name: first\n  tags: [new]")]),
        ("site.yaml", [("name: first", "name: first\n  timeout: 5m\n  retry: {attempts: 2}\n  on_failure: continue")]),
        ("site.yaml", [("- id: paint\n", "- id: paint\n  idempotent: true\n  verify: [painted]\n")]),
        ("site.yaml", [('command: "mkdir {{ home }}"', "command: [mkdir, '{{ home }}']")]),
        ("site.yaml", [("unused_by_first: x", "unused_by_first: y")]),
        ("hosts.yaml", [("vars: {color: blue, port: 80}", "vars: { port:  80,\n      color: 'blue' } # the same")]),
        ("hosts.yaml", [("web3:\n", "web3: {vars: {nobody: asks}}\n")]),
        ("more.yaml", [("- id: say", "# what it says\n\n- id: say")]),
    ],
)
def test_what_is_written_otherwise_but_means_the_same_is_no_change(site, name, pairs):
    """Blanks, comments, order of keys, tags, and with what care a step is tried."""
    site.has_done(*STEPS, ends="changed")
    site.edit(name, *pairs)

    assert site.match().events == ()


@pytest.mark.parametrize(
    ("name", "pairs", "step", "what"),
    [
        ("site.yaml", [("mkdir {{ home }}", "mkdir -p {{ home }}")], "first", "params"),
        ("site.yaml", [("- id: paint\n", "- id: paint\n  when: color == 'blue'\n")], "paint", "when"),
        ("site.yaml", [("hosts: web\n", "hosts: web\nenv: {LANG: C}\n")], "first", "env"),
        ("site.yaml", [("/srv/", "/opt/")], "first", "home"),
        ("site.yaml", [('default: "1"', 'default: "2"')], "first", "release"),
        ("hosts.yaml", [("color: blue", "color: red")], "paint", "color"),
        ("app.conf", [("color =", "colour =")], "conf", "app.conf"),
        ("more.yaml", [("[echo, ", "[printf, ")], "more/say", "params"),
        ("hosts.yaml", [("port: 80", "port: 81")], "more/say", "port"),
    ],
)
def test_a_step_that_ended_well_must_be_what_it_was(site, name, pairs, step, what):
    """Its text, what it reads, directly or through variables, and the files that it sends; told with its place."""
    site.has_done(step)
    site.edit(name, *pairs)

    problems = [one for one in site.refused() if one[0] == "E645"]

    assert len(problems) == 1
    _, message, place = problems[0]
    assert message == f'step "{step}" has changed since it ended well on web[1-3] ({what})' or what in message
    assert message.startswith(f'step "{step}" has changed since it ended well on web[1-3]')
    assert place.startswith("more.yaml:" if "/" in step else "site.yaml:")


def test_what_a_template_file_reads_counts(site):
    """The names in the file are read by its step."""
    site.has_done("conf")
    site.edit("hosts.yaml", ("port: 80", "port: 81"))

    assert [message for _, message, _ in site.refused()] == [
        'step "conf" has changed since it ended well on web[1-3] (port)'
    ]


def test_a_variable_of_one_host_counts_for_that_host(site):
    """The others have done what they would do now."""
    site.has_done("paint")
    site.edit("hosts.yaml", ("own: b", "own: c"))

    assert [message for _, message, _ in site.refused()] == [
        'step "paint" has changed since it ended well on web2 (own)'
    ]


def test_true_is_another_value_than_1(site):
    """Though Python takes them for equal."""
    site.has_done("paint")
    site.edit("hosts.yaml", ("own: a", "own: 1"))
    site.old = site.planned().plan
    site.edit("hosts.yaml", ("own: 1", "own: true"))

    assert [code for code, _, _ in site.refused()] == ["E645"]


@pytest.mark.parametrize(
    ("expression", "pairs", "what"),
    [
        ("host.index", [("  web1:", "  db1:\n  web1:")], "host.index"),
        ("host.groups | join(' ')", [("  web:\n", "  all_of_them: {hosts: ['web*']}\n  web:\n")], "host.groups"),
        ("host.vars.own", [("own: a", "own: c")], "host.vars.own"),
        ("hosts.web1.vars.own", [("own: a", "own: c")], "hosts.web1.vars.own"),
        ("hosts[groups.web[0]].vars.own", [("own: a", "own: c")], "hosts"),
        ("groups.web | length", [("web3:\n", "web3:\n  web4:\n"), ("web[1-3]", "web[1-4]")], "groups.web"),
        ("inputs.release", [("unused", "unused")], "inputs.release"),
        ("inputs | length", [("unused", "unused")], "inputs.release"),
        ("nobody is defined", [("color: blue", "nobody: 1, color: blue")], "nobody"),
        ("play.name", [("unused", "unused")], ""),
    ],
)
def test_whatever_a_step_reads_counts(site, expression, pairs, what):
    """Of its host, of others, of groups and inputs; and whether something is there at all."""
    site.edit("site.yaml", ("command: uptime", f'command: [uptime, "{{{{ {expression} }}}}"]'))
    site.old = site.planned().plan
    site.has_done("last")
    for old, new in pairs:
        site.edit("site.yaml" if old == "unused" else "hosts.yaml", (old, new))
    sets = ("release=2",) if "inputs" in expression else ()

    found = [message for code, message, _ in site.refused(sets=sets) if code == "E645"] if what else site.match().events

    assert len(found) == bool(what)
    assert all(f"({what})" in message for message in found)


def test_what_an_include_hands_over_is_read_by_the_steps_of_its_file(site):
    """With the items of its loop, each in a copy of its own; what another copy is handed is nothing to it."""
    site.edit(
        "site.yaml",
        (
            '- include: {file: more.yaml, vars: {word: "{{ port }}"}}',
            "- include: {file: more.yaml, vars: {word: '{{ item }}'}}\n  loop: [1, 2]",
        ),
    )
    site.old = site.planned().plan
    names = [step.id for block in site.old.plays[0].steps if hasattr(block, "steps") for step in block.steps]
    site.has_done(*names)
    site.edit("site.yaml", ("loop: [1, 2]", "loop: [1, 3]"))

    assert len(names) == 2
    assert [message.partition(" has")[0] for _, message, _ in site.refused()] == [f'step "{names[1]}"']


@pytest.mark.parametrize(("before", "after"), [("[1, 2]", "[1, 3]"), ("[a, b]", "[a, c]")])
def test_what_is_handed_over_may_be_made_of_an_item_and_of_the_host(site, before, after):
    """Only the run can render it; its definition is known."""
    site.edit("more.yaml", ("type: integer", "type: string"))
    handed = "- include: {file: more.yaml, vars: {word: '{{ item }}{{ host.name }}'}}\n  loop: %s"
    site.edit("site.yaml", ('- include: {file: more.yaml, vars: {word: "{{ port }}"}}', handed % before))
    site.old = site.planned().plan
    names = [step.id for block in site.old.plays[0].steps if hasattr(block, "steps") for step in block.steps]
    site.has_done(*names)
    site.edit("site.yaml", (before, after))

    assert [message.partition(" has")[0] for _, message, _ in site.refused()] == [f'step "{names[1]}"']


def test_a_name_that_is_handed_over_under_its_own_name_is_followed(site):
    """Inside the file it is another than outside."""
    site.edit("more.yaml", ("word: {type: integer}", "color: {type: string}"), ("{{ word }}", "{{ color }}"))
    site.edit("site.yaml", ('vars: {word: "{{ port }}"}', 'vars: {color: "{{ color }}"}'))
    site.old = site.planned().plan
    site.has_done("more/say")
    site.edit("hosts.yaml", ("color: blue", "color: red"))

    assert [message for _, message, _ in site.refused()] == [
        'step "more/say" has changed since it ended well on web[1-3] (color)'
    ]


def test_hosts_with_equal_variables_may_differ_in_their_number(site):
    """One before the place where a host was put in has the number that it had."""
    site.edit("site.yaml", ("command: uptime", "command: [uptime, '{{ host.index }}']"))
    site.edit("hosts.yaml", ("web1: {vars: {own: a}}", "web1:"), ("web2: {vars: {own: b}}", "web2:"))
    site.old = site.planned().plan
    site.has_done("last")
    site.edit("hosts.yaml", ("  web2:", "  db1:\n  web2:"))

    assert [message for _, message, _ in site.refused()] == [
        'step "last" has changed since it ended well on web[2-3] (host.index)'
    ]


@pytest.mark.parametrize("status", ["failed", "unreachable", "skipped", ""])
def test_a_step_that_had_not_ended_well_may_change(site, status):
    """It runs as it is now; one that was skipped stays so."""
    site.has_done("first", status=status)
    site.edit("site.yaml", ("mkdir {{ home }}", "mkdir -p {{ home }}"))

    found = site.match()

    assert found.plan.plays[0].steps[0].params["argv"][:2] == ["mkdir", "-p"]
    assert (("web1", "first") in site.left(found)) == (status != "skipped")


def test_everything_is_told_at_once(site):
    """Steps, hosts and inputs, each with what to do."""
    site.has_done("first", "paint")
    site.edit("site.yaml", ("mkdir {{ home }}", "mkdir -p {{ home }}"), ("- id: paint", "- id: coat"))
    site.edit("hosts.yaml", ("web3:\n", "web3: {address: 10.0.0.9}\n"))

    with pytest.raises(MismatchError) as caught:
        site.match(sets=("release=2",))

    found = [(one.code, one.message, one.hint) for one in caught.value.problems]
    assert found == [
        (
            "E643",
            '"release" has another value than when the run was last at work',
            "give it the value it had, or go on with --accept-changes",
        ),
        (
            "E647",
            'the address of web3 was "web3" and is "10.0.0.9": it may be another machine',
            "put it back, or go on without: --drop-hosts web3",
        ),
        (
            "E645",
            'step "first" has changed since it ended well on web[1-3] (params)',
            "put it back as it was, or go on with --accept-changes: it runs again there",
        ),
        (
            "E646",
            'step "paint", which ended well on web[1-3], is no longer there',
            "put it back as it was, or go on with --accept-changes: it stays done",
        ),
    ]
    assert caught.value.message == "the run can't be gone on with: 4 things have changed since"


def test_accepted_a_changed_step_runs_again_where_it_had_ended_well(site):
    """Also on hosts that were done; what has not changed stays done."""
    site.has_done(*STEPS, hosts=["web1", "web2"], ends="changed")
    site.has_done("first", hosts=["web3"])
    site.edit("site.yaml", ("[paint,", "[coat,"))

    found = site.match(accept=True)

    assert found.notes == ('step "paint" has changed since it ended well on web[1-2] (params): it runs again there',)
    assert [(event.host, event.what, event.by, event.how) for event in found.events] == [
        ("web1", "rerun", "ada", "accept"),
        ("web2", "rerun", "ada", "accept"),
    ]
    assert site.left(found) == [("web1", "paint"), ("web2", "paint"), *(("web3", step) for step in STEPS[1:])]


def test_a_renamed_step_is_one_removed_and_a_new_one(site):
    """Refused; accepted, it runs once more under its new name, on hosts that were done, too."""
    site.has_done(*STEPS, ends="changed")
    site.edit("site.yaml", ("- id: paint", "- id: coat"))

    assert [code for code, _, _ in site.refused()] == ["E646"]
    found = site.match(accept=True)
    assert found.notes == (
        'step "paint", which ended well on web[1-3], is no longer there: it stays done',
        'step "coat" is new: it runs on web[1-3], too',
    )
    assert site.left(found) == [(host, "coat") for host in ("web1", "web2", "web3")]


def test_steps_may_change_places(site):
    """Nobody looks at their order."""
    site.has_done("first", "last")
    site.edit("site.yaml", ("- id: last\n  command: uptime\n", ""))
    site.edit("site.yaml", ("- name: first", "- id: last\n  command: uptime\n- name: first"))

    found = site.match()

    assert site.left(found)[:3] == [("web1", "paint"), ("web1", "conf"), ("web1", "more/say")]


def test_a_step_that_is_put_in_between_runs_where_the_run_goes_on(site):
    """Hosts that were done stay so, and this is said."""
    site.has_done(*STEPS, hosts=["web1"], ends="changed")
    site.has_done("first", "paint", hosts=["web2", "web3"])
    site.edit("site.yaml", ("- id: paint", "- id: prime\n  command: primer\n- id: paint"))

    found = site.match()

    assert found.notes == ('step "prime" is new: it does not run on web1, which had ended',)
    assert [host for host, step in site.left(found) if step == "prime"] == ["web2", "web3"]


def test_another_host_in_the_inventory_is_not_in_this_run(site):
    """It is said; what was cut into waves stays cut."""
    site.edit("hosts.yaml", ("web3:\n", "web3:\n  web4:\n"), ("web[1-3]", "web[1-4]"))

    found = site.match()

    assert found.notes == ('web4 is new in play "site": not part of this run',)
    assert found.plan.plays[0].waves == site.old.plays[0].waves
    assert "web4" in found.plan.groups["web"]


def test_a_host_that_is_gone_has_to_be_left_out_by_name(site):
    """Left out it has not run; the others go on."""
    site.has_done("first", hosts=["web1", "web3"])
    site.edit("hosts.yaml", ("  web3:\n", ""), ("web[1-3]", "web[1-2]"))

    assert site.refused() == [("E644", "web3 is no longer in the inventory", "")]
    found = site.match(drop=["web3"])
    ((event),) = found.events
    assert (event.host, event.status, event.reason) == ("web3", "not_run", "left out with --drop-hosts by ada")
    assert found.plan.plays[0].hosts == ("web1", "web2")
    assert {host for host, _ in site.left(found)} == {"web1", "web2"}


def test_a_host_that_was_left_out_is_not_new_afterwards(site):
    """Though the inventory has it still, and the plan no more."""
    first = site.match(drop=["web3"])
    for event in first.events:
        site._apply(event)

    second = site.match(old=first.plan)

    assert (second.notes, second.plan.plays[0].hosts) == ((), ("web1", "web2"))


def test_a_host_that_had_ended_and_is_left_out_keeps_its_end(site):
    """There is nothing to record."""
    site.has_done(*STEPS, hosts=["web3"], ends="changed")
    site.edit("hosts.yaml", ("  web3:\n", ""), ("web[1-3]", "web[1-2]"))

    assert site.match(drop=["web3"]).events == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("web3: {address: 10.0.0.9}", 'the address of web3 was "web3" and is "10.0.0.9"'),
        ("web3: {connection: demo}", 'the connection of web3 was "local" and is "demo"'),
        ("web3: {connection: ssh}", 'the connection of web3 was "local" and is "ssh"'),
    ],
)
def test_a_host_must_be_the_machine_that_it_was(site, entry, message):
    """Accepting changes is no help: it is left out, or put back."""
    site.edit("hosts.yaml", ("web3:\n", f"{entry}\n"))

    assert site.refused(accept=True) == [("E647", f"{message}: it may be another machine", "hosts.yaml:6:3")]
    assert site.match(drop=["web3"]).plan.plays[0].hosts == ("web1", "web2")


def test_hosts_that_moved_alike_are_told_together(site):
    """A port of the whole group, the user, the way there."""
    site.edit(
        "hosts.yaml",
        ("connection: local\n", ""),
        ("  web:\n    hosts", "  web:\n    ssh: {port: 22, user: a}\n    hosts"),
    )
    site.old = site.planned().plan
    site.edit("hosts.yaml", ("port: 22, user: a", "port: 2222, user: b"))

    assert [message for _, message, _ in site.refused()] == [
        "the port of web[1-3] was 22 and is 2222: it may be another machine",
        'the user of web[1-3] was "a" and is "b": it may be another machine',
    ]


def test_an_input_or_variable_that_is_given_otherwise_is_named(site):
    """Accepted, it counts from now on."""
    assert [(code, message) for code, message, _ in site.refused(sets=("release=2",))] == [
        ("E643", '"release" has another value than when the run was last at work')
    ]
    found = site.match(accept=True, sets=("release=2",))
    assert found.notes == ('"release" has another value than when the run was last at work',)
    assert found.plan.given == {"release": "2"}


def test_another_playbook_is_refused_whatever_is_accepted(site):
    """By its name, or by a play that is gone."""
    site.edit("site.yaml", ("name: site", "name: other"))
    assert site.refused(accept=True) == [
        ("E641", 'this is the playbook "other"; the run is of "site"', "site.yaml:1:1")
    ]

    site.edit("site.yaml", ("name: other", "name: site"), ("hosts: web", "plays:\n- name: new\n  hosts: web"))
    text = (site.folder / "site.yaml").read_text()
    head, _, steps = text.partition("steps:\n")
    (site.folder / "site.yaml").write_text(head + "  steps:\n" + "".join(f"  {line}\n" for line in steps.splitlines()))
    assert site.refused(accept=True) == [("E642", 'the play "site" of the run is no longer there', "site.yaml:1:1")]


def test_strategy_and_gate_are_as_they_are_now(site):
    """But the waves are as they were cut, and the budget is of the hosts that they have."""
    site.edit("site.yaml", ("hosts: web\n", "hosts: web\nstrategy: {max_failure_percent: 34, on_exceed: drain}\n"))

    play = site.match().plan.plays[0]

    assert (play.strategy.on_exceed, play.budget, len(play.waves)) == ("drain", 1, 1)


def test_a_play_that_means_other_hosts_now_goes_on_with_those_it_had(site):
    """With their variables as they are now."""
    site.edit("site.yaml", ("hosts: web\n", "hosts: web[1-2]\n"))
    site.edit("hosts.yaml", ("web3:\n", "web3: {vars: {own: new}}\n"))

    plan = site.match().plan

    assert plan.plays[0].hosts == ("web1", "web2", "web3")
    assert plan.hosts["web3"].vars["own"] == "new"


def test_what_was_accepted_stays_so_when_it_is_gone_on_with_once_more(site):
    """The step that was forgotten is left until it has run, and the plan of then is what is compared."""
    site.has_done(*STEPS, ends="changed")
    site.edit("site.yaml", ("[paint,", "[coat,"))
    first = site.match(accept=True)
    for event in first.events:
        site._apply(event)

    second = site.match(old=first.plan)

    assert (second.events, second.notes) == ((), ())
    assert site.left(second) == [(host, "paint") for host in ("web1", "web2", "web3")]


LOOP = ("- id: paint\n", "- id: each\n  loop: [a, b]\n  command: [do, '{{ item }}']\n- id: paint\n")


def test_a_loop_of_which_an_item_ended_well_must_be_what_it_was(site):
    """Accepted, every item runs again."""
    site.edit("site.yaml", LOOP)
    site.old = site.planned().plan
    place = {"play": "site", "wave": 1, "host": "web1", "step": "each"}
    site._apply(HostStarted(play="site", wave=1, host="web1"))
    site._apply(StepIntent(**place, item=1, attempt=1, kind="command"))
    site._apply(StepEnded(**place, item=1, attempt=1, kind="command", status="changed"))
    site._apply(StepEnded(**place, kind="command", status="failed"))
    site.edit("site.yaml", ("[do, ", "[undo, "))

    assert [code for code, _, _ in site.refused()] == ["E645"]
    found = site.match(accept=True)
    assert [(event.host, event.item) for event in found.events] == [("web1", 1), ("web1", None)]
    assert ("web1", "each") in site.left(found)


def test_a_changed_loop_of_which_nobody_knows_an_item_waits_for_a_person(site):
    """Whatever is accepted: the item would run again though it may have been done."""
    site.edit("site.yaml", LOOP)
    site.old = site.planned().plan
    place = {"play": "site", "wave": 1, "host": "web1", "step": "each"}
    site._apply(HostStarted(play="site", wave=1, host="web1"))
    site._apply(StepIntent(**place, item=1, attempt=1, kind="command"))
    site._apply(StepEnded(**place, item=1, attempt=1, kind="command", status="changed"))
    site._apply(StepIntent(**place, item=2, attempt=1, kind="command"))
    site.edit("site.yaml", ("[do, ", "[undo, "))

    ((code, message, _),) = site.refused(accept=True)

    assert code == "E648"
    assert message.endswith("and the end of one of its items is not known on web1")
