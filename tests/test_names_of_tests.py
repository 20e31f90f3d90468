"""The tests themselves: what pytest needs to find them all in one run."""

from collections import Counter
from pathlib import Path


def test_no_two_test_files_share_a_name() -> None:
    """They are modules without packages, so a second one of a name would stop the whole run."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))

    assert [name for name, number in names.items() if number > 1] == []
