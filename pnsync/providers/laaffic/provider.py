"""LAAFFIC behind `interfaces.Provider`: signing, wire and calls put together; no rule of its own."""

from typing import ClassVar

from pnsync.errors import UsageError
from pnsync.interfaces import Reached, Reading
from pnsync.journal import Outcome
from pnsync.model import Listing
from pnsync.phone import Phone
from pnsync.providers.adapter import Adapter
from pnsync.providers.decoding import Json, Unreadable
from pnsync.providers.http import LISTING_LIMIT_BYTES, WRITE_LIMIT_BYTES, Request
from pnsync.providers.laaffic import signing, wire
from pnsync.providers.replies import Meaning, Reply
from pnsync.providers.scanning import Page
from pnsync.state import Intent


class LaafficProvider(Adapter):
    """One LAAFFIC account and app.

    Expiries without a zone come back as they are listed; refresh.calibrated turns them into instants.
    """

    KEYS: ClassVar = "the API key and secret (LAAFFIC_API_KEY, LAAFFIC_API_SECRET)"
    SANDBOX_URL: ClassVar = "https://sandbox.invalid/v3/number"
    PAGE_SIZE: ClassVar = 100
    """The largest that the vendor takes (docs/vendors.md, 2.4)."""

    def list(self, *, scans: int, reading: Reading) -> Listing:
        """Every binding of the app and every pool. Raises CredentialsRefused and VendorError."""
        app = self.config.app_id
        bindings = self._scan(
            "bindings", lambda number, _: self._page(wire.LIST, number, app), wire.binding, scans, reading
        )
        pools = self._scan("pools", lambda number, _: self._page(wire.POOLS, number, None), wire.pool, scans)
        return Listing(
            provider=self.config.name,
            bindings=bindings.rows,
            pools=pools.rows,
            started_at=min(bindings.started_at, pools.started_at),
            scans=min(bindings.scans, pools.scans),
            pages=bindings.pages + pools.pages,
            problems=bindings.problems + pools.problems,
            clock_ahead=self._calls.time.offset,
        )

    def send(self, intent: Intent) -> Outcome:
        """Make one writing call; raises nothing for what a vendor or a network does."""
        path, fields = wire.call_for(intent, self.config.app_id or "")
        return self._calls.write(
            self._request(path, fields, WRITE_LIMIT_BYTES),
            signed_at=intent.signed_at,
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

    def _sign(self, _: Request, vendor_time: float) -> dict[str, str]:
        return signing.headers(self._credentials.key.reveal(), self._credentials.secret.reveal(), vendor_time)

    def _request(self, path: str, fields: dict[str, object], limit_bytes: int) -> Request:
        return Request(path, f"{self._url.rstrip('/')}/{path}", wire.encode(fields), limit_bytes)

    def _understand(self, answer: Json) -> Reply:
        return wire.reply(answer)

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
            raise self._unreadable(path, reply, error) from None
