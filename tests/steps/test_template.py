"""``template``: rendered with the step's variables, placed as ``copy`` places."""

import pytest
from local_target import LocalTarget, complaints_of, do

from runner.errors import RenderError, StepError
from runner.model.outcome import Status
from runner.steps.template import STEP


def test_what_comes_out_is_placed_and_the_second_time_is_ok(target: LocalTarget) -> None:
    """The rendered text is the file, to the last line break."""
    (target.folder / "app.j2").write_text("port = {{ port }}\n")
    target.variables = {"port": 8080}
    value = {"src": "app.j2", "dest": str(target.root / "app.conf"), "mode": "0640"}

    first, second = do(STEP, value, target), do(STEP, value, target)
    target.variables = {"port": 9090}
    third = do(STEP, {**value, "backup": True}, target)

    assert (target.root / "app.conf").read_text() == "port = 9090\n"
    assert [first.status, second.status, third.status] == [Status.CHANGED, Status.OK, Status.CHANGED]
    assert third.data["backup"]


def test_an_undefined_name_sends_nothing(target: LocalTarget) -> None:
    """The error comes before the host is looked at."""
    (target.folder / "app.j2").write_text("{{ port }}")

    with pytest.raises(RenderError):
        do(STEP, {"src": "app.j2", "dest": str(target.root / "app.conf")}, target)

    assert target.calls == 0


def test_a_folder_is_no_template(target: LocalTarget) -> None:
    """It is refused by name."""
    (target.folder / "conf").mkdir()

    with pytest.raises(StepError, match="no regular file"):
        do(STEP, {"src": "conf", "dest": "/app.conf"}, target)


def test_a_relative_destination_is_refused() -> None:
    """Before any host is contacted."""
    assert complaints_of(STEP, {"src": "a", "dest": "app.conf"}) == ["E413"]
