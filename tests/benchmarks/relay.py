"""A relay that makes loopback far away: every byte arrives DELAY seconds later, in both directions.

    python relay.py LISTEN_PORT TARGET_PORT DELAY ADDRESSES

It listens on 127.0.0.1 and as many addresses after it, and ends when its standard input closes.
"""

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, ``delay`` seconds later, in order."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        loop.call_later(delay, writer.write, data)
    loop.call_later(delay, writer.close)


async def main(listen: int, target: int, delay: float, addresses: int) -> None:
    """Serve until standard input closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(carry(reader, back, delay), carry(there, writer, delay), return_exceptions=True)

    for index in range(1, addresses + 1):
        await asyncio.start_server(serve, f"127.0.0.{index}", listen)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
