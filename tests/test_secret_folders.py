"""Secrets are looked for where the playbook that declares them lies."""

from pathlib import Path

from runner.location import Location
from runner.model.playbook import Secret
from runner.secret_sources import fetch

HERE = Location("site.yaml", 1)


def test_the_file_of_a_secret_starts_at_its_own_playbook(tmp_path: Path) -> None:
    """That of an included playbook beside it, the others beside the playbook that is run; so do commands."""
    (tmp_path / "other").mkdir()
    (tmp_path / "key").write_text("outer\n")
    (tmp_path / "other" / "key").write_text("inner\n")
    folder = str(tmp_path / "other")
    secrets = [
        Secret("a", HERE, file="key"),
        Secret("b", HERE, file="key", folder=folder),
        Secret("c", HERE, command=("cat", "key"), folder=folder),
    ]

    values = fetch(secrets, folder=tmp_path, environ={}, ask=lambda _: "")

    assert {name: value.reveal() for name, value in values.items()} == {"a": "outer", "b": "inner", "c": "inner"}
