"""The head of a playbook: its shape, the version of the language, and the secrets that it declares."""

from typing import Any

from runner.loading import language
from runner.loading.cursor import Cursor, given
from runner.model.playbook import Secret

VERSION_HINT = "write version: 1"


def is_playbook(cursor: Cursor) -> bool:
    """Whether it is worth looking further. Complains of all that is wrong at the top."""
    if not isinstance(cursor.data, dict):
        cursor.error("E311", f"got {given(cursor.data)}, expected a playbook: a mapping", "begin with version: 1")
        return False
    _check_version(cursor)
    cursor.fits(_without_version(language.unsized(language.playbook_schema(cursor.data))))
    return True


def _without_version(shape: dict[str, Any]) -> dict[str, Any]:
    """The schema with the version left to :func:`_check_version`, which has an own code for it."""
    required = [key for key in shape["required"] if key != "version"]
    return {**shape, "properties": {**shape["properties"], "version": True}, "required": required}


def _check_version(cursor: Cursor) -> None:
    """Complains (E419) of a version that is missing, no whole number, or too new."""
    version = cursor.at("version")
    if "version" not in cursor.data:
        cursor.error("E419", "the version of the language is missing", VERSION_HINT)
    elif isinstance(version.data, bool) or not isinstance(version.data, int):
        version.error("E419", f"got {given(version.data)}, expected a version of the language", VERSION_HINT)
    elif version.data != 1:
        version.error("E419", f"version {version.data} of the language is not known to this runner", VERSION_HINT)


def secrets_of(cursor: Cursor, folder: str) -> dict[str, Secret]:
    """The secrets declared at a place (``secrets:``). Nothing is looked up. ``folder`` is where their paths start."""
    return {name: _secret(name, part, folder) for name, part in cursor.items() if isinstance(part.data, dict)}


def _secret(name: str, cursor: Cursor, folder: str) -> Secret:
    data = {key: value for key, value in cursor.data.items() if key in {"env", "file", "prompt", "command"}}
    if isinstance(data.get("command"), list):
        data["command"] = tuple(data["command"])
    return Secret(name, cursor.key, **data, folder=folder)
