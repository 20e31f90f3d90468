"""Steps of other files at run time: what they are handed, what they keep, and what is shown of it outside."""

from pathlib import Path

from scenario import Ran, scenario

from runner.model.events import StepEnded
from runner.transports.fake import Answer, answers


def ran(steps: str, folder: Path, **files: str) -> Ran:
    """A play of these steps on two hosts, beside files of steps."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return scenario(
        f"version: 1\nhosts: all\nsteps:\n{steps}",
        folder,
        answers({("web01", "uname"): Answer(stdout=b"6.1\n")}),
        hosts="web[01-02]",
    )


def test_a_file_is_handed_what_a_host_answered(tmp_path: Path) -> None:
    """Its own value on each host; what it registers can be asked for outside under the include's name."""
    run = ran(
        "- {command: uname, register: kernel}\n"
        "- {include: {file: more.yaml, vars: {version: '{{ kernel.stdout }}'}}, register: more}\n"
        "- command: [after, '{{ more.made.rc }}']\n",
        tmp_path,
        more="inputs: {version: {type: string}}\nsteps:\n- {command: [make, 'v{{ version }}'], register: made}\n",
    )

    assert run.commands("web01") == ["uname", "make v6.1", "after 0"]
    assert run.commands("web02") == ["uname", "make v", "after 0"]


def test_each_item_of_a_loop_is_a_copy(tmp_path: Path) -> None:
    """Its condition is asked for its item, which what it is handed may name beside the host; results are a list."""
    run = ran(
        "- include: {file: more.yaml, vars: {word: '{{ item }}-{{ host.index }}'}}\n"
        "  loop: [a, b, c]\n  when: item != 'b'\n  register: all\n  id: each\n"
        "- command: [after, '{{ all.results | length }}']\n",
        tmp_path,
        more="inputs: {word: {type: string}}\nsteps:\n"
        "- {command: [make, '{{ word }}', '{{ item }}', '{{ loop.index }}'], id: make, register: made}\n",
    )

    assert run.commands("web02") == ["make a-2 a 1", "make c-2 c 3", "after 2"]
    assert [event.step for event in run.all(StepEnded, host="web01")][:3] == [
        "each.1/make",
        "each.2/make",
        "each.3/make",
    ]


def test_a_path_starts_where_it_is_handed_over(tmp_path: Path) -> None:
    """Also where only a host can tell it."""
    (tmp_path / "common").mkdir()
    run = ran(
        "- {include: common/one.yaml}\n",
        tmp_path,
        **{
            "common/one": "- include: {file: two.yaml, vars: {key: 'keys/{{ host.name }}'}}\n",
            "common/two": "inputs: {key: {type: path}}\nsteps: [{command: [use, '{{ key }}']}]\n",
        },
    )

    assert run.commands("web02") == [f"use {tmp_path}/common/keys/web02"]


def test_a_value_that_does_not_fit_fails_the_step(tmp_path: Path) -> None:
    """The type of an input holds for what a host answered, too."""
    run = ran(
        "- {command: uname, register: kernel}\n- include: {file: more.yaml, vars: {version: '{{ kernel.stdout }}'}}\n",
        tmp_path,
        more="inputs: {version: {type: integer}}\nsteps: [{command: [make, '{{ version }}']}]\n",
    )

    (ended,) = run.all(StepEnded, host="web01", status="failed")
    assert 'input "version" of more.yaml' in ended.reason
    assert run.commands("web01") == ["uname"]
