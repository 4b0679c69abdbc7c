"""What stands for a program that a nursery forks: `python -I -S forked.py NAME -m module ..` is `python -m module ..`.

For those who can only start a command line, as shells and `subprocess`. It imports next to nothing, passes its streams,
folder and environment to the nursery that listens under NAME (`forking.py`), passes on the signals that it gets, and
ends as the program ends. Killed itself, it takes the program with it.
"""

import os
import signal
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket
from types import FrameType

PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


def main() -> int:
    """Stand for the program; its exit code."""
    nursery = socket(AF_UNIX, SOCK_SEQPACKET)
    nursery.connect("\0" + sys.argv[1])
    order = {"argv": sys.argv[2:], "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109 - pathlib is slow
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    # A signal that comes before there is a process waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED)
    nursery.sendmsg([ascii(order).encode()], [(SOL_SOCKET, SCM_RIGHTS, streams)])
    process = int(nursery.recv(100))

    def passed(number: int, frame: FrameType | None) -> None:
        os.kill(process, number)

    for one in PASSED:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, passed)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED)
    code = int(nursery.recv(100))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    # Not sys.exit: there is nothing to tidy up.
    os._exit(main())
