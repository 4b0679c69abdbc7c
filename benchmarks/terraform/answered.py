"""pnsync, standing still after the vendor's answer to the n-th bind and before it is recorded: `answered N FILE ARGUMENT..`.

FILE is written at that moment. The provider for Terraform does the same at the same point (PNS_ANSWERED).
"""

import sys
import threading
from pathlib import Path

from pnsync.cli.main import main
from pnsync.interfaces import Outcome
from pnsync.journal import Intent
from pnsync.providers.nxcloud.provider import NxCloudProvider


def stand_still_after(number: int, file: Path) -> None:
    """Let the n-th writing call never come back."""
    send, count = NxCloudProvider.send, 0

    def held(self: NxCloudProvider, intent: Intent) -> Outcome:
        nonlocal count
        outcome = send(self, intent)
        count += 1
        if count == number:
            file.touch()
            threading.Event().wait()
        return outcome

    NxCloudProvider.send = held  # type: ignore[method-assign]


if __name__ == "__main__":
    stand_still_after(int(sys.argv[1]), Path(sys.argv[2]))
    sys.argv = ["pnsync", *sys.argv[3:]]
    main()
