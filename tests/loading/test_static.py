"""What shapes a plan may be a template over inputs, vars and groups: it is rendered before anything else is checked."""

import pytest

from runner.errors import InputError
from runner.loading.documents import Problems, read_text
from runner.loading.project import load

HEAD = """\
version: 1
inventory: {hosts: {web1: , web2: }, groups: {web: {hosts: [web1, web2]}}}
inputs: {drain: {type: duration, default: 10s}, size: {type: integer, default: 2}}
vars: {limit: "{{ size * 2 }}", percent: 25, budget: {max_failures: 3}, later: "{{ host.name }}"}
"""
USE = "{log: '{{ drain }} {{ limit }} {{ percent }} {{ budget }} {{ later }}'}"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Loads a playbook whose plays start on line 5."""
    monkeypatch.chdir(tmp_path)

    def run(text, *sets):
        (tmp_path / "site.yaml").write_text(HEAD + text)
        return load(tmp_path / "site.yaml", sets=sets, cwd=tmp_path)

    return run


@pytest.fixture
def wrong(site):
    """Code, place, message and hint of every error."""

    def run(text, *sets):
        with pytest.raises(InputError) as caught:
            site(text, *sets)
        errors = [problem for problem in caught.value.problems if problem.severity == "error"]
        return [(one.code, str(one.location), one.message, one.hint) for one in errors]

    return run


def test_a_strategy_is_rendered_in_place(site):
    """Values keep their types, inputs and groups are known, and later code sees no template."""
    loaded = site(
        f"""\
hosts: all
strategy:
  type: rolling
  waves: ["{{{{ size }}}}", "{{{{ percent }}}}%", rest]
  concurrency: "{{{{ groups.web | length }}}}"
  max_failures: "{{{{ limit }}}}"
steps: [{USE}]
""",
        "size=3",
    )

    strategy = loaded.playbook.plays[0].strategy
    assert (strategy.waves, strategy.concurrency, strategy.max_failures) == ((3, "25%", "rest"), 2, 6)


def test_a_whole_strategy_may_come_from_a_variable(site):
    """A lone expression gives a mapping, which is checked as if it stood there."""
    loaded = site(f"hosts: all\nstrategy: '{{{{ budget }}}}'\nsteps: [{USE}]\n")

    assert loaded.playbook.plays[0].strategy.max_failures == 3


def test_limits_of_steps_are_rendered(site):
    """An input's seconds are a duration; a condition in ``retry`` is left alone."""
    loaded = site(
        """\
hosts: all
steps:
  - command: [a, '{{ limit }}', '{{ percent }}', '{{ budget }}', '{{ later }}']
    timeout: "{{ drain }}"
    idle_timeout: "{{ size }}m"
    retry: {attempts: "{{ size }}", delay: "{{ drain }}", until: result.rc == size}
"""
    )

    (step,) = loaded.playbook.plays[0].steps
    assert (step.timeout, step.idle_timeout, step.retry.attempts, step.retry.delay) == (10, 120, 2, 10)
    assert step.retry.until.source == "result.rc == size"


def test_a_play_has_its_own_variables(site):
    """Also where two plays share their steps through an alias."""
    loaded = site(
        f"""\
plays:
  - {{name: one, hosts: web1, vars: {{wait: 1}}, steps: &steps [{{command: a, timeout: "{{{{ wait }}}}s"}}, {USE}]}}
  - {{name: two, hosts: web2, vars: {{wait: 2}}, steps: *steps}}
"""
    )

    assert [play.steps[0].timeout for play in loaded.playbook.plays] == [1, 2]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ host.index }}", ("E407", "6:23", '"host" is undefined', "only inputs, vars and groups are known here")),
        (
            "{{ sise }}",
            (
                "E407",
                "6:23",
                '"sise" is undefined',
                'only inputs, vars and groups are known here; did you mean "size"?',
            ),
        ),
        ("{{ size | nope }}", ("E408", "6:30", 'there is no filter "nope"', "")),
        ("{{ 1 / 0 }}", ("E409", "6:19", "the template divides by zero", "")),
    ],
)
def test_what_is_not_known_yet_is_refused_at_the_template(wrong, template, expected):
    """Once, and nothing is said of the text that could not be replaced."""
    ((code, where, message, hint),) = wrong(f"hosts: all\nsteps: [{{timeout: '{template}', command: a}}, {USE}]\n")

    assert (code, where, message, hint) == (expected[0], f"site.yaml:{expected[1]}", *expected[2:])


def test_a_variable_that_needs_a_host_is_refused_too(wrong):
    """What a variable stands for counts, not that its name is known."""
    ((code, where, message, hint),) = wrong(
        f"hosts: all\nstrategy: {{concurrency: '{{{{ later }}}}'}}\nsteps: [{USE}]\n"
    )

    assert (code, where, hint) == ("E407", "site.yaml:6:25", "only inputs, vars and groups are known here")
    assert message == '"host" is undefined, in the variable at site.yaml:4:80'


def test_a_rendered_value_meets_the_schema(wrong):
    """What it comes to is told at the place of the template."""
    found = wrong(f"hosts: all\nstrategy: {{concurrency: '{{{{ size - 2 }}}}'}}\nsteps: [{USE}]\n")

    assert [(code, where) for code, where, *_ in found] == [("E406", "site.yaml:6:25")]


def test_a_missing_input_is_told_once(wrong):
    """Not again at every place that waits for it."""
    found = wrong(f"hosts: all\nstrategy: {{concurrency: '{{{{ limit }}}}'}}\nsteps: [{USE}]\n", "size=x")

    assert [(code, where) for code, where, *_ in found] == [("E509", "-e:1:6")]


def test_a_replaced_value_keeps_its_place():
    """And an alias elsewhere keeps its text."""
    problems = Problems()
    document = read_text("a: &x {b: [c, d]}\ne: *x\n", "file", problems)

    document.put(("a", "b", 1), {"new": 1})

    assert document.data == {"a": {"b": ["c", {"new": 1}]}, "e": {"b": ["c", "d"]}}
    assert str(document.value_at(("a", "b", 1))) == str(document.value_at(("e", "b", 1))) == "file:1:15"
    assert str(document.value_at(("a", "b", 1, "new"))) == "file:1:15"


def test_a_step_that_waits_for_an_input_is_no_other_mistake(tmp_path, monkeypatch):
    """Where inputs may miss, what such a step registers is not called undefined, nor its handler unused."""
    monkeypatch.chdir(tmp_path)
    text = """\
version: 1
inventory: {hosts: {web1: }}
inputs: {tries: {type: integer}}
vars: {word: a}
hosts: all
steps:
  - {command: "a {{ word }}", retry: {attempts: "{{ tries }}"}, register: out, notify: one}
  - {log: "{{ out.rc }} {{ made }}"}
  - {include: "{{ tries }}.yaml"}
  - {set: {made: 1}, throttle: "{{ tries }}"}
  - {log: "{{ gone }}"}
handlers: [{name: one, command: b}]
"""
    (tmp_path / "site.yaml").write_text(text)

    with pytest.raises(InputError) as caught:
        load(tmp_path / "site.yaml", cwd=tmp_path, may_miss=True)

    assert [(one.code, one.message) for one in caught.value.problems] == [("E407", '"gone" is undefined')]
