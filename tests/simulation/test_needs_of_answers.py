"""Which templates need an answer of a host, and which do not."""

import pytest

from runner.location import Location
from runner.model.inventory import Host
from runner.model.outcome import Outcome, Status
from runner.model.plan import Plan
from runner.model.result import Result
from runner.model.scope import HostsView, HostView
from runner.model.template import Template, Unknown
from runner.simulation.needs import Needs
from runner.templating import Templates

HERE = Location("site.yaml", 1)
WEB = Host("web1", 1, "192.0.2.1", HERE, vars={"port": 80})
RESULTS = {"web1": {"look": Result(Outcome(Status.CHANGED)), "passed": Result(Outcome(Status.SKIPPED))}}
PLAN = Plan(playbook="site.yaml", name="site", folder="/", plays=(), hosts={"web1": WEB})
SCOPE = {
    **RESULTS["web1"],
    "release": "2",
    "behind": Template("look.stdout != release", HERE, bare=True),
    "ahead": Template("release", HERE, bare=True),
    "mixed": {"known": 1, "open": Template("{{ look.rc }}", HERE)},
    "set_value": Unknown("<look.stdout>"),
    "shown": {"made": Result(Outcome(Status.OK))},
    "itself": Template("{{ itself }}", HERE),
    "host": HostView(WEB, RESULTS),
    "hosts": HostsView(PLAN, RESULTS),
    "groups": {"web": ["web1"]},
    "facts": {},
}


def needs(source: str) -> bool:
    """Whether an expression needs an answer."""
    return Needs(Templates().uses).answer(Template(source, HERE, bare=True), SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "look.stdout == 'x'",
        "look",
        "look | default('x')",
        "look['rc'] > 0",
        "release == '2' and look.json.ready",
        "behind",
        "mixed.open",
        "mixed",
        "set_value.a.b",
        "shown.made.stdout",
        "facts.system.name",
        "hosts.web1.facts.memory",
        "hosts['web1'].results.look.stdout",
        "hosts[release].results.look.lines",
        "hosts[look.stdout].address",
        "hosts.values() | map(attribute='results.look.rc') | list",
        "host.facts",
    ],
)
def test_what_a_host_says_needs_an_answer(source):
    """Results, facts, values made of them, and what is chosen by them."""
    assert needs(source)


@pytest.mark.parametrize(
    "source",
    [
        "release == '2'",
        "ahead",
        "mixed.known",
        "look is defined",
        "later is defined",
        "later | default('x')",
        "look.changed and not look.failed",
        "look.status == 'ok' or look.skipped or look.attempts > 1",
        "passed.stdout",
        "shown.made.changed",
        "hosts.web1.results.look.changed",
        "hosts[release].results.look.failed",
        "hosts.web1.vars.port == 80",
        "hosts | length",
        "host.name == 'web1' and host.vars.port == 80",
        "groups.web[0]",
        "itself",
    ],
)
def test_what_the_run_knows_needs_none(source):
    """Variables, what the inventory says, whether a step was reached and how it ended."""
    assert not needs(source)
