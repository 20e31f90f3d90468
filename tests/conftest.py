"""Fixtures shared by all tests: real OpenSSH servers and users."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from sshd import Sshd, User, need, test_user

# How long a draw takes says something of the machine, and nothing of what is tested.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

# Whoever starts the tests by nohup, or in the background of a script, has them ignore these, and every program that
# they start inherits that. A handler goes at exec, so what is tested has the signals as a person's shell gives them.
for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda *_: None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors, as most tests wait; none where few are run, or print what is to be seen."""
    few = any(".py" in word for word in config.args)
    return 0 if few or config.getoption("capture") == "no" else 1 + (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the tests that draw at random take, and what writes down anew what bad input is answered."""
    parser.addoption("--seed", type=int, help="tell one simulated story, or kill one run, again: that of this seed")
    parser.addoption("--seeds", type=int, default=10_000, help="how many simulated stories to tell")
    parser.addoption("--write-expected", action="store_true", help="write what is said of bad input anew, for review")
    parser.addoption("--kills", type=int, default=100, help="how many times to kill real runs")


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """A real OpenSSH server with ordinary settings, for up to sixteen hosts, logging in as whoever runs the tests."""
    with Sshd() as server:
        yield server


@pytest.fixture
def sshd_with() -> Iterator[Callable[..., Sshd]]:
    """Start a server with further lines of sshd_config: ``sshd_with("MaxSessions 2")``; ended after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *config, **options: stack.enter_context(Sshd(*config, **options))


@pytest.fixture(scope="session")
def login_user() -> Iterator[User]:
    """A user whose shell is /bin/sh, without sudo. Needs root."""
    with test_user() as user:
        yield user


@pytest.fixture(scope="session")
def sudo_user() -> Iterator[User]:
    """A user who may use sudo without a password. Needs root."""
    need(shutil.which("sudo"), "no sudo here: install sudo")
    with test_user(sudo="nopasswd") as user:
        yield user


@pytest.fixture(scope="session")
def sudo_password_user() -> Iterator[User]:
    """A user whom sudo asks for the password. Needs root."""
    need(shutil.which("sudo"), "no sudo here: install sudo")
    with test_user(sudo="password") as user:
        yield user
