"""A plan as people read it."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, rolling, step, tpl

from runner.model.inventory import Become
from runner.model.plan_description import document, encode_document
from runner.model.playbook import Block, Check, Frame, Retry, Secret, Strategy
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings
from runner.reporting.plan import render
from runner.reporting.preview import Preview
from runner.reporting.yaml_like import block, flow
from runner.templating import Templates


def planned(*plays, fleet=None, settings=None, **fields):
    return compile_plan(playbook(*plays, **fields), fleet or inventory("web[1-9]"), settings=settings)


def shown(plan, **options):
    return "\n".join(render(plan, Preview(plan, Templates()), **options))


def test_the_whole_text():
    """Header, effective settings, budget, waves folded, steps rendered once where hosts agree, and times."""
    steps = (
        step("command", {"argv": ["echo", tpl("{{ word }}")]}, name="say it", id="say-it", timeout=10.0),
        step("copy", {"src": "a", "dest": tpl("/srv/{{ host.name }}")}, id="copy", timeout=60.0),
    )

    text = shown(planned(play("web[1-7]", *steps, strategy=rolling(3, max_failures=1)), vars={"word": "hi"}))

    assert (
        text
        == """\
plan of site.yaml: site
  inventory    inventory.yaml
  counts       1 play, 3 waves, 7 hosts, 2 steps, 14 tasks
  at work      at most 3 hosts at once
  time         at most 3m 30s

play web (7 hosts, site.yaml:3)
  strategy     rolling
  settings     waves: [3], order: inventory, group_by: none, per_group_limit: none,
               concurrency: auto, sync: independent, max_failures: 1, max_failure_percent: none,
               failure_scope: run, on_exceed: stop, of: total, spread: even, preflight: false,
               bake: 0.0s, approve: none
  at work      3 at once (auto: 3 = smallest of 3 hosts in the largest wave, 100)
  failures     1 of 7 hosts; one more: stop (running steps finish, nothing new starts)
  time         at most 3m 30s
  waves
    1  3 hosts  web[1-3]
    2  3 hosts  web[4-6]
    3  1 host   web7
  steps, as rendered for web[1,4,7]
    1. say-it: say it [command]
         argv: [echo, hi]
         time: at most 10s
    2. copy [copy]
         on web1:
           src: a
           dest: /srv/web1
         on web4:
           src: a
           dest: /srv/web4
         on web7:
           src: a
           dest: /srv/web7
         time: at most 1m 0s"""
    )


def test_what_a_step_says_is_shown():
    """Conditions as they are written, everything that is not the default, and the tries."""
    one = step(
        when=tpl("ready", bare=True),
        changed_when=False,
        loop=["a", "b"],
        register="r",
        idle_timeout=5.0,
        ok_codes=(0, 3),
        on_failure="ignore",
        read_only=True,
        become=Become("app"),
        cwd="/srv",
        env={"A": tpl("{{ a }}")},
        stdin="one\ntwo\n",
        timeout=30.0,
        retry=Retry(3, 2.0, "exponential", 2.0, 9.0, on=("timed_out",), until=tpl("result.json.ok", bare=True)),
    )

    text = shown(planned(play("web1", one)))

    assert (
        text.partition("[command]\n")[2]
        == """\
         argv: ["true"]
         when: ready
         changed_when: false
         loop: [a, b]
         register: r
         idle_timeout: 5.0s
         ok_codes: [0, 3]
         on_failure: ignore
         read_only: true
         become: app
         cwd: /srv
         env: {A: "{{ a }}"}
         stdin: |
           one
           two
         time: at most 3m 12s (3 tries of 30s, 2.0s between them, growing 2 times to at most 9.0s, \
until result.json.ok, only if [timed_out])"""
    )


def test_what_only_the_run_can_tell_is_shown_as_it_is_written():
    """Results, loop items, facts and the run's id stay templates, even behind ``default`` and ``is defined``."""
    sources = (
        "{{ home.stdout }}/x",
        "{{ home.stdout | default('none') }}",
        "{{ 'yes' if made is defined else 'no' }}",
        "{{ item }}",
        "{{ facts.os }}",
        "{{ run.id }}",
        "{{ hosts.web2.results.home.stdout }}",
        "{{ via }}",
    )
    steps = (
        step(id="home", register="home"),
        step("set", {"values": {"made": 1}}, id="set"),
        step("log", {"text": [tpl(source) for source in sources]}, id="log"),
    )

    plan = planned(play("all", *steps), vars={"via": tpl("{{ home.stdout }}")})

    preview = Preview(plan, Templates())
    only = plan.plays[0]
    assert preview.on(only, only.waves[0], "web1").params(only.steps[2]) == {"text": list(sources)}


