"""A variable that only some hosts of a play have is warned of where it is read."""

import pytest
from playbook_checks import said

HOSTS = """\
hosts:
  web[1-3]: {vars: {rack: r1}}
  web4:
  db1: {vars: {disk: sda}}
groups: {web: {hosts: ["web*"]}}
"""


def test_the_hosts_that_lack_it_are_named(tmp_path):
    """Once, at the first step that reads it."""
    text = 'hosts: web\nsteps: [{log: "{{ rack }}"}, {log: "{{ rack }}"}]\n'

    assert said(tmp_path, text, hosts=HOSTS) == [
        '4:19 only some hosts have "rack", not web4 [W429] | write rack | default(…), a when, or give them the variable'
    ]


def test_that_none_of_a_plays_hosts_has_it_is_said(tmp_path):
    """Though others of the inventory do."""
    (found,) = said(tmp_path, 'hosts: web\nsteps: [{log: "{{ disk }}"}]\n', hosts=HOSTS)

    assert '4:19 only some hosts have "disk", no host of this play does [W429]' in found


@pytest.mark.parametrize(
    "text",
    [
        'hosts: "web[1-3]"\nsteps: [{log: "{{ rack }}"}]\n',
        'hosts: "{{ groups.web[:3] }}"\nsteps: [{log: "{{ rack }}"}]\n',
        'hosts: web\nsteps: [{log: "{{ rack | default(1) }}"}]\n',
        'hosts: web\nsteps: [{log: "{{ rack }}", when: rack is defined}]\n',
        'hosts: web\nsteps: [{block: [{log: "{{ rack }}"}], when: host.index < 4}]\n',
        'hosts: web\nwhen: rack is defined\nsteps: [{log: "{{ rack }}"}]\n',
        'hosts: web\nvars: {rack: r2}\nsteps: [{log: "{{ rack }}"}]\n',
    ],
)
def test_where_all_have_it_or_a_condition_is_asked_all_is_well(tmp_path, text):
    """A condition may be there for those that lack it."""
    assert said(tmp_path, text, hosts=HOSTS) == []


def test_what_a_file_is_handed_is_there_on_all_hosts(tmp_path):
    """Its own names come before those of hosts."""
    text = "hosts: web\nsteps: [{include: {file: more.yaml, vars: {rack: r1}}}]\n"
    more = "inputs: {rack: {type: string}}\nsteps: [{log: '{{ rack }}'}]\n"

    assert said(tmp_path, text, hosts=HOSTS, more_yaml=more) == []
