"""A file that is there whole or not at all."""

import errno
import itertools
import os

import pytest

from runner import whole_file

CALLS = ("open", "write", "fsync", "close", "replace", "link")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EDQUOT, errno.EINTR)


@pytest.fixture
def failing(monkeypatch):
    """Lets one call of the operating system's fail, once: the n-th of those with its name."""

    def fail(name: str, number: int, code: int) -> None:
        real = getattr(os, name)
        calls = itertools.count(1)

        def call(*args, **kwargs):
            if next(calls) == number:
                if name == "close":
                    real(*args)  # Linux closes it even so
                raise OSError(code, os.strerror(code))
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    yield fail
    monkeypatch.undo()


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize(("name", "number"), [(name, number) for name in CALLS for number in (1, 2, 3)])
def test_whatever_fails_the_old_or_the_new_file_is_there(tmp_path, failing, name, number, code):
    """Each system call once: never a mixture, never none, and no other file is left."""
    target = tmp_path / "plan.json"
    target.write_bytes(b"old")

    failing(name, number, code)
    try:
        whole_file.replace(target, b"new" * 1000)
        expected = {b"new" * 1000}
    except OSError:
        expected = {b"old", b"new" * 1000}

    assert target.read_bytes() in expected
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize(("name", "number"), [(name, number) for name in CALLS for number in (1, 2, 3)])
def test_a_new_file_is_there_if_and_only_if_that_was_said(tmp_path, failing, name, number, code):
    """A claim that failed is none: it can be made again."""
    target = tmp_path / "claim"

    failing(name, number, code)
    try:
        is_made = whole_file.create(target, b"mine")
    except OSError:
        is_made = name == "close" and number == 2  # the folder's, when all is done

    assert target.exists() == is_made
    assert [path.name for path in tmp_path.iterdir()] == ["claim"] * is_made


def test_a_write_may_take_less_than_it_is_given(tmp_path, monkeypatch):
    """The rest follows."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:3])))

    whole_file.replace(tmp_path / "x", b"0123456789")
    monkeypatch.undo()

    assert (tmp_path / "x").read_bytes() == b"0123456789"


def test_files_are_private_whatever_the_umask_says(tmp_path):
    """From the call that makes them."""
    old = os.umask(0)
    try:
        whole_file.replace(tmp_path / "x", b"")
    finally:
        os.umask(old)

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_only_a_regular_file_is_replaced(tmp_path):
    """A pipe or folder stays; a link is replaced and what it leads to stays."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")

    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="no regular file"):
            whole_file.replace(tmp_path / name, b"new")
    whole_file.replace(tmp_path / "link", b"new")

    assert ((tmp_path / "link").read_text(), (tmp_path / "real").read_text()) == ("new", "old")
    assert not (tmp_path / "link").is_symlink()


def test_what_is_there_is_not_made_again(tmp_path):
    """The first one counts."""
    assert whole_file.create(tmp_path / "x", b"1")
    assert not whole_file.create(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"1"
    assert len(list(tmp_path.iterdir())) == 1