def test_what_is_known_is_rendered():
    """Variables with their precedence, the host, groups and the wave; secrets are never more than ``***``."""
    one = step(
        "log",
        {
            "text": tpl("{{ word }} {{ host.name }} {{ wave.index }}/{{ wave.count }} {{ groups.web | length }}"),
            "token": tpl("Bearer {{ secrets.token }}"),
            "that": tpl("word == 'hi'", bare=True),
        },
    )
    fleet = inventory(host("a", vars={"word": "low"}), host("b"), web="a,b")
    secrets = {"token": Secret("token", one.location, env="TOKEN")}

    plan = planned(play("all", one, strategy=rolling(1)), fleet=fleet, vars={"word": "hi"}, secrets=secrets)

    assert [task.params for task in Preview(plan, Templates()).tasks()] == [
        {"text": "hi a 1/2 2", "token": "Bearer ***", "that": "word == 'hi'"},
        {"text": "hi b 2/2 2", "token": "Bearer ***", "that": "word == 'hi'"},
    ]
    assert "secrets      token (fetched when a run starts)" in shown(plan)


def test_a_sensitive_step_shows_nothing_of_what_it_is_given():
    """Neither params nor environment nor standard input."""
    one = step(params={"run": "echo s3cr3t"}, env={"A": "s3cr3t"}, stdin="s3cr3t", sensitive=True)

    plan = planned(play("web1", one))

    text = shown(plan, all_hosts=True)
    assert "s3cr3t" not in text
    assert "env: {A: ***}" in text.replace('"', "")
    assert next(Preview(plan, Templates()).tasks()).params == "***"


def test_a_sensitive_include_shows_nothing_of_what_it_hands_over():
    """Nor the items of a loop, its own or that of a sensitive step."""
    inside = step("log", {"text": tpl("{{ word }}")}, id="in/x", frame="in", sensitive=True, loop=["s3cr3t"])
    frames = {"in": Frame("in", "in.yaml", given={"word": "s3cr3t"}, has_item=True, item="s3cr3t")}

    plan = planned(play("web1", Block("in", None, (inside,), HERE, opens="in"), frames=frames))

    text = shown(plan, all_hosts=True)
    assert "s3cr3t" not in text
    assert 'vars: {word: "***"}' in text
    assert b"s3cr3t" not in encode_document(document(plan, items=lambda *_: 1))


def test_every_task_is_listed_where_all_hosts_are_wanted():
    """Six hosts and five steps are thirty lines of wave, host and step."""
    steps = [step(id=f"s{number}") for number in range(5)]

    text = shown(planned(play("web[1-6]", *steps, strategy=rolling(4))), all_hosts=True)

    lines = text.partition("  tasks (30)\n")[2].splitlines()
    assert len(lines) == 30
    assert lines[0] == '    wave 1  web1  s0  {argv: ["true"]}'
    assert lines[-1] == '    wave 2  web6  s4  {argv: ["true"]}'


def test_steps_are_rendered_for_the_hosts_that_were_asked_for():
    """Plays that do not have them say so."""
    plan = planned(play("web[1-3]", id="a"), play("web[4-5]", id="b"))

    text = shown(plan, only=("web2",))

    assert "steps, as rendered for web2" in text
    assert "steps: none of them runs on web2" in text
    assert [task.host for task in Preview(plan, Templates()).tasks(["web5"])] == ["web5"]


def test_the_text_of_ten_thousand_hosts_is_short():
    """Names are folded, and of many waves the first are listed."""
    plan = planned(play("all", strategy=rolling(3)), fleet=inventory("web[1-10000]"))

    text = shown(plan)

    assert "… and 3,329 more waves" in text
    assert "counts       1 play, 3,334 waves, 10,000 hosts, 1 step, 10,000 tasks" in text
    assert len(text.splitlines()) < 40
    assert shown(planned(play("all", strategy=rolling(1)), fleet=inventory("a[1-20]"))).count(" host  ") == 20


