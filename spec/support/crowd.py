"""Makes many TLS connections at the same time to an echo server, with Python's ssl: crowd.py PORT COUNT CAFILE.

Opens COUNT verified connections and says "held"; at a line of input each of them sends its own bytes, in pieces, and checks
the bytes that come back; then all send close_notify, and "echoed BYTES" is printed.
"""

import asyncio
import hashlib
import ssl
import sys

PORT, COUNT, CAFILE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
PIECES, PIECE = 4, 3000
DEADLINE = 1500  # which ends what hangs: asyncio's own are less


def pattern(number, piece):
    seed = hashlib.sha256(b"%d %d" % (number, piece)).digest()
    return (seed * (PIECE // len(seed) + 1))[:PIECE]


async def connect(context, gate):
    async with gate:
        return await asyncio.open_connection("127.0.0.1", PORT, ssl=context, server_hostname="localhost",
                                             ssl_handshake_timeout=DEADLINE, ssl_shutdown_timeout=DEADLINE)


async def talk(number, reader, writer):
    count = 0
    for piece in range(PIECES):
        data = pattern(number, piece)
        writer.write(data)
        got = await reader.readexactly(len(data))
        assert got == data, "connection %d got other bytes" % number
        count += len(got)
        await asyncio.sleep(0)
    writer.close()
    await writer.wait_closed()
    return count


async def main():
    context = ssl.create_default_context(cafile=CAFILE)
    gate = asyncio.Semaphore(50)
    ends = await asyncio.gather(*(connect(context, gate) for _ in range(COUNT)))
    print("held %d" % len(ends), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    counts = await asyncio.gather(*(talk(number, *end) for number, end in enumerate(ends)))
    print("echoed %d" % sum(counts), flush=True)


asyncio.run(asyncio.wait_for(main(), DEADLINE))
