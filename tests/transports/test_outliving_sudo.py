"""Commands of other users, through the real sudo, that outlive their connection."""

import secrets

import pytest
from losing import Remote, end, noted, records, settled
from transport_ways import alive, until

from runner.model.inventory import Become

pytestmark = [pytest.mark.sshd, pytest.mark.sudo]


@pytest.fixture
def token():
    """The token of a run."""
    return secrets.token_hex(16)


@pytest.fixture
def remote(sshd_with, sudo_user, tmp_path, token):
    return Remote(sshd_with(user=sudo_user.name), tmp_path, token)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_command_of_another_user_goes_on(remote, token, user):
    """Its output harms it no more than the login user's, though the pipes are not its own; its end is found."""
    become = Become(user)
    line = "x" * 50
    script = (
        f"id -un >&2; sleep 0.5; i=0; while [ $i -lt 5000 ]; do echo $i {line}; i=$((i+1)); done; id -un >&2; exit 3"
    )

    async def story(connect):
        session = await connect()
        await remote.cut(session, noted("step", script, become=become))
        await session.close()
        again = await connect()
        found = await settled(again, "step", become), await again.recall("step", None)
        await again.close()
        return found

    found, as_login_user = remote.tell(story)

    assert (found.state, found.result.rc) == ("done", 3)
    assert found.result.stdout.tail.endswith(f"4999 {line}\n".encode())
    assert found.result.stderr.tail.endswith(f"{user}\n".encode())
    assert as_login_user.state != "done"
    assert records(token) == []


def test_kill_reaches_another_users_group(remote):
    """The watcher runs as that user, and can end what is its own."""
    command = noted("step", "sleep 61 & sleep 61; wait", on_loss="kill", become=Become("nobody"))

    async def story(connect):
        session = await connect()
        await remote.cut(session, command)
        again = await connect()
        found = await settled(again, "step", Become("nobody"))
        await again.close()
        return found

    found = remote.tell(story)

    assert (found.state, found.ended) == ("gone", True)
    assert not alive(command.fate.group)


def test_every_user_has_a_record_of_its_own(remote):
    """A command is looked for where its user has noted it."""

    async def story(connect):
        session = await connect()
        await session.run(noted("mine", "true"))
        await session.run(noted("theirs", "exit 2", become=Become("nobody")))
        end(remote.daemons())
        await until(lambda: session.closed)
        again = await connect()
        found = [await settled(again, "theirs", Become("nobody")), await settled(again, "mine")]
        found.append(await settled(again, "theirs"))
        await again.close()
        return found

    theirs, mine, elsewhere = remote.tell(story)

    assert (theirs.result.rc, mine.result.rc, elsewhere.state) == (2, 0, "never")
