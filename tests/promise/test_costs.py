"""What the promise costs: syncs while a run is at work, and reading all of it back. On a quiet machine."""

import pytest
from benchmarks.test_durability_cost import fleet, test_syncs_cost_less_than_a_tenth_of_the_time
from benchmarks.test_resume_speed import test_10000_hosts_are_gone_on_with_at_once

pytestmark = [pytest.mark.promise, pytest.mark.benchmark]

__all__ = ["fleet", "test_10000_hosts_are_gone_on_with_at_once", "test_syncs_cost_less_than_a_tenth_of_the_time"]