def test_the_whole_text_of_a_play_that_says_all():
    """What it waits for, its gate and what lies between waves, blocks, includes, and its other lists of steps."""
    check = Check(
        step("http", {"url": tpl("http://{{ host.name }}/")}), source="controller", successes=3, stable_for=5.0
    )
    strategy = rolling(2, gate=(check,), bake=60.0, approve=(1,), preflight=True, on_exceed="rollback")
    block = Block(
        "b",
        "all or nothing",
        (step(id="x", timeout=1.0),),
        HERE,
        rescue=(step(id="r", timeout=1.0),),
        always=(step(id="z", timeout=1.0, delegate_to="lb1", on_resume="again"),),
        when=tpl("facts.os == 'x'", bare=True),
        needs=("in",),
    )
    inside = step(
        "log",
        {"text": tpl("{{ word }} {{ item }}")},
        id="in/say",
        frame="in",
        timeout=1.0,
        once="wave",
        tags=("slow",),
        notify=("h",),
        throttle=2,
    )
    include = Block("in", None, (inside,), HERE, opens="in")
    frames = {"in": Frame("in", "tasks/in.yaml", given={"word": tpl("{{ greeting }}")}, has_item=True, item="blue")}
    lb = step(id="lb", timeout=1.0, delegate_to=tpl("lb{{ host.index }}"))
    one = play(
        "web[1-2]",
        include,
        block,
        lb,
        id="two",
        needs=("web",),
        when=tpl("facts.os == 'x'", bare=True),
        handlers=(step(id="h", timeout=1.0),),
        rollback=(step(id="back", timeout=1.0),),
        always=(step(id="last", timeout=1.0),),
        strategy=strategy,
        frames=frames,
    )
    fleet = inventory("web[1-2]", "lb[1-2]")

    text = shown(planned(play("web1"), one, fleet=fleet, settings=PlanSettings(given={"greeting": "hi"})))

    assert "  inputs       greeting: hi" in text
    assert "  needs        no other play" in text
    assert (
        text[text.index("play two") :]
        == """\
play two (2 hosts, site.yaml:3)
  needs        web
  when         facts.os == 'x' (asked as each host would start)
  strategy     rolling
  settings     waves: [2], order: inventory, group_by: none, per_group_limit: none,
               concurrency: auto, sync: independent, max_failures: 0, max_failure_percent: none,
               failure_scope: run, on_exceed: rollback, of: total, spread: even, preflight: true,
               bake: 1m 0s, approve: [1]
  at work      2 at once (auto: 2 = smallest of 2 hosts, 100)
  failures     0 of 2 hosts; one more: rollback (running steps finish, then touched hosts are rolled back, \
the latest wave first)
  preflight    connect to every host, and to lb[1-2], before the first play
  bake         1m 0s between two waves
  approval     a person is asked after wave 1
  delegates    lb[1-2],controller
  time         at most 5m 16s, and until a person answers: two
  gate
    1. http [http]
         url: http://{{ host.name }}/
         asked: for each host that is still well, from controller
         healthy: 3 successes in a row, one try every 2.0s, within 5m 0s, then no failure for 5.0s; \
where it can't be told: pause
  waves
    1  2 hosts  web[1-2]
  steps, as rendered for web1
    1. in [include tasks/in.yaml, item: blue]
         vars: {word: "{{ greeting }}"}
         1. in/say [log]
              text: hi blue
              once: wave
              throttle: 2
              notify: [h]
              tags: [slow]
              time: at most 1.0s
    2. b: all or nothing [block]
         when: facts.os == 'x'
         needs: [in]
         1. x [command]
              argv: ["true"]
              time: at most 1.0s
         rescue, where a step is failed or timed_out:
           1. r [command]
                argv: ["true"]
                time: at most 1.0s
         always:
           1. z [command]
                argv: ["true"]
                delegate_to: lb1
                on_resume: again
                time: at most 1.0s
    3. lb [command]
         argv: ["true"]
         delegate_to: lb1
         time: at most 1.0s
  handlers
    1. h [command]
         argv: ["true"]
         time: at most 1.0s
  rollback
    1. back [command]
         argv: ["true"]
         time: at most 1.0s
  always
    1. last [command]
         argv: ["true"]
         time: at most 1.0s"""
    )


def test_a_delegate_is_shown_for_each_host():
    """And with every task."""
    one = step(delegate_to=tpl("lb{{ host.index }}"))

    text = shown(
        planned(play("web[1-2]", one, strategy=rolling(1)), fleet=inventory("web[1-2]", "lb[1-2]")), all_hosts=True
    )

    assert "delegate_to: lb1 for web1, lb2 for web2" in text
    assert '    wave 2  web2  command  {argv: ["true"]}  on lb2' in text


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Strategy(), "failures     any number; the play goes on"),
        (Strategy(max_failure_percent=30, on_exceed="drain"), "failures     2 of 9 hosts; one more: drain (hosts at"),
        (rolling(3, on_exceed="kill"), "failures     0 of 9 hosts; one more: kill (running steps are ended, nothing"),
        (
            rolling(3, max_failures=2, max_failure_percent=50, failure_scope="wave"),
            "failures     50% of its hosts and 2 in each wave; one more: stop",
        ),
        (rolling(3, max_failures=2, failure_scope="wave"), "failures     2 in each wave; one more: stop"),
    ],
)
def test_the_budget_and_what_happens_beyond_it(strategy, words):
    """In words, for each way to end."""
    assert words in shown(planned(play("web[1-9]", strategy=strategy)))


