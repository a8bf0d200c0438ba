"""hold.py FILE COMMAND...: runs a command with a file as its input, which stays open until the command ends."""

import subprocess
import sys
import threading


def feed(pipe, name):
    try:
        with open(name, "rb") as file:
            while True:
                data = file.read(65536)
                if not data:
                    break
                pipe.write(data)
                pipe.flush()
    except OSError:
        pass  # the command has ended


process = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
threading.Thread(target=feed, args=(process.stdin, sys.argv[1]), daemon=True).start()
sys.exit(process.wait())
