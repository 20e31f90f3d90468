"""The gate of a strategy: checks that the hosts of a wave must pass before the next one begins."""

from dataclasses import replace

from runner.loading.cursor import Cursor
from runner.loading.forms import CHECK, check_shapes, kind_of
from runner.loading.setting import Around, Setting
from runner.loading.step_values import duration_of, optional_condition
from runner.loading.steps import StepTexts, params_of
from runner.loading.texts import Written, templates_of
from runner.model.playbook import Check, Step


def gate_of(cursor: Cursor, setting: Setting) -> tuple[tuple[Check, ...], list[StepTexts]]:
    """The checks that are sound, and what lint needs of them. Complains of the others."""
    setting = replace(setting, section="gate", around=Around())
    found = [check for part in cursor.parts() if (check := _check(part, setting))]
    return tuple(check for check, _ in found), [texts for _, texts in found]


def _check(cursor: Cursor, setting: Setting) -> tuple[Check, StepTexts] | None:
    name = kind_of(cursor, CHECK, check_shapes(setting.kinds))
    if name is None:
        return None
    notes: list[Written] = []
    answers: list[Written] = []
    data = cursor.data
    source = templates_of(cursor.at("from"), notes)
    check = Check(
        step=_asked(cursor, setting, name, notes, answers),
        source="host" if source is None else source,
        each=data.get("each", "host"),
        successes=data.get("successes", 1),
        interval=duration_of(cursor.at("interval"), 2.0),
        deadline=duration_of(cursor.at("deadline"), 300.0),
        stable_for=duration_of(cursor.at("stable_for"), 0.0),
        on_inconclusive=data.get("on_inconclusive", "pause"),
    )
    _check_time(cursor, check)
    return check, StepTexts(check.step, cursor, notes, answers)


def _check_time(cursor: Cursor, check: Check) -> None:
    """Complain (E406) of a check that no host could ever pass."""
    if (check.successes - 1) * check.interval >= check.deadline:
        message = f"{check.successes} successes, {check.interval:g}s apart, do not fit into {check.deadline:g}s"
        cursor.at("deadline" if "deadline" in cursor.data else "successes").error(
            "E406", message, "write a longer deadline"
        )


def _asked(cursor: Cursor, setting: Setting, name: str, notes: list[Written], answers: list[Written]) -> Step:
    """What a check runs: a step that changes nothing."""
    around = setting.around.within(cursor, notes)
    kind = setting.kinds[name]
    return Step(
        id=setting.ids.of(cursor, f"gate-{name}"),
        name=None,
        kind=name,
        params=params_of(cursor.at(name), kind, notes),
        location=cursor.here,
        failed_when=optional_condition(cursor.at("failed_when"), answers),
        become=around.become,
        env=around.env,
        sensitive=around.sensitive,
        read_only=True,
        section=setting.section,
        frame=setting.frame,
        folder=setting.reading.folder,
    )
