"""Journals that are cut, flipped, half written: the tests that go through all of it once more, for their figures."""

import pytest
from journal.test_every_bit import test_a_record_that_is_cut_anywhere_is_whole_or_not_there as test_every_cut
from journal.test_every_bit import test_no_flipped_bit_is_read as test_every_bit
from journal.test_failing_disks import test_a_call_that_fails_while_a_run_is_written_loses_nothing as test_every_call
from journal.test_failing_disks import test_a_power_cut_at_any_call_costs_nothing_that_was_stored as test_every_moment

pytestmark = pytest.mark.promise

__all__ = ["test_every_bit", "test_every_call", "test_every_cut", "test_every_moment"]
