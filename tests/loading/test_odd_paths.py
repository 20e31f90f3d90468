"""Names of files that no file can have are problems like others."""

import pytest

from runner.errors import InputError
from runner.loading.project import load

LONG = "a" * 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"inventory: {LONG}", [("E117", "can't read the file: File name too long")]),
        ('inventory: "a\\0b"', [("E117", "can't read the file: embedded null byte")]),
        ("inventory: ~nobody-here/hosts.yaml", [("E116", "there is no such inventory file")]),
        (f"inventory: {{hosts: {{a: }}}}\nvars_files: [{LONG}]", [("E117", "can't read the file: File name too long")]),
        (
            "inventory: {hosts: {a: }}\nvars_files: [~nobody-here/x.yaml]",
            [("E116", "there is no such vars file")],
        ),
    ],
)
def test_a_name_that_can_not_be_is_told(tmp_path, monkeypatch, text, expected):
    """Too long, with a zero byte in it, or in the home of a user that is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(f"version: 1\nhosts: all\nsteps: [{{command: a}}]\n{text}\n")

    with pytest.raises(InputError) as caught:
        load(tmp_path / "site.yaml", cwd=tmp_path)

    assert [(one.code, one.message) for one in caught.value.problems] == expected


def test_a_path_of_an_unknown_user_stays_as_it_is(tmp_path, monkeypatch):
    """It is looked for in the folder, where it may even be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(
        "version: 1\nhosts: all\ninventory: {hosts: {a: }}\nsteps: [{log: '{{ where }}'}]\n"
        "inputs: {where: {type: path, default: ~nobody-here/x}}\n"
    )

    assert load(tmp_path / "site.yaml", cwd=tmp_path).given == {"where": f"{tmp_path}/~nobody-here/x"}