def test_groups_and_their_limits_are_shown():
    """With their hosts, or, of very many, their number."""
    strategy = Strategy(group_by="rack", per_group_limit=2)
    fleet = inventory(*(host(f"web{n}", vars={"rack": "ab"[n % 2]}) for n in range(1, 5)))
    many = inventory(*(host(f"web{n}", vars={"rack": n}) for n in range(1, 15)))
    limited = Strategy(group_by="rack", per_group_limit={"a": 1, "b": 2})

    assert "groups       b: web[1,3]; a: web[2,4]" in shown(planned(play("all", strategy=strategy), fleet=fleet))
    assert "and of each group 2" in shown(planned(play("all", strategy=strategy), fleet=fleet))
    assert "and of groups {a: 1, b: 2}" in shown(planned(play("all", strategy=limited), fleet=fleet))
    assert "groups       14 groups, in turn" in shown(planned(play("all", strategy=strategy), fleet=many))


def test_no_end_is_said_with_its_reason():
    """A step without a timeout, a loop that hosts decide: both are named."""
    steps = (step(id="a", timeout=None), step(id="b", loop=tpl("{{ things }}")))

    text = shown(planned(play("web1", *steps)))

    assert "time         no limit (no timeout: web/a; a loop whose length is not known yet: web/b)" in text


def test_who_waits_for_a_person_is_said():
    """What they take is no part of the time."""
    steps = (step(id="a", timeout=5.0), step("approve", {"message": "go?"}, id="ask", timeout=None))

    assert "time         at most 5.0s, and until a person answers: web/ask" in shown(planned(play("web1", *steps)))


@pytest.mark.parametrize(
    ("loop", "items"),
    [
        (None, 1),
        (["a", tpl("{{ nope }}")], 2),
        (tpl("{{ three }}"), 3),
        (tpl("{{ groups.web }}"), 2),
        ({"a": [1, 2], "b": tpl("{{ three }}")}, 6),
        ({"a": [1, 2], "b": tpl("{{ host.name }}")}, None),
        ({"a": [1, 2], "b": tpl("{{ 5 }}")}, None),
        (tpl("{{ rack }}"), None),
        (tpl("{{ 5 }}"), None),
        (tpl("{{ got.lines | default([]) }}"), None),
    ],
)
def test_the_length_of_a_loop_is_told_where_it_is_the_same_for_all(loop, items):
    """Literal lists, combinations, and expressions of variables and groups alone."""
    one = step(loop=loop)
    fleet = inventory(host("a", vars={"rack": [1]}), host("b"), web="a,b")
    plan = planned(play("a", one, step(id="got", register="got")), fleet=fleet, vars={"three": [1, 2, 3]})

    preview = Preview(plan, Templates())
    assert preview.items(plan.plays[0], one) == items
    assert preview.items(plan.plays[0], one) == items


def test_notes_seed_and_what_holds_for_a_play():
    """What a person should know stands at the top."""
    plays = (
        play(
            "web1", strategy=Strategy(order="shuffle"), become=Become("app"), cwd="/srv", env={"A": 1}, name="the web"
        ),
        play("web2", id="b", become=False),
    )

    text = shown(planned(*plays, settings=PlanSettings(limit=("web1",), seed=7)))

    assert "seed         7 (the same order again: --seed 7)" in text
    assert 'note         play "b" is passed over: --limit web1 leaves it without hosts' in text
    assert "play web: the web (1 host, site.yaml:3)" in text
    assert "  become: app\n  cwd: /srv\n  env: {A: 1}\n  waves" in text
    assert "become: false" in shown(planned(plays[1]))


def test_nothing_harmful_reaches_a_terminal():
    """Names and params are shown with control characters spelt out."""
    one = step("log", {"text": "a\x1b[2Jb", "more": "x\n\x07y", "list": ["\u202ez"]}, name="na\x1bme")

    text = shown(planned(play("web1", one, name="pl\u202eay")), all_hosts=True)

    assert text.replace("\n", "").isprintable()
    assert r"a\e[2Jb" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("plain text", "plain text"),
        ("a, b", '"a, b"'),
        ("", '""'),
        ("12", '"12"'),
        ("true", '"true"'),
        ("a: b", '"a: b"'),
        ("a\nb", r'"a\nb"'),
        ([1, ["a"], {"k": "v"}], "[1, [a], {k: v}]"),
    ],
)
def test_values_read_as_in_a_playbook(value, text):
    """Text that would read as something else is quoted."""
    assert flow(value) == text


def test_text_of_several_lines_stands_below_its_key():
    """As a script is written; text of blanks alone is quoted."""
    assert list(block("run", "a\nb\n")) == ["run: |", "  a", "  b"]
    assert list(block("run", "  ")) == ['run: "  "']
    assert list(block("mode", "0644")) == ["mode: 0644"]
