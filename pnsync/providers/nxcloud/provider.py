"""NXCloud behind `interfaces.Provider`: signing, wire and calls put together; no rule of its own."""

from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx

from pnsync.errors import VendorError
from pnsync.interfaces import Clock, Reached, Reading
from pnsync.journal import Outcome
from pnsync.masking import keyed_digest
from pnsync.model import Listing, ProviderConfig
from pnsync.phone import Phone
from pnsync.providers.calls import Calls
from pnsync.providers.credentials import Credentials
from pnsync.providers.decoding import Unreadable
from pnsync.providers.http import LISTING_LIMIT_BYTES, TOTAL_SECONDS, WRITE_LIMIT_BYTES, Channel, Request
from pnsync.providers.nxcloud import signing, wire
from pnsync.providers.replies import Meaning, Reply
from pnsync.providers.scanning import Page, scan_listing
from pnsync.state import Account, Intent

PAGE_SIZE: Final = 1000
"""The largest that the vendor takes; always sent, as 0 does not mean all (VENDORS 1.8 row 2)."""
SANDBOX_URL: Final = "https://sandbox.invalid/api/pns/"


class NxCloudProvider:
    """One NXCloud account (G1 or G1b). Methods may be called from several threads."""

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
        self._url = SANDBOX_URL if config.sandbox else config.endpoint
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
            understand=wire.reply,
            keys="the access key and secret (NXCLOUD_ACCESS_KEY, NXCLOUD_ACCESS_SECRET)",
        )

    def account(self, key: bytes) -> Account:
        """Endpoint host and the access key's fingerprint under `key`."""
        return Account(self._host, keyed_digest(key, "account", [self._credentials.key.reveal()]))

    def vendor_now(self) -> float:
        """The vendor's time, epoch seconds."""
        return self._calls.time.now()

    def list(self, *, scans: int, reading: Reading) -> Listing:
        """Every binding and group of the account. Raises CredentialsRefused and VendorError."""
        name = self.config.name

        def told(rows: int, total: int | None, pages: int) -> None:
            reading(name, rows, total, pages)

        bindings = scan_listing(
            "bindings",
            lambda _, offset: self._page(offset),
            lambda row, flaws: wire.binding(name, row, flaws),
            scans=scans,
            clock=self._clock,
            reading=told,
        )
        groups = scan_listing(
            "groups",
            lambda _, offset: self._group_page(offset),
            lambda row, flaws: wire.group(name, row, flaws),
            scans=scans,
            clock=self._clock,
            reading=lambda _rows, _total, _pages: None,
        )
        return Listing(
            provider=name,
            bindings=bindings.rows,
            groups=groups.rows,
            started_at=min(bindings.started_at, groups.started_at),
            scans=min(bindings.scans, groups.scans),
            pages=bindings.pages + groups.pages,
            problems=bindings.problems + groups.problems,
            clock_ahead=self._calls.time.offset,
        )

    def pace(self) -> float:
        """Take the next slot of the rate limit; the seconds until it opens."""
        return self._calls.pace.take()

    def send(self, intent: Intent) -> Outcome:
        """Make one writing call; raises nothing for what a vendor or a network does."""
        action, fields = wire.call_for(intent)
        return self._calls.write(
            Request(action, self._url, wire.encode(fields), WRITE_LIMIT_BYTES),
            latest_at=intent.latest_at,
            measure=self._measure,
            applied=lambda reply: wire.applied(intent, reply),
        )

    def query(self, *, caller: Phone, did: str, extension: str | None) -> Reached:
        """Ask the switch who would ring; sent once, as it may bill. Raises CredentialsRefused and VendorError."""
        fields = {"caller": caller.digits, "did": did}
        if extension is not None:
            fields["extension"] = extension
        reply = self._calls.read(Request("queryAXB", self._url, wire.encode(fields)), once=True)
        try:
            return wire.reached(reply)
        except Unreadable as error:
            raise self._unreadable("queryAXB", reply, error) from None

    def close(self) -> None:
        """Release connections."""
        self._channel.close()

    def _sign(self, request: Request, vendor_time: float) -> dict[str, str]:
        return signing.headers(
            self._credentials.key.reveal(),
            request.operation,
            vendor_time,
            request.body,
            self._credentials.secret.reveal(),
            algorithm=self.config.algorithm,
        )

    def _measure(self) -> None:
        self._calls.read(self._listing("getAXBList", 1, 0))

    def _listing(self, action: str, limit: int, offset: int) -> Request:
        return Request(
            action, self._url, wire.encode({"limit": limit, "offset": offset}), LISTING_LIMIT_BYTES
        )

    def _page(self, offset: int) -> Page:
        reply = self._read_page("getAXBList", offset)
        try:
            return wire.binding_page(reply)
        except Unreadable as error:
            raise self._unreadable("getAXBList", reply, error) from None

    def _group_page(self, offset: int) -> Page:
        reply = self._read_page("listGroup", offset)
        try:
            return wire.group_page(reply)
        except Unreadable as error:
            raise self._unreadable("listGroup", reply, error) from None

    def _read_page(self, action: str, offset: int) -> Reply:
        reply = self._calls.read(self._listing(action, self._page_size, offset))
        past = reply.meaning is Meaning.PAGING and reply.code == wire.PAST_THE_END and offset > 0
        if reply.meaning is Meaning.OK or past:
            return reply
        raise self._calls.unusable(action, reply.describe(), reply.request_id)

    def _unreadable(self, action: str, reply: Reply, error: Unreadable) -> VendorError:
        return self._calls.unusable(action, str(error), reply.request_id)
