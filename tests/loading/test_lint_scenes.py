"""Which names there are where: in blocks, sections, gates, other plays and included files."""

# ruff: noqa: E501 - a message is one line

from playbook_checks import said


def test_results_of_a_rescue_and_of_blocks_are_known_behind_them(tmp_path):
    """Perhaps not reached, but registered on some way there; not before."""
    text = """\
hosts: all
steps:
- log: "{{ mended }}"
- block: [{command: a, register: tried}]
  rescue: [{command: b, register: mended}]
  always: [{log: "{{ tried }} {{ mended }}"}]
- {log: "{{ tried.rc }} {{ mended.rc }}", notify: [one, two]}
handlers: [{name: one, log: "{{ tried.rc }}"}, {name: two, log: "{{ gone }}"}]
always: [{log: "{{ mended.rc }} {{ undone }}"}]
rollback: [{command: c, register: undone}, {log: "{{ undone.rc }}"}]
"""
    assert said(tmp_path, text) == [
        '5:12 "mended" is not there yet [E407] | the step at site.yaml:7:35 gives it; it must have run before',
        '10:69 "gone" is undefined [E407]',
        '11:36 "undone" is undefined [E407]',
    ]


def test_a_gate_sees_what_steps_registered(tmp_path):
    """And its own answer, in failed_when alone."""
    text = """\
hosts: all
strategy:
  type: rolling
  gate:
  - {http: {url: "http://{{ host.address }}/{{ made.stdout }}"}, failed_when: result.status == made.rc}
  - {assert: {that: result.rc == 0}}
steps: [{command: a, register: made}]
"""
    assert said(tmp_path, text) == [
        '8:21 "result" is undefined [E407] | it is there in changed_when, failed_when and until alone; elsewhere register a name'
    ]


def test_results_of_other_plays_are_known_where_they_are_waited_for(tmp_path):
    """Directly or through others; a play that runs beside may not have come to it, a later one has not."""
    text = """\
plays:
- {name: one, hosts: all, steps: [{command: a, register: early}, {log: "{{ ended.rc }}"}]}
- {name: two, hosts: all, steps: [{command: b}]}
- {name: three, hosts: all, steps: [{log: "{{ early.rc }}"}, {command: c, register: ended}]}
- {name: four, needs: [], hosts: all, steps: [{log: "{{ early.rc }}"}]}
"""
    assert said(tmp_path, text) == [
        '4:76 "ended" is undefined [E407]',
        '7:57 "early" may not be there yet: the play "one" gives it, and this one does not wait for that [W423] | write needs: [one] in this play',
    ]


def test_a_plays_condition_is_asked_before_its_steps(tmp_path):
    """So it sees other plays' results, not its own."""
    text = """\
plays:
- {name: one, hosts: all, steps: [{command: a, register: early}]}
- {name: two, hosts: all, when: early.rc == 0 and own.rc == 0, steps: [{command: b, register: own}]}
"""
    assert said(tmp_path, text) == [
        '5:51 "own" is not there yet [E411] | the step at site.yaml:5:95 gives it; it must have run before'
    ]


def test_a_file_sees_its_own_results_and_what_it_is_handed(tmp_path):
    """Variables of play and inventory too; results of steps outside only where vars hand them in."""
    text = """\
hosts: all
vars: {region: eu}
steps:
- {command: a, register: out}
- {include: {file: more.yaml, vars: {code: "{{ out.rc }}"}}, id: more}
- {log: "{{ mine.rc }}"}
"""
    more = """\
inputs: {code: {type: integer}}
vars: {word: "{{ code }}"}
steps:
- {command: b, register: mine}
- {log: "{{ word }} {{ mine.rc }} {{ region }} {{ inputs.code }} {{ host.name }}"}
- {log: "{{ out.rc }} {{ inputs.cdoe }}"}
"""
    assert said(tmp_path, text, more_yaml=more) == [
        'more.yaml:6:13 "out" is undefined [E407] | a file sees of results only its own; hand it in: include: {file: …, vars: {out: "{{ out }}"}}',
        'more.yaml:6:33 "inputs.cdoe" is undefined [E407] | did you mean "code"?',
        '8:13 "mine" is undefined [E407] | it is registered inside the include "more"; write register: NAME beside the include, and NAME.mine',
    ]


def test_hosts_of_a_play_see_no_variable_of_a_host(tmp_path):
    """For no host is chosen yet."""
    text = 'hosts: "{{ rack }}"\nsteps: [{command: a}]\n'

    assert said(tmp_path, text, hosts="hosts: {web1: {vars: {rack: web1}}}\n") == [
        '3:12 "rack" is undefined [E407] | only inputs, vars and groups are known here'
    ]


def test_a_template_file_is_looked_into_though_nothing_else_is_a_template(tmp_path):
    """Inside an included file too, where it starts at that file."""
    assert said(
        tmp_path,
        "hosts: all\nsteps: [{template: {src: a.j2, dest: /a}}]\n",
        a_j2="{{ groups.web }} {{ groups.wbe }} {{ nope }}\n",
    ) == ['a.j2:1:28 "groups.wbe" is undefined [E407] | did you mean "web"?', 'a.j2:1:38 "nope" is undefined [E407]']


def test_words_of_ansible_are_answered(tmp_path):
    """With what they are here, or what to do where there is nothing like them."""
    names = ("ansible_hostname", "playbook_dir", "ansible_nonsense")
    steps = "".join(f'- {{log: "{{{{ {name} }}}}"}}\n' for name in names)

    assert said(tmp_path, f"hosts: all\nsteps:\n{steps}") == [
        '5:13 "ansible_hostname" is undefined [E407] | Ansible\'s "ansible_hostname" is facts, or host.name here',
        '6:13 "playbook_dir" is undefined [E407] | Ansible\'s "playbook_dir" is not there: paths start at the file they are written in',
        '7:13 "ansible_nonsense" is undefined [E407] | Ansible\'s "ansible_nonsense" is not there; a facts step fills facts, the inventory has its own vars',
    ]


def test_a_result_may_not_hide_a_name_of_its_file(tmp_path):
    """Neither a variable nor an input of it; what the file outside calls its own is no matter."""
    text = "hosts: all\nsteps: [{command: a, register: mine}, {include: more.yaml}, {log: '{{ mine.rc }}'}]\n"
    more = """\
inputs: {size: {type: integer, default: 1}}
vars: {word: a}
steps:
- {command: "a {{ size }} {{ word }}", register: word}
- {set: {size: 2}}
- {command: b, register: mine}
"""
    assert said(tmp_path, text, more_yaml=more) == [
        'more.yaml:4:50 "word" would hide a variable of that name [E412] | take another name',
        'more.yaml:5:10 "size" would hide a variable of that name [E412] | take another name',
    ]
