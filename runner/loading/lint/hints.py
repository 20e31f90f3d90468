"""What may have been meant by an undefined name; pure."""

from collections.abc import Iterable

from runner.words import suggest

CALLED = {
    "ansible_all_ipv4_addresses": "facts",
    "ansible_become_user": "become.user of step, play or inventory",
    "ansible_connection": 'the host\'s "connection", in the inventory',
    "ansible_default_ipv4": "facts",
    "ansible_distribution": "facts",
    "ansible_distribution_version": "facts",
    "ansible_env": "facts",
    "ansible_facts": "facts",
    "ansible_failed_result": "the name that the failed step registers",
    "ansible_failed_task": "the name that the failed step registers",
    "ansible_fqdn": "facts, or host.address",
    "ansible_host": "host.address",
    "ansible_hostname": "facts, or host.name",
    "ansible_index_var": "loop.index",
    "ansible_loop": "loop",
    "ansible_loop_var": "item",
    "ansible_memtotal_mb": "facts",
    "ansible_os_family": "facts",
    "ansible_play_batch": "wave.hosts",
    "ansible_play_hosts": "wave.hosts",
    "ansible_play_hosts_all": "wave.hosts",
    "ansible_play_name": "play.name",
    "ansible_port": 'the host\'s "ssh: {port: …}", in the inventory',
    "ansible_processor_vcpus": "facts",
    "ansible_service_mgr": "facts",
    "ansible_ssh_host": "host.address",
    "ansible_user": 'the host\'s "ssh: {user: …}", in the inventory',
    "group_names": "host.groups",
    "hostvars": "hosts.NAME.vars",
    "inventory_hostname": "host.name",
    "inventory_hostname_short": "host.name",
    "play_hosts": "wave.hosts",
}
"""Ansible's names, and what they are here."""

SAID = {
    "ansible_check_mode": "not there: say read_only of steps that run under check",
    "ansible_date_time": "not there: run date in a step and register its answer",
    "ansible_run_tags": "not there: write tags on the step",
    "ansible_version": "not there",
    "inventory_dir": "not there: paths start at the file they are written in",
    "lookup": "not there: use vars_files, secrets, or a step on the controller that registers its answer",
    "now": "not there: run date in a step and register its answer",
    "omit": "not there: write two steps with opposite when",
    "playbook_dir": "not there: paths start at the file they are written in",
    "q": "not there: loop over a list",
    "query": "not there: loop over a list",
    "role_name": "not there: there are no roles, but include",
    "role_path": "not there: paths start at the file they are written in",
    "vars": "not there: name the variable itself",
}
"""Ansible's names that have nothing like them here, and what to do."""


OF_STEPS = {
    "item": "it is there in a step with a loop",
    "loop": "it is there in a step with a loop",
    "result": "it is there in changed_when, failed_when and until alone; elsewhere register a name",
}
"""Names that are there in some places of a step."""


def hint_for(source: str, offset: int, name: str, known: Iterable[str]) -> str:
    """What helps with an undefined name that stands at ``offset`` of a template's source."""
    if name in OF_STEPS:
        return OF_STEPS[name]
    if name in CALLED or name in SAID or name.startswith("ansible_"):
        return _ansible(name)
    if offset > 1 and source[offset - 1] == "-" and (source[offset - 2].isalnum()):
        return f"read as a subtraction; write a name with hyphens as ['…-{name}']"
    return suggest(name, known)


def _ansible(name: str) -> str:
    if name in CALLED:
        return f'Ansible\'s "{name}" is {CALLED[name]} here'
    words = SAID.get(name, "not there; a facts step fills facts, the inventory has its own vars")
    return f'Ansible\'s "{name}" is {words}'
