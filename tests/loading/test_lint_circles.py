"""Variables that need themselves are found before anything is rendered, with the places of all of them."""

import pytest
from playbook_checks import HOSTS, said

USE = "steps: [{log: '{{ a }}'}]\n"


def test_a_circle_is_told_once_with_all_its_places(tmp_path):
    """Through variables of the playbook, text or lists."""
    text = 'hosts: all\nvars:\n  a: "{{ b }}"\n  b: ["x", "{{ c }}"]\n  c: "y{{ a }}"\n' + USE

    way = '"a" (site.yaml:5:3) -> "b" (site.yaml:6:3) -> "c" (site.yaml:7:3) -> "a"'
    assert said(tmp_path, text) == [
        f"5:3 a variable needs itself: {way} [E431] | give one of them a value of its own, or another name"
    ]


def test_a_variable_can_not_be_made_from_one_it_hides(tmp_path):
    """The nearest counts everywhere, so its own template finds itself."""
    found = said(tmp_path, 'hosts: all\nvars: {a: "{{ a }}x"}\n' + USE, hosts=f"vars: {{a: 1}}\n{HOSTS}")

    assert [line.split(" [")[0] for line in found] == ['4:8 a variable needs itself: "a" (site.yaml:4:8) -> "a"']


def test_a_circle_may_lead_through_the_inventory(tmp_path):
    """A host's variable and the playbook's; of hosts that share theirs it is told once."""
    found = said(tmp_path, 'hosts: all\nvars: {a: "{{ b }}"}\n' + USE, hosts=f'vars: {{b: "{{{{ a }}}}"}}\n{HOSTS}')

    assert len(found) == 1
    assert 'a variable needs itself: "b" (hosts.yaml:1:8) -> "a" (site.yaml:4:8) -> "b" [E431]' in found[0]


@pytest.mark.parametrize(
    "variables",
    [
        "{a: '{{ b }}', b: 1}",
        "{a: {x: '{{ a.y }}', y: 1}}",
        "{a: '{{ b if host.index > 1 else 1 }}', b: '{{ a if host.index == 1 else 1 }}'}",
        "{a: \"{{ 'x' if true else b }}\", b: '{{ a }}'}",
    ],
)
def test_what_may_end_is_no_circle(tmp_path, variables):
    """Items of a mapping are rendered one by one, a branch not taken is not rendered."""
    assert said(tmp_path, f"hosts: all\nvars: {variables}\n{USE}") == []
