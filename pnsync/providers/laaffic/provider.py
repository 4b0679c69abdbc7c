"""LAAFFIC behind `interfaces.Provider`: signing, wire and calls put together; no rule of its own."""

from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx

from pnsync.errors import UsageError
from pnsync.interfaces import Clock, Reached, Reading
from pnsync.journal import Outcome
from pnsync.masking import keyed_digest
from pnsync.model import Listing, ProviderConfig
from pnsync.phone import Phone
from pnsync.providers.calls import Calls
from pnsync.providers.credentials import Credentials
from pnsync.providers.decoding import Unreadable
from pnsync.providers.http import LISTING_LIMIT_BYTES, TOTAL_SECONDS, WRITE_LIMIT_BYTES, Channel, Request
from pnsync.providers.laaffic import signing, wire
from pnsync.providers.replies import Meaning
from pnsync.providers.scanning import Page, scan_listing
from pnsync.state import Account, Intent

PAGE_SIZE: Final = 100
"""The largest that the vendor takes (VENDORS 2.4)."""
SANDBOX_URL: Final = "https://sandbox.invalid/v3/number"


class LaafficProvider:
    """One LAAFFIC account and app. Methods may be called from several threads.

    Expiries without a zone come back as they are listed; refresh.calibrated turns them into instants.
    """

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
        page_size: int = PAGE_SIZE,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.config = config
        self._credentials = credentials
        self._clock = clock
        self._page_size = page_size
        self._base = SANDBOX_URL if config.sandbox else config.endpoint.rstrip("/")
        self._host = "sandbox" if config.sandbox else urlsplit(config.endpoint).netloc.lower()
        self._channel = Channel(
            urlsplit(self._base).hostname or "",
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
            understand=wire.reply,
            keys="the API key and secret (LAAFFIC_API_KEY, LAAFFIC_API_SECRET)",
        )

    def account(self, key: bytes) -> Account:
        """Endpoint host and the API key's fingerprint under `key`."""
        return Account(self._host, keyed_digest(key, "account", [self._credentials.key.reveal()]))

    def vendor_now(self) -> float:
        """The vendor's time, epoch seconds."""
        return self._calls.time.now()

    def list(self, *, scans: int, reading: Reading) -> Listing:
        """Every binding of the app and every pool. Raises CredentialsRefused and VendorError."""
        name = self.config.name
        bindings = scan_listing(
            "bindings",
            lambda number, _: self._page(wire.LIST, number, self.config.app_id),
            lambda row, flaws: wire.binding(name, row, flaws),
            scans=scans,
            clock=self._clock,
            reading=lambda rows, total, pages: reading(name, rows, total, pages),
        )
        pools = scan_listing(
            "pools",
            lambda number, _: self._page(wire.POOLS, number, None),
            lambda row, flaws: wire.pool(name, row, flaws),
            scans=scans,
            clock=self._clock,
            reading=lambda _rows, _total, _pages: None,
        )
        return Listing(
            provider=name,
            bindings=bindings.rows,
            pools=pools.rows,
            started_at=min(bindings.started_at, pools.started_at),
            scans=min(bindings.scans, pools.scans),
            pages=bindings.pages + pools.pages,
            problems=bindings.problems + pools.problems,
            clock_ahead=self._calls.time.offset,
        )

    def pace(self) -> float:
        """Take the next slot of the rate limit; the seconds until it opens."""
        return self._calls.pace.take()

    def send(self, intent: Intent) -> Outcome:
        """Make one writing call; raises nothing for what a vendor or a network does."""
        path, fields = wire.call_for(intent, self.config.app_id or "")
        return self._calls.write(
            self._request(path, fields, WRITE_LIMIT_BYTES),
            latest_at=intent.latest_at,
            measure=self._measure,
            applied=lambda reply: wire.applied(intent, reply),
        )

    def query(self, *, caller: Phone, did: str, extension: str | None) -> Reached:  # noqa: ARG002
        """LAAFFIC has no such call. Raises UsageError."""
        raise UsageError(
            "this vendor cannot be asked who would ring",
            f'Provider "{self.config.name}" is LAAFFIC, whose API has no call for it.',
            "Leave --live out: the state answers as well.",
        )

    def close(self) -> None:
        """Release connections."""
        self._channel.close()

    def _sign(self, _: Request, vendor_time: float) -> dict[str, str]:
        return signing.headers(self._credentials.key.reveal(), self._credentials.secret.reveal(), vendor_time)

    def _request(self, path: str, fields: dict[str, object], limit_bytes: int) -> Request:
        return Request(path, f"{self._base}/{path}", wire.encode(fields), limit_bytes)

    def _measure(self) -> None:
        self._calls.read(self._listing(wire.LIST, 1, 1, self.config.app_id))

    def _listing(self, path: str, current: int, size: int, app_id: str | None) -> Request:
        return self._request(path, wire.page_fields(current, size, app_id), LISTING_LIMIT_BYTES)

    def _page(self, path: str, number: int, app_id: str | None) -> Page:
        reply = self._calls.read(self._listing(path, number + 1, self._page_size, app_id))
        if reply.meaning is not Meaning.OK:
            raise self._calls.unusable(path, reply.describe(), reply.request_id)
        try:
            return wire.page(reply)
        except Unreadable as error:
            raise self._calls.unusable(path, str(error), reply.request_id) from None
