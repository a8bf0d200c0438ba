"""Runs a command at a new terminal, types at its prompt, and prints what the terminal shows.

terminal.py PROMPT KEYS COMMAND...   (PROMPT is text, KEYS are hex)

Prints "echo off" or "echo on" for the terminal at the moment of the prompt, the same for its state at the end, the exit status, and
then everything that the terminal showed.
"""

import fcntl
import os
import select
import sys
import termios
import time

DEADLINE = 300.0


def spawn(command, ours, theirs):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(ours)
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(theirs, fd)
        os.execvp(command[0], command)
    return pid


def echo(fd):
    return "echo on" if termios.tcgetattr(fd)[3] & termios.ECHO else "echo off"


def main():
    prompt, keys, command = sys.argv[1].encode(), bytes.fromhex(sys.argv[2]), sys.argv[3:]
    ours, theirs = os.openpty()  # theirs stays open here too, so that the terminal outlives the command
    pid = spawn(command, ours, theirs)
    shown, before, status = b"", "no prompt", None
    end = time.monotonic() + DEADLINE
    while True:
        ready = select.select([ours], [], [], 0.01)[0]
        if ready:
            shown += os.read(ours, 65536)
            if prompt in shown and before == "no prompt":
                before = echo(theirs)
                os.write(ours, keys)
        elif status is not None or time.monotonic() > end:
            break
        elif status is None:
            waited, code = os.waitpid(pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(code) if waited else None
    if status is None:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    text = shown.decode("utf-8", "replace").replace("\r\n", "\n")
    sys.stdout.write("%s\n%s\n%s\n%s" % (before, echo(theirs), "hangs" if status is None else status, text))


if __name__ == "__main__":
    main()
