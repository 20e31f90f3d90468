"""Which steps tags and ``--start-at`` choose, and what follows for the plays."""

import pytest
from plan_builder import HERE, inventory, play, playbook, step, tpl

from runner.errors import InputError
from runner.model.playbook import Block, Check, Frame, Strategy, nodes_of
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings

FLEET = inventory("web[1-2]", "db1", web="web[1-2]", data="db1")


def s(one, *tags, **fields):
    """A step with this id and tags."""
    return step(id=one, tags=tags, **fields)


def block(name, *steps, **fields):
    return Block(name, None, steps, HERE, **fields)


def planned(*plays, **settings):
    return compile_plan(playbook(*plays), FLEET, settings=PlanSettings(**settings))


def chosen(*steps, **settings):
    """The ids of the nodes that are left, blocks before what they hold."""
    return " ".join(node.id for node in nodes_of(planned(play("web", *steps), **settings).plays[0].steps))


def problems(*plays, **settings):
    with pytest.raises(InputError) as raised:
        planned(*plays, **settings)
    return [(one.code, one.message, one.hint) for one in raised.value.problems]


STEPS = (
    s("a", "web"),
    s("b", "web", "slow"),
    s("c"),
    s("d", "always"),
    s("e", "never", "debug"),
    s("f", "always", "slow"),
)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({}, "a b c d f"),
        ({"tags": ("web",)}, "a b d f"),
        ({"tags": ("web and not slow",)}, "a d f"),
        ({"tags": ("slow", "debug")}, "b d e f"),
        ({"tags": ("never",)}, "d e f"),
        ({"tags": ("not web",)}, "c d f"),
        ({"tags": ("not web or debug",)}, "c d e f"),
        ({"tags": ("de*",)}, "d e f"),
        ({"skip_tags": ("slow",)}, "a c d"),
        ({"skip_tags": ("web", "always")}, "c"),
        ({"tags": ("web",), "skip_tags": ("slow",)}, "a d"),
        ({"start_at": "c"}, "c d f"),
        ({"start_at": "b", "tags": ("web",)}, "b d f"),
    ],
)
def test_tags_choose_steps(settings, left):
    """Repeats add up, what is skipped wins; ``always`` is chosen, ``never`` only where a tag of it is asked for."""
    assert chosen(*STEPS, **settings) == left


TREE = (
    s("a", "web"),
    block("b", s("b1", "web"), s("b2", "db"), rescue=(s("r"),), always=(s("z", "db"),), rescue_on=("failed",)),
    block("c", block("d", s("d1", "db"))),
    s("e", "db"),
)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"tags": ("web",)}, "a b b1 r z"),
        ({"tags": ("db",)}, "b b2 r z c d d1 e"),
        ({"start_at": "b2"}, "b b2 r z c d d1 e"),
        ({"start_at": "d"}, "c d d1 e"),
        ({"start_at": "b"}, "b b1 b2 r z c d d1 e"),
    ],
)
def test_a_block_stays_with_the_steps_it_is_left_with(settings, left):
    """What it does where they fail, and after them, stays too; a block left without steps goes."""
    assert chosen(*TREE, **settings) == left


def test_the_rest_of_a_play_stays_with_its_chosen_steps():
    """Handlers, rollback and ``always`` have no tags to be asked for; the gate neither."""
    rest = {"handlers": (s("h"),), "rollback": (s("r"),), "always": (s("z"),)}
    gate = Strategy(gate=(Check(step("http", {"url": "/"})),))

    only = planned(play("web", *STEPS, strategy=gate, **rest), tags=("slow and web",)).plays[0]

    assert [node.id for section in only.sections for node in section] == ["b", "d", "f", "h", "r", "z"]
    assert len(only.strategy.gate) == 1


def test_plays_without_chosen_steps_are_passed_over():
    """The plan says by what; where nothing is left at all it is an error that names the option."""
    plays = (play("web", s("a", "web")), play("data", s("b", "db"), id="b"))

    plan = planned(*plays, tags=("db",))

    assert [one.id for one in plan.plays] == ["b"]
    assert plan.notes == ('play "web" is passed over: --tags db leaves it without steps',)
    assert problems(*plays, tags=("web", "db"), skip_tags=("web,db",))[0][1] == (
        "nothing is left to run: --tags web --tags db --skip-tags web,db leaves no play a step"
    )
    assert problems(play("web", s("a", "never")))[0][1] == (
        'nothing is left to run: the tag "never" leaves no play a step'
    )


