"""pnsync on a machine whose clock is ahead: `python -m tests.e2e.shifted SECONDS ARGS..`.

For tests alone; the program has no such switch.
"""

import sys
import time

from pnsync.cli import session, signals


def main() -> None:
    """Run the program with every clock that it is given ahead."""
    ahead = float(sys.argv.pop(1))

    class AheadClock(signals.SystemClock):
        """The machine's time, and a while more."""

        def now(self) -> float:
            return time.time() + ahead

    session.SystemClock = AheadClock  # type: ignore[misc]
    from pnsync.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
