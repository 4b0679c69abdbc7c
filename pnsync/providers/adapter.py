"""What the adapters of both vendors share: one account, its host, its keys, its clock and its pace; no rule of a vendor."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import httpx

from pnsync.errors import VendorError
from pnsync.interfaces import Clock, Reading
from pnsync.masking import keyed_digest
from pnsync.model import ProviderConfig
from pnsync.providers.calls import Calls
from pnsync.providers.credentials import Credentials
from pnsync.providers.decoding import Json, Unreadable
from pnsync.providers.http import TOTAL_SECONDS, Channel, Request
from pnsync.providers.replies import Reply
from pnsync.providers.scanning import Page, Scanned, scan_listing
from pnsync.state import Account

Row = TypeVar("Row")


class Adapter(ABC):
    """One account at a vendor. Methods may be called from several threads."""

    KEYS: ClassVar[str]
    """What a person has to check when the vendor refuses the credentials."""
    SANDBOX_URL: ClassVar[str]
    PAGE_SIZE: ClassVar[int]

    def __init__(
        self,
        config: ProviderConfig,
        credentials: Credentials,
        *,
        clock: Clock,
        random: Random,
        transport: httpx.BaseTransport | None = None,
        ca_file: str | None = None,
        private_addresses: bool = False,
        page_size: int | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.config = config
        self._credentials = credentials
        self._clock = clock
        self._page_size = page_size or self.PAGE_SIZE
        self._url = self.SANDBOX_URL if config.sandbox else config.endpoint
        self._host = "sandbox" if config.sandbox else urlsplit(config.endpoint).netloc.lower()
        self._channel = Channel(
            urlsplit(self._url).hostname or "",
            clock,
            transport=transport,
            ca_file=ca_file,
            private_addresses=private_addresses,
            total_seconds=total_seconds,
        )
        self._calls = Calls(
            config.name,
            self._channel,
            clock,
            random,
            config.rate,
            sign=self._sign,
            understand=self._understand,
            keys=self.KEYS,
        )

    def account(self, key: bytes) -> Account:
        """Endpoint host and the key's fingerprint under `key`."""
        return Account(self._host, keyed_digest(key, "account", [self._credentials.key.reveal()]))

    def vendor_now(self) -> float:
        """The vendor's time, epoch seconds."""
        return self._calls.time.now()

    def pace(self) -> float:
        """Take the next slot of the rate limit; the seconds until it opens."""
        return self._calls.pace.take()

    def close(self) -> None:
        """Release connections."""
        self._channel.close()

    @abstractmethod
    def _sign(self, request: Request, vendor_time: float) -> dict[str, str]:
        """The headers that sign a request at this time."""

    @abstractmethod
    def _understand(self, answer: Json) -> Reply:
        """The vendor's envelope. Raises Unreadable."""

    def _scan(
        self,
        what: str,
        fetch: Callable[[int, int], Page],
        read_row: Callable[[str, Any, Counter[str]], tuple[str, Row]],
        scans: int,
        reading: Reading | None = None,
    ) -> Scanned[Row]:
        """One listing until `scans` scans agree; with `reading` its progress is told."""
        name = self.config.name

        def told(rows: int, total: int | None, pages: int) -> None:
            if reading is not None:
                reading(name, rows, total, pages)

        return scan_listing(
            what,
            fetch,
            lambda row, flaws: read_row(name, row, flaws),
            scans=scans,
            clock=self._clock,
            reading=told,
            ahead=lambda: self._calls.time.offset,
        )

    def _unreadable(self, operation: str, reply: Reply, error: Unreadable) -> VendorError:
        return self._calls.unusable(operation, str(error), reply.request_id)
