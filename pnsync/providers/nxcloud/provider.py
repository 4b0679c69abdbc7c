"""NXCloud behind `interfaces.Provider`: signing, wire and calls put together; no rule of its own."""

from typing import ClassVar

from pnsync.interfaces import Reached, Reading
from pnsync.journal import Outcome
from pnsync.model import Listing
from pnsync.phone import Phone
from pnsync.providers.adapter import Adapter
from pnsync.providers.decoding import Json, Unreadable
from pnsync.providers.http import LISTING_LIMIT_BYTES, WRITE_LIMIT_BYTES, Request
from pnsync.providers.nxcloud import signing, wire
from pnsync.providers.replies import Meaning, Reply
from pnsync.providers.scanning import Page
from pnsync.state import Intent


class NxCloudProvider(Adapter):
    """One NXCloud account (G1 or G1b)."""

    KEYS: ClassVar = "the access key and secret (NXCLOUD_ACCESS_KEY, NXCLOUD_ACCESS_SECRET)"
    SANDBOX_URL: ClassVar = "https://sandbox.invalid/api/pns/"
    PAGE_SIZE: ClassVar = 1000
    """The largest that the vendor takes; always sent, as 0 does not mean all (docs/vendors.md, 1.8 row 2)."""

    def list(self, *, scans: int, reading: Reading) -> Listing:
        """Every binding and group of the account. Raises CredentialsRefused and VendorError."""
        bindings = self._scan("bindings", lambda _, offset: self._page(offset), wire.binding, scans, reading)
        groups = self._scan("groups", lambda _, offset: self._group_page(offset), wire.group, scans)
        return Listing(
            provider=self.config.name,
            bindings=bindings.rows,
            groups=groups.rows,
            started_at=min(bindings.started_at, groups.started_at),
            scans=min(bindings.scans, groups.scans),
            pages=bindings.pages + groups.pages,
            problems=bindings.problems + groups.problems,
            clock_ahead=self._calls.time.offset,
        )

    def send(self, intent: Intent) -> Outcome:
        """Make one writing call; raises nothing for what a vendor or a network does."""
        action, fields = wire.call_for(intent)
        return self._calls.write(
            Request(action, self._url, wire.encode(fields), WRITE_LIMIT_BYTES),
            signed_at=intent.signed_at,
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

    def _sign(self, request: Request, vendor_time: float) -> dict[str, str]:
        return signing.headers(
            self._credentials.key.reveal(),
            request.operation,
            vendor_time,
            request.body,
            self._credentials.secret.reveal(),
            algorithm=self.config.algorithm,
        )

    def _understand(self, answer: Json) -> Reply:
        return wire.reply(answer)

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
