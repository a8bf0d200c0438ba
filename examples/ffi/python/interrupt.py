"""A read without a timeout, from a peer that sends nothing, which Ctrl-C ends."""
import ctypes
import os
import signal
import threading

import cleat

INTERRUPTED = -(cleat.CLEAT_SYS << 16 | cleat.CLEAT_EINTR)


def call(function, *arguments):
    """Repeats a call that a signal has ended. Python runs its handlers between the two, and they may raise."""
    while True:
        result = function(*arguments)
        if result != INTERRUPTED:
            return cleat.check(result)


def main():
    first, second = ctypes.c_int32(), ctypes.c_int32()
    cleat.check(cleat.cleat_socket_pair(cleat.CLEAT_AF_UNIX, cleat.CLEAT_SOCK_STREAM, 0,
                                        ctypes.byref(first), ctypes.byref(second)))
    context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    connection = cleat.check(cleat.cleat_connection_over_socket(context, first, 0, None, 0))
    buffer = ctypes.create_string_buffer(100)
    cleat.cleat_set_interruptible(1)  # this thread, the one in which Python runs handlers
    ready = threading.Event()

    def press():
        ready.wait()
        os.kill(os.getpid(), signal.SIGINT)  # what Ctrl-C does

    threading.Thread(target=press).start()
    try:
        ready.set()
        call(cleat.cleat_connection_read, connection, buffer, len(buffer), -1.0)
    except KeyboardInterrupt:
        print("interrupted")
    for id in connection, context, first, second:
        cleat.cleat_close(id)
    assert cleat.cleat_handle_count() == 0


if __name__ == "__main__":
    main()
