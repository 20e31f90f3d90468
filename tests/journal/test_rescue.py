"""Records that the journal does not take are kept elsewhere: at the first place that can be written."""

import errno
import os
from pathlib import Path

import pytest
from disk import Disk

from runner.journal import Rescue

ONE, TWO = b'{"seq":1}\n', b'{"seq":2}\n'


def kept(places: list[Path]) -> list[bytes | None]:
    return [place.read_bytes() if place.exists() else None for place in places]


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    return [tmp_path / "beside", tmp_path / "elsewhere"]


def test_the_first_place_is_taken_where_it_can_be(places: list[Path]) -> None:
    """All lines go there, in a file for its owner alone."""
    rescue = Rescue(places)
    rescue(ONE)
    rescue(TWO)
    rescue.close()

    assert kept(places) == [ONE + TWO, None]
    assert (rescue.path, rescue.lines) == (places[0], ONE + TWO)
    assert places[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("call", range(6))
def test_all_lines_go_to_the_next_place_when_one_fails(places: list[Path], call: int) -> None:
    """At any call, also in the middle: what was kept at the first place is kept again."""
    rescue = Rescue(places)
    with Disk(places[0].parent).failing(call, errno.EIO).watching():
        rescue(ONE)
        rescue(TWO)
        rescue.close()

    assert rescue.path is not None
    assert rescue.path.read_bytes() == ONE + TWO


def test_a_file_that_is_there_is_not_written_to(places: list[Path]) -> None:
    """It may be what an earlier process has rescued."""
    places[0].write_bytes(b"earlier")
    rescue = Rescue(places)
    rescue(ONE)
    rescue.close()

    assert kept(places) == [b"earlier", ONE]


def test_without_a_descriptor_to_be_had_it_is_tried_again(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """At each call, and at the end."""

    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    rescue = Rescue(places)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", none_left)
        rescue(ONE)
        rescue(TWO)
        path_before = rescue.path
    rescue.close()

    assert path_before is None
    assert kept(places) == [ONE + TWO, None]


def test_where_nothing_can_be_written_that_is_known(tmp_path: Path) -> None:
    """The lines are still there to be shown."""
    rescue = Rescue([tmp_path / "none" / "a", tmp_path / "none" / "b"])
    rescue(ONE)
    rescue.close()

    assert (rescue.path, rescue.lines) == (None, ONE)