def test_plays_before_the_step_to_start_at_are_passed_over():
    """They are done already, or not wanted; those behind it stay whole."""
    plays = (play("web", s("a"), id="one"), play("web", s("a"), s("b"), id="two"), play("data", s("a"), id="three"))

    plan = planned(*plays, start_at="b")

    assert [(one.id, [node.id for node in one.steps]) for one in plan.plays] == [("two", ["b"]), ("three", ["a"])]
    assert plan.notes == ('play "one" is passed over: --start-at b leaves it without steps',)
    assert [one.id for one in planned(*plays, start_at="two.a").plays] == ["two", "three"]


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"tags": ("wbe",)}, '--tags: no step has the tag "wbe"', 'did you mean "web"?'),
        ({"skip_tags": ("nope",)}, '--skip-tags: no step has the tag "nope"', "there are: debug, slow, web"),
        ({"tags": ("w*z",)}, '--tags: no step has the tag "w*z"', "there are: debug, slow, web"),
        (
            {"tags": ("web and",)},
            '--tags: a tag is missing at the end of "web and"',
            'write tags with and, or, not and parentheses: "web and not slow"',
        ),
        ({"start_at": "aa"}, '--start-at: there is no step "aa"', 'did you mean "a"?'),
        ({"start_at": "c"}, '--start-at: several steps are called "c"', "write web.c or two.c"),
        (
            {"start_at": "h"},
            '--start-at: there is no step "h" under steps',
            "it stands in handlers, rescue, always or rollback; name one of the steps",
        ),
    ],
)
def test_what_names_nothing_is_told(settings, message, hint):
    """Before any host is contacted, with what may have been meant."""
    plays = (play("web", *STEPS, handlers=(s("h"),)), play("web", s("c"), id="two"))

    assert problems(*plays, **settings) == [("E619", message, hint)]


def test_a_step_can_be_named_as_people_see_it():
    """Where no id is so."""
    assert chosen(s("a"), s("b", name="Restart it"), start_at="Restart it") == "b"


def test_a_chosen_step_needs_no_step_that_is_left_out():
    """Both are named, for names that one gives and the other uses, and for ``needs``."""
    steps = (
        s("ask", register="answer"),
        step("set", {"values": {"made": 1}}),
        s("use", "go", params={"argv": [tpl("{{ answer.stdout }}"), tpl("{{ made | default(1) }}")]}),
        s("late", "go", needs=("ask",)),
        s("when", "go", when=tpl("made == 1", bare=True)),
    )

    assert problems(play("web", *steps), tags=("go",)) == [
        (
            "E424",
            'step "use" needs "answer" of step "ask", which --tags go leaves out',
            'choose "ask" too, or write answer | default(…)',
        ),
        ("E424", 'step "late" needs step "ask", which --tags go leaves out', 'choose "ask" too'),
        (
            "E424",
            'step "when" needs "made" of step "set", which --tags go leaves out',
            'choose "set" too, or write made | default(…)',
        ),
    ]


def test_a_name_may_come_from_a_variable_or_another_step():
    """Used through a variable it is needed as well; where a chosen step gives it too, nothing is missing."""
    through = play(
        "web", s("ask", register="answer"), s("use", "go", cwd=tpl("{{ path }}")), vars={"path": tpl("{{ answer }}")}
    )
    both = (s("ask", register="answer"), s("other", "go", register="answer"), s("use", "go", cwd=tpl("{{ answer }}")))

    assert [words for _, words, _ in problems(through, tags=("go",))] == [
        'step "use" needs "answer" of step "ask", which --tags go leaves out'
    ]
    assert chosen(*both, tags=("go",)) == "other use"


def test_names_of_plays_left_without_steps_are_missed_too():
    """A result stands to the end of the run, so a later play may use it."""
    plays = (
        play("web", s("ask", register="answer")),
        play("web", s("use", "go", cwd=tpl("{{ answer }}")), id="two"),
    )

    assert [words for _, words, _ in problems(*plays, tags=("go",))] == [
        'step "use" needs "answer" of step "ask", which --tags go leaves out'
    ]


def test_what_stays_with_a_play_is_looked_at_too():
    """Rollback, ``always``, the gate, and handlers that a chosen step notifies."""
    use = {"cwd": tpl("{{ answer }}")}
    rest = {
        "handlers": (s("h", **use), s("unasked", **use)),
        "rollback": (s("r", **use),),
        "always": (s("z", **use),),
        "strategy": Strategy(gate=(Check(s("g", **use)),)),
    }

    found = problems(play("web", s("ask", register="answer"), s("go", "go", notify=("h",)), **rest), tags=("go",))

    assert [words.split('"')[1] for _, words, _ in found] == ["r", "z", "h", "g"]


def test_an_include_shows_only_what_its_chosen_steps_gave():
    """Inside it a name is its own: that of a step outside does not count."""
    inside = (
        s("in/ask", register="answer", frame="in"),
        s("in/use", "go", frame="in", cwd=tpl("{{ answer }}")),
        s("in/more", "go", frame="in", register="more"),
    )
    include = block("in", *inside, opens="in", register="shown")
    after = s("after", "go", params={"argv": [tpl("{{ shown.answer.stdout }}"), tpl("{{ shown.more.stdout }}")]})
    outside = s("outside", "go", register="answer")

    found = problems(play("web", outside, include, after, frames={"in": Frame("in", "in.yaml")}), tags=("go",))

    assert [words for _, words, _ in found] == [
        'step "in/use" needs "answer" of step "in/ask", which --tags go leaves out',
        'step "after" needs "shown.answer" of step "in/ask", which --tags go leaves out',
    ]
