"""Hosts that should wait for each other, and don't, are warned of with the line to add."""

import pytest
from playbook_checks import said


def test_once_behind_a_change_is_no_barrier(tmp_path):
    """Others may still be at the change; one step behind it is enough to warn."""
    text = (
        "hosts: all\nsteps:\n- {id: upload, command: a}\n- {id: look, log: x}\n- {id: migrate, command: b, once: run}\n"
    )

    assert said(tmp_path, text) == [
        '7:3 "migrate" runs once while other hosts may still be at "upload" [W421] | write needs: [upload]'
    ]


@pytest.mark.parametrize(
    "steps",
    [
        "- {id: a, command: a}\n- {command: b, once: run, needs: [a]}",
        "- {id: a, command: a}\n- {id: b, command: b, needs: [a]}\n- {command: c, once: run, needs: [b]}",
        "- {command: a, read_only: true}\n- {command: b, once: run}",
        "- {http: {url: 'http://a'}}\n- {command: b, once: run}",
        "- {command: a, changed_when: false}\n- {command: b, once: run}",
        "- {command: a, once: run}\n- {command: b, once: run}",
        "- {id: a, command: a}\n- {block: [{command: b, once: wave}], needs: [a]}",
    ],
)
def test_where_others_are_waited_for_or_nothing_changes_all_is_well(tmp_path, steps):
    """``needs`` on the step or the block round it; what is done once is over when the next is done."""
    assert said(tmp_path, f"hosts: all\nsteps:\n{steps}\n") == []


@pytest.mark.parametrize("strategy", ["{sync: lockstep}", "sequential"])
def test_a_strategy_may_keep_hosts_together(tmp_path, strategy):
    """In lockstep nobody is behind; a wave of one has nobody else."""
    assert (
        said(tmp_path, f"hosts: all\nstrategy: {strategy}\nsteps: [{{command: a}}, {{command: b, once: wave}}]\n") == []
    )


def test_a_first_wave_of_one_host_is_nobodys_company(tmp_path):
    """There what runs once in the run is done, unless a condition leaves it to another wave."""
    canary = "hosts: all\nstrategy: {type: rolling, waves: [1, rest]}\nsteps:\n- {id: a, command: a}\n"

    assert said(tmp_path, f"{canary}- {{command: b, once: run}}\n") == []
    assert "[W421]" in said(tmp_path, f"{canary}- {{command: b, once: wave}}\n")[0]
    assert "[W421]" in said(tmp_path, f"{canary}- {{command: b, once: run, when: host.index > 1}}\n")[0]


def test_the_line_to_add_names_a_step_of_the_same_list(tmp_path):
    """Where the change is inside a block, that block; where it is outside of it, the block needs it."""
    before = "- {id: group, block: [{id: upload, command: a}]}\n- {id: migrate, command: b, once: run}\n"
    outside = "- {id: upload, command: a}\n- {id: group, block: [{id: migrate, command: b, once: run}]}\n"

    assert said(tmp_path, f"hosts: all\nsteps:\n{before}")[0].endswith("| write needs: [group]")
    assert said(tmp_path, f"hosts: all\nsteps:\n{outside}")[0].endswith(
        "| write needs on the block round it: it must wait for upload"
    )


def test_another_hosts_result_needs_its_step(tmp_path):
    """Also through map; what stands behind such a ``needs`` is sure, too, and a host's own result always."""
    text = """\
hosts: all
steps:
- {id: mark, command: a, register: token}
- {log: "{{ hosts.web1.results.token.stdout }}"}
- {log: "{{ hosts.values() | map(attribute='results.token.stdout') | list }}"}
- {log: "{{ hosts[groups.web[0]]['results']['token'].rc }}", needs: [mark]}
- {log: "{{ hosts.web1.results.token.stdout }} {{ host.results.token.rc }}"}
"""
    message = '"token" of another host may not be there yet: that host may not have done "mark" [W423]'

    assert said(tmp_path, text) == [
        f"6:32 {message} | write needs: [mark]",
        f"7:53 {message} | write needs: [mark]",
    ]


def test_what_is_done_once_is_there_for_all(tmp_path):
    """All hosts wait at such a step; in lockstep they wait at every one."""
    once = "- {command: a, register: token, once: run}\n- {log: '{{ hosts.web1.results.token.rc }}'}\n"
    each = "- {command: a, register: token}\n- {log: '{{ hosts.web1.results.token.rc }}'}\n"

    assert said(tmp_path, f"hosts: all\nsteps:\n{once}") == []
    assert said(tmp_path, f"hosts: all\nstrategy: {{sync: lockstep}}\nsteps:\n{each}") == []
