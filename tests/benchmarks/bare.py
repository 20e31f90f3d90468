"""The bare asyncssh loop that runner is measured against: options prepared once, a channel for every command.

python bare.py INVENTORY.json CONCURRENCY COMMANDS
"""

import asyncio
import json
import sys
from pathlib import Path

import asyncssh


def prepare(ssh: dict) -> asyncssh.SSHClientConnectionOptions:
    """The options of every connection, made once."""
    return asyncssh.SSHClientConnectionOptions(
        username=ssh["user"],
        client_keys=[asyncssh.read_private_key(ssh["identity"])],
        known_hosts=asyncssh.import_known_hosts(Path(ssh["known_hosts"]).read_text()),
        config=None,
        agent_path=None,
    )


async def main(inventory: dict, concurrency: int, commands: int) -> None:
    """Log in to every host, run ``true`` that many times, and leave."""
    ssh, options = inventory["ssh"], prepare(inventory["ssh"])
    places = asyncio.Semaphore(concurrency)

    async def host(address: str, port: int) -> None:
        async with places, asyncssh.connect(address, port, options=options) as connection:
            for _ in range(commands):
                result = await connection.run("true", encoding=None)
                assert result.exit_status == 0

    async with asyncio.TaskGroup() as group:
        for entry in inventory["hosts"].values():
            group.create_task(host(entry["address"], ssh["port"]))


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), int(sys.argv[3])))
