"""The schema for editors takes templates where runner renders them before it checks, and nowhere else."""

import pytest
from jsonschema import Draft202012Validator

from runner.loading.documents import Problems, read_text
from runner.loading.schemas import published
from runner.steps import kinds

HEAD = "version: 1\nhosts: all\n"
STEPS = "steps: [{command: a}]\n"


@pytest.fixture(scope="module")
def fits():
    """Whether an editor would find a playbook sound."""
    validator = Draft202012Validator(published(kinds())["playbook"])

    def run(text):
        document = read_text(HEAD + text, "site.yaml", Problems())
        return validator.is_valid(document.data)

    return run


@pytest.mark.parametrize(
    "text",
    [
        "strategy: '{{ s }}'\n" + STEPS,
        "strategy: {type: '{{ t }}', waves: [1, '{{ n }}%'], concurrency: '{{ c }}', bake: '{{ b }}'}\n" + STEPS,
        "strategy: {per_group_limit: {a: '{{ n }}'}, group_by: [a, '{{ g }}'], approve: ['{{ n }}']}\n" + STEPS,
        "needs: ['{{ n }}']\n" + STEPS,
        "steps: [{command: a, timeout: '{{ t }}', throttle: '{{ n }}', needs: '{{ n }}'}]\n",
        "steps: [{command: a, retry: {attempts: '{{ n }}', until: result.ok}}]\n",
        "inputs: {a: {type: choice, choices: [b], default: b, help: c}}\n" + STEPS,
    ],
)
def test_templates_are_taken_where_they_are_rendered_early(fits, text):
    """In every form of a value, lists and mappings too."""
    assert fits(text)


@pytest.mark.parametrize(
    "text",
    [
        "strategy: {type: sideways}\n" + STEPS,
        "strategy: {gate: [{assert: {that: a}, each: '{{ e }}'}]}\n" + STEPS,
        "steps: [{command: a, on_failure: '{{ f }}'}]\n",
        "steps: [{command: a, retry: {attempts: many}}]\n",
        "inputs: {a: {type: sting}}\n" + STEPS,
        "inputs: {a: string}\n" + STEPS,
    ],
)
def test_elsewhere_they_are_not(fits, text):
    """What runner would refuse an editor marks, too."""
    assert not fits(text)
