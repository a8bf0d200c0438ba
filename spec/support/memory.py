"""Looks for secrets in the memory of a program: memory.py SECRET... -- COMMAND...

Each SECRET is hexadecimal. COMMAND is started with its output and input in our hands. For each line "look LABEL" that it says,
its writable memory is searched, "LABEL count count..." is printed with one count for each secret, and it gets an empty line to go
on. Its other lines are printed as they are. The program is our child, so that no system forbids us to read it.
"""

import re
import subprocess
import sys

# A sanitizer's own memory: it is larger than this, and holds no data of the program.
TOO_LARGE = 1 << 28


def count(pid, secrets):
    counts = [0] * len(secrets)
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            start, end, access = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            start, end = int(start, 16), int(end, 16)
            if access[1] != "w" or end - start >= TOO_LARGE:
                continue
            try:
                memory.seek(start)
                data = b""
                while len(data) < end - start:
                    piece = memory.read(end - start - len(data))
                    if not piece:
                        break
                    data += piece
            except OSError:  # not there, such as a thread's guard page
                continue
            counts = [n + data.count(secret) for n, secret in zip(counts, secrets)]
    return counts


def main():
    split = sys.argv.index("--")
    secrets = [bytes.fromhex(word) for word in sys.argv[1:split]]
    child = subprocess.Popen(sys.argv[split + 1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if line.startswith("look "):
            print(line.split()[1], *count(child.pid, secrets), flush=True)
            child.stdin.write("\n")
            child.stdin.flush()
        else:
            print(line, end="", flush=True)
    sys.exit(child.wait())


main()
