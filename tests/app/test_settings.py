"""The options that shape a plan, stored with it."""

from pathlib import Path

import msgspec

from runner.app.settings import Settings, contrary, options_of, with_options
from runner.model.plan_options import PlanOptions

GIVEN = Settings(
    playbook=Path("site.yaml"),
    inventory=("hosts.yaml",),
    sets=("release=2",),
    limit=("web*",),
    exclude=("web3",),
    tags=("a",),
    skip_tags=("b",),
    start_at="two",
    concurrency=3,
    timeout="5m",
    fail_fast=True,
    output="plain",
)


def test_options_come_back_from_where_they_are_stored():
    """As JSON; the seed that was drawn is among them, what only changes the output is not."""
    stored = msgspec.json.decode(msgspec.json.encode(options_of(GIVEN, seed=7, max_open=50)), type=PlanOptions)

    again = with_options(Settings(playbook=Path("site.yaml"), output="json"), stored)

    assert (again.limit, again.start_at, again.concurrency, again.fail_fast) == (("web*",), "two", 3, True)
    assert (again.seed, again.max_open, again.output) == (7, 50, "json")
    assert options_of(again, seed=7, max_open=50) == stored


def test_an_option_that_says_something_else_is_contrary():
    """One that is not given, or says the same, is not."""
    stored = options_of(GIVEN, seed=7, max_open=50)

    assert contrary(GIVEN, stored) == ()
    assert contrary(Settings(playbook=Path("site.yaml")), stored) == ()
    assert contrary(Settings(playbook=Path("site.yaml"), limit=("db1",), seed=8), stored) == ("limit", "seed")
