"""Whatever a file says, the answer is a playbook or a list of problems with their places."""

import copy
import random

import pytest
import yaml

from runner.errors import InputError
from runner.loading.project import load

SITE = """\
version: 1
inventory: {hosts: {"web[1-3]": {vars: {rack: a}}, db1: }, groups: {web: {hosts: ["web[1-3]"]}}}
inputs: {size: {type: integer, default: 2}, items: {type: list, default: [x, y]}}
secrets: {s: {env: S}}
vars: {app: x}
plays:
- name: web
  hosts: web
  tags: [one]
  when: host.index > 0
  strategy:
    {type: rolling, waves: [1, "{{ size }}", rest], group_by: rack, max_failures: 1, on_exceed: rollback, bake: 10s,
     gate: [{http: {url: "http://{{ host.address }}/"}, from: controller, deadline: 1m}], approve: [1, 2]}
  steps:
  - {command: [a, "{{ app }}"], id: c1, register: out, notify: restart, throttle: "{{ size }}", once: wave}
  - {block: [{command: b, needs: []}], rescue: {on: [failed], steps: [{log: x}]}, always: [{log: y}], needs: [c1]}
  - {flush: handlers}
  - {include: {file: one.yaml, vars: {pool: "{{ item.a }}", v: "{{ out.rc }}"}}, loop: {a: [1], b: "{{ items }}"}}
  handlers: [{log: x, name: restart}, {include: two.yaml, id: h}]
  rollback: [{block: [{command: r, idempotent: true, retry: {attempts: 2, until: result.rc == 0}}]}]
  always: [{command: z, once: run}]
- {include: {file: other.yaml, vars: {n: "{{ size }}"}}, name: oth, needs: [], when: size > 1, tags: [x]}
- {name: last, hosts: "{{ groups.web }}", needs: [oth, web], steps: [{command: d}]}
"""
FILES = {
    "site": SITE,
    "one": 'inputs: {pool: {type: integer}, v: {type: integer}}\nvars: {w: "{{ pool }}-{{ v }}"}\n'
    'steps:\n- {command: [x, "{{ w }}"], notify: own}\n- {include: two.yaml, id: deep}\n'
    'handlers: [{log: "{{ w }}", name: own}]\n',
    "two": '- {command: q, register: r}\n- {log: "{{ r.rc }}"}\n',
    "other": "version: 1\ninputs: {n: {type: integer}}\nplays:\n"
    '- {name: p1, hosts: all, steps: [{log: "{{ n }}"}, {include: two.yaml}]}\n',
}
ODD = [
    *(None, True, 0, -1, 3.5, "", "x", "{{ x }}", "{{", "{{ item }}", "{{ size }}", "{{ host.name }}", [], {}, [1]),
    *({"a": 1}, {"file": "one.yaml"}, "one.yaml", "site.yaml", "..", "/etc/passwd", "rest", "c1", "a" * 300, [None]),
    *([{"command": "x"}], [{"include": "two.yaml"}], [{}], 10**30, "{{ 1/0 }}", "{{ none > 1 }}", "{{ inputs }}"),
]


def paths(tree, path=()):
    """Every place in a tree but its top."""
    if path:
        yield path
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from paths(tree[key], (*path, key))


def at(tree, path):
    for step in path:
        tree = tree[step]
    return tree


def mutated(tree, chance):
    """A tree with one value replaced, taken out, or put where it does not belong."""
    tree = copy.deepcopy(tree)
    known = list(paths(tree))
    *outer, last = chance.choice(known)
    parent = at(tree, outer)
    way = chance.random()
    if way < 0.5:
        parent[last] = copy.deepcopy(chance.choice(ODD))
    elif way < 0.65:
        del parent[last]
    elif way < 0.85 and isinstance(parent, dict):
        parent[str(chance.choice(known)[-1])] = copy.deepcopy(chance.choice(ODD))
    else:
        parent[last] = copy.deepcopy(at(tree, chance.choice(known)))
    return tree


def problems_of(folder):
    """What is wrong with the files, or deserves a warning."""
    try:
        return load(folder / "site.yaml", cwd=folder).warnings
    except InputError as error:
        return error.problems


@pytest.mark.parametrize("seed", range(6))
def test_no_playbook_ends_in_a_trace(tmp_path, monkeypatch, seed):
    """Files with one thing wrong somewhere, drawn by chance; every problem of them has a place."""
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    trees = {name: yaml.safe_load(text) for name, text in FILES.items()}
    for name, text in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    assert load(tmp_path / "site.yaml", cwd=tmp_path).warnings == ()
    for _ in range(40):
        name = chance.choice(["site", "site", *FILES])
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(mutated(trees[name], chance), sort_keys=False))
        assert all(problem.location for problem in problems_of(tmp_path))
        (tmp_path / f"{name}.yaml").write_text(FILES[name])
