"""What nobody uses is warned of: it is a mistake, or misleads whoever reads it."""

from playbook_checks import said

USE = "steps: [{log: '{{ release }}'}]\n"


def test_inputs_that_no_template_reads(tmp_path):
    """By their name or under ``inputs``; where all inputs are used as a whole each is."""
    head = "hosts: all\ninputs: {release: {type: string, default: a}, drain: {type: duration, default: 1s}}\n"

    assert said(tmp_path, head + USE) == ['4:47 the input "drain" is not used [W425] | remove it']
    assert said(tmp_path, head + "steps: [{log: '{{ inputs.release }} {{ inputs.drain | default(1) }}'}]\n") == []
    assert said(tmp_path, head + "steps: [{log: '{{ inputs | to_yaml }}'}]\n") == []
    assert said(tmp_path, head + "strategy: {type: rolling, bake: '{{ drain }}'}\n" + USE) == []


def test_variables_that_no_template_reads(tmp_path):
    """What a strategy groups by is used, and what shapes a plan."""
    text = """\
hosts: all
vars: {rack: "{{ host.index }}", wait: 3s, idle: 1}
strategy: {type: rolling, group_by: rack}
steps: [{command: a, timeout: "{{ wait }}"}]
"""
    assert said(tmp_path, text) == ['4:44 the variable "idle" is not used [W425] | remove it']


def test_variables_and_inputs_of_an_included_file(tmp_path):
    """At their places in that file, once however often it is included."""
    text = "hosts: all\nsteps: [{include: more.yaml, id: a}, {include: more.yaml, id: b}]\n"
    more = "inputs: {one: {type: string, default: a}}\nvars: {two: b}\nsteps: [{command: a}]\n"

    assert said(tmp_path, text, more_yaml=more) == [
        'more.yaml:1:10 the input "one" is not used [W425] | remove it',
        'more.yaml:2:8 the variable "two" is not used [W425] | remove it',
    ]


def test_handlers_that_nothing_notifies(tmp_path):
    """A handler may be notified by another; those of an included file may serve others."""
    text = """\
hosts: all
steps: [{command: a, notify: first}]
handlers:
- {name: first, command: b, notify: second}
- {name: second, command: c}
- {name: third, command: d}
- include: more.yaml
"""
    assert said(tmp_path, text, more_yaml="[{name: fourth, command: e}]\n") == [
        '8:3 nothing notifies the handler "third" [W428] | write notify: third on a step, or remove it'
    ]


def test_nothing_is_called_unused_where_something_is_wrong(tmp_path):
    """The step that could not be read may have used it."""
    steps = "steps: [{command: '{{ word }}', timout: 3s, notify: one}]\nhandlers: [{name: one, command: b}]\n"

    assert said(tmp_path, f"hosts: all\nvars: {{word: a}}\n{steps}") == [
        '5:33 unknown key "timout" [E401] | did you mean "timeout"?'
    ]
