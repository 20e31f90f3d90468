"""Words of other tools and what they are here: people bring their habits, and deserve a straight answer."""

from collections.abc import Iterable, Mapping

LOOP = 'called "loop"'
INCLUDE = 'written "include: {file: FILE, vars: {…}}"'

ANSIBLE = {
    "tasks": 'called "steps"',
    "pre_tasks": 'written as the first of "steps"',
    "post_tasks": 'written as the last of "steps"',
    "become_user": 'written "become: {user: NAME}"',
    "become_method": 'written "become: {method: sudo}"',
    "become_pass": 'written "become: {password: SECRET}"',
    "become_password": 'written "become: {password: SECRET}"',
    "remote_user": 'written "ssh: {user: NAME}" in the inventory',
    "port": 'written "ssh: {port: NUMBER}" in the inventory',
    "connection": "said of a host, in the inventory",
    "with_items": LOOP,
    "with_list": LOOP,
    "with_flattened": LOOP,
    "with_dict": LOOP,
    "with_together": LOOP,
    "with_subelements": LOOP,
    "with_indexed_items": LOOP,
    "with_sequence": LOOP,
    "with_random_choice": LOOP,
    "with_lines": LOOP,
    "with_file": LOOP,
    "with_fileglob": LOOP,
    "with_first_found": LOOP,
    "with_nested": 'written "loop: {A: […], B: […]}": every combination',
    "with_cartesian": 'written "loop: {A: […], B: […]}": every combination',
    "loop_control": 'written "loop_label"',
    "serial": 'written "strategy: {type: rolling, waves: …}"',
    "order": 'written "strategy: {order: …}"',
    "forks": 'written "strategy: {concurrency: …}"',
    "max_fail_percentage": 'written "strategy: {max_failure_percent: …}"',
    "any_errors_fatal": 'written "strategy: {max_failures: 0, on_exceed: kill}"',
    "force_handlers": 'not there: what must not be left behind stands under "always"',
    "gather_facts": "not needed: nothing is gathered unasked",
    "gather_subset": "not needed: nothing is gathered unasked",
    "ignore_errors": 'written "on_failure: ignore"',
    "ignore_unreachable": "not there: a lost host always stops",
    "retries": 'written "retry: {attempts: …}"',
    "delay": 'written "retry: {delay: …}"',
    "until": 'written "retry: {until: …}"',
    "environment": 'called "env"',
    "chdir": 'called "cwd"',
    "no_log": 'called "sensitive"',
    "async": 'written "timeout: …": a step goes on though its connection is lost',
    "poll": 'not needed: a step that takes long is held to its "timeout"',
    "check_mode": 'called "read_only", where a step changes nothing',
    "run_once": 'written "once: run"',
    "local_action": 'written "delegate_to: controller"',
    "delegate_facts": "not there: a result belongs to the host it was made for",
    "listen": 'not there: a step names all handlers that it means under "notify"',
    "meta": 'written "flush: handlers"',
    "ansible_host": 'written "address: …" in the inventory',
    "ansible_port": 'written "ssh: {port: NUMBER}" in the inventory',
    "ansible_user": 'written "ssh: {user: NAME}" in the inventory',
    "ansible_ssh_private_key_file": 'written "ssh: {identity: FILE}" in the inventory',
    "ansible_connection": 'written "connection: …" in the inventory',
    "children": 'called "groups"',
    "module_defaults": "not there: write it on each step",
    "vars_prompt": 'called "inputs", or "secrets" with "prompt"',
    "debug": 'called "log"',
    "set_fact": 'called "set"',
    "uri": 'called "http"',
    "raw": 'called "shell"',
    "get_url": 'written with "http" or "command: [curl, …]"',
    "synchronize": 'called "copy"',
    "fail": 'written "assert: {that: false, message: …}"',
    "include_tasks": INCLUDE,
    "import_tasks": INCLUDE,
    "include_role": INCLUDE,
    "import_role": INCLUDE,
    "include_vars": 'written "vars_files", at the top',
    "roles": 'written "include: {file: FILE, vars: {…}}" among "steps"',
    "import_playbook": 'written "include: FILE" under "plays"',
}
"""Ansible's words, and how each is said here."""

PYINFRA = {
    "_sudo": 'written "become: true"',
    "_sudo_user": 'written "become: {user: NAME}"',
    "_su_user": 'written "become: {user: NAME}"',
    "_env": 'called "env"',
    "_chdir": 'called "cwd"',
    "_ignore_errors": 'written "on_failure: ignore"',
    "_continue_on_error": 'written "on_failure: continue"',
    "_run_once": 'written "once: run"',
    "_serial": 'written "strategy: sequential"',
    "_parallel": 'written "strategy: {concurrency: …}"',
    "_retries": 'written "retry: {attempts: …}"',
    "_retry_delay": 'written "retry: {delay: …}"',
    "_retry_until": 'written "retry: {until: …}"',
    "_timeout": 'called "timeout"',
    "_if": 'called "when"',
}
BOLT = {
    "targets": 'called "hosts"',
    "run_as": 'written "become: {user: NAME}"',
    "_run_as": 'written "become: {user: NAME}"',
    "_catch_errors": 'written "on_failure: continue"',
    "parameters": 'called "inputs"',
    "task": 'written as a step of its own kind, such as "script"',
    "plan": 'written "include: FILE" under "plays"',
    "upload": 'called "copy"',
    "download": 'called "fetch"',
    "eval": 'called "set"',
    "message": 'called "log"',
}
FABRIC = {
    "warn": 'written "on_failure: ignore"',
    "warn_only": 'written "on_failure: ignore"',
    "sudo": 'written "become: true"',
    "hide": 'called "sensitive"',
    "put": 'called "copy"',
    "get": 'called "fetch"',
    "local": 'written "command: […]" with "delegate_to: controller"',
    "runs_once": 'written "once: run"',
}
KAMAL = {
    "servers": 'called "hosts"',
    "boot": 'written "strategy: {type: rolling, waves: …, bake: …}"',
    "healthcheck": 'written "strategy: {gate: […]}"',
    "hooks": 'written as steps with "delegate_to: controller"',
    "clear": 'written straight under "env"',
    "primary_role": 'written "once: run" on the steps that it is for',
}

TOOLS: Mapping[str, Mapping[str, str]] = {
    "Ansible": ANSIBLE,
    "pyinfra": PYINFRA,
    "Bolt": BOLT,
    "Fabric": FABRIC,
    "Kamal": KAMAL,
}


def foreign(word: str, known: Iterable[str]) -> str:
    """``Ansible's "tasks" is called "steps" here``, or nothing. ``known`` are the words that could stand here."""
    short = word.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if short != word and short in known:
        return f'Ansible\'s "{word}" is called "{short}" here'
    return next((f'{tool}\'s "{word}" is {words[short]} here' for tool, words in TOOLS.items() if short in words), "")
