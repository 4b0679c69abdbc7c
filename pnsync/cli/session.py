"""The composition root: names concrete vendors (places.py: backends), and puts a command's world together.

Promises: credentials are read late and stand in no message; nothing is called by putting things together. Must
not decide what a command does.
"""

import contextlib
import getpass
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pnsync.checkout import GitCheckout
from pnsync.cli import VERSION
from pnsync.cli.command import Invocation
from pnsync.cli.findings import findings_text
from pnsync.cli.logs import shown_logs
from pnsync.cli.places import CA_FILE, open_backend
from pnsync.cli.signals import Signals, SystemClock
from pnsync.config import load
from pnsync.config.endpoints import ALLOWED_HOSTS, allowed_hosts, check_endpoint
from pnsync.dispatch import ThreadDispatcher
from pnsync.holder import Holder
from pnsync.interfaces import Clock, Dispatcher, Provider
from pnsync.model import Desired, ProviderConfig, StateConfig, VendorType
from pnsync.render.diagnostics import tally
from pnsync.render.progress import Bars, Lines
from pnsync.render.text import folded_lines
from pnsync.sharding.sharded import ShardedStore, Spacious
from pnsync.sharding.shards import shares
from pnsync.store.store import Store
from pnsync.verdict import Report, report_document

if TYPE_CHECKING:
    import httpx

    from pnsync.planning import World
    from pnsync.scope import Shard

CI_LOCK_TIMEOUT_SECONDS: Final = 900.0


def open_store(settings: StateConfig, lineage: str | None, invocation: Invocation, clock: Clock) -> Store:
    """The state's place, as the root file's `state` and `lineage` name it."""
    from pnsync.sealing.opening import open_codec

    codec = open_codec(settings.settings, invocation.environ, always=settings.backend == "git")
    backend = open_backend(settings, invocation, clock)
    if isinstance(backend, Spacious):
        return ShardedStore(backend, clock, pinned_lineage=lineage, codec=codec)
    return Store(backend, clock, pinned_lineage=lineage, codec=codec)


def open_provider(config: ProviderConfig, invocation: Invocation, clock: Clock) -> Provider:
    """One vendor account, with its keys from the environment."""
    from pnsync.providers.credentials import read_credentials
    from pnsync.providers.laaffic.provider import LaafficProvider
    from pnsync.providers.nxcloud.provider import NxCloudProvider

    credentials = read_credentials(config, invocation.environ)
    for warning in credentials.warnings:
        invocation.output.err(f"warning: {warning}")
    transport = _sandbox(config, invocation) if config.sandbox else None
    build = NxCloudProvider if config.type is VendorType.NXCLOUD else LaafficProvider
    return build(
        config,
        credentials,
        clock=clock,
        random=SystemRandom(),
        transport=transport,
        ca_file=invocation.environ.get(CA_FILE) or None,
        private_addresses=_may_be_private(config, invocation),
    )


def _sandbox(config: ProviderConfig, invocation: Invocation) -> "httpx.BaseTransport":
    from pnsync.sandbox.transport import SandboxTransport

    return SandboxTransport(config.type.value, path=invocation.target(f"state/sandbox-{config.name}.json"))


def _may_be_private(config: ProviderConfig, invocation: Invocation) -> bool:
    """Whether the endpoint may lie in a private network: on loopback, or where the operator says so."""
    if config.sandbox:
        return True
    named = allowed_hosts(invocation.environ.get(ALLOWED_HOSTS, ""))
    url = urlsplit(config.endpoint)
    by_operator = (url.hostname or "") in named or url.netloc.lower() in named
    return by_operator or check_endpoint(config.endpoint, config.type, named).loopback


def new_holder(invocation: Invocation, clock: Clock, shard: "Shard | None" = None) -> Holder:
    """How this run names itself in the lock."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return Holder(
        id=secrets.token_hex(4),
        user=user,
        host=socket.gethostname(),
        pid=os.getpid(),
        command=f"pnsync {invocation.command}" + (f" --shard {shard}" if shard else ""),
        since=int(clock.now()),
    )


def lock_timeout_seconds(invocation: Invocation, given: int | None) -> float:
    """How long to wait for another run: in CI a while, as nobody is there to try again."""
    if given is not None:
        return float(given)
    return CI_LOCK_TIMEOUT_SECONDS if invocation.environ.get("CI") else 0.0


def new_reporter(invocation: Invocation, *, json: bool) -> Lines | None:
    """How reports are shown to people; None where they are events."""
    if json:
        return None
    output = invocation.output
    if output.err_is_terminal:
        return Bars(output.out, output.err, colour=output.err_colour, redirect_stdout=output.out_is_terminal)

    def err(text: str) -> None:
        output.err(folded_lines(text, output.err_columns, "  "))

    return Lines(output.out, err, colour=output.out_colour)


def _tell_of_warnings(invocation: Invocation, desired: Desired) -> None:
    """Warnings about the files: with -v each, else that there are any."""
    found = desired.diagnostics
    if found and invocation.verbosity:
        invocation.output.err(findings_text(invocation, found, colour=invocation.output.err_colour))
    elif found:
        invocation.output.err(f"{tally(found)} about the files; see {invocation.again('validate')}")


@dataclass(slots=True)
class Opened:
    """A command's world, and what else the command needs of it."""

    world: "World"
    signals: Signals
    lines: Lines | None
    """How reports are shown to people; None where they are events."""
    invocation: Invocation

    def show(self, text: str) -> None:
        """Write to standard output, below what reports have written."""
        if self.lines is not None:
            self.lines.pause()
        self.invocation.output.out(text)

    def tell(self, text: str) -> None:
        """Write to standard error, below what reports have written."""
        if self.lines is not None:
            self.lines.pause()
        self.invocation.output.err(text)


@contextlib.contextmanager
def opened(
    invocation: Invocation,
    *,
    gentle: bool,
    json: bool = False,
    rate: float | None = None,
    shard: "Shard | None" = None,
) -> Iterator[Opened]:
    """Read the files, listen to signals, open state and providers; close them at the end.

    `gentle` for commands that make calls or write the state: a signal asks them to stop. Others are stopped where
    they are. `rate` bounds the calls a second at every provider, of which a `shard` has its share. Raises ConfigError,
    UsageError.
    """
    from pnsync.planning import World

    def first_words() -> None:
        invocation.output.err(
            "Stopping: what is in flight gets up to 5 s. A second signal ends at once, as safely."
        )

    left: list[Callable[[], None]] = []

    def last_words(code: int) -> None:
        from pnsync.cli.ending import conclude

        for end in left:
            end()
        invocation.output.err(
            "Ended while a call was in flight; the next run asks the vendor what became of it."
        )
        conclude(invocation, code)

    with (
        Signals(gentle=gentle, first_words=first_words, last_words=last_words) as signals,
        contextlib.ExitStack() as closing,
    ):
        closing.enter_context(shown_logs(invocation))
        clock = SystemClock(signals)
        desired = load(invocation.folder, invocation.root, environ=invocation.environ)
        providers: dict[str, Provider] = {}
        for name, config in shares(desired.providers, shard, rate).items():
            providers[name] = open_provider(config, invocation, clock)
            closing.callback(providers[name].close)
        lines = new_reporter(invocation, json=json)
        _tell_of_warnings(invocation, desired)
        if lines is not None:
            closing.enter_context(lines)

        def dispatcher(width: int) -> Dispatcher:
            made = ThreadDispatcher(width)
            signals.subscribe(made.wake)
            return made

        def events(report: Report) -> None:
            invocation.event(report_document(report))

        store = open_store(desired.state, desired.lineage, invocation, clock)
        if (abandon := getattr(store.backend, "abandon", None)) is not None:
            left.append(abandon)
            closing.callback(abandon)
        world = World(
            desired=desired,
            store=store,
            providers=providers,
            clock=clock,
            report=lines or events,
            interrupt=signals,
            dispatcher=dispatcher,
            holder=new_holder(invocation, clock, shard),
            environ=invocation.environ,
            version=VERSION,
            folder=invocation.folder,
            checkout=GitCheckout(invocation.folder, path=invocation.environ.get("PATH")),
        )
        yield Opened(world, signals, lines, invocation)
        if getattr(world.store.codec, "outdated", False):
            invocation.output.err(
                "warning: the state is sealed to other recipients than the files name; to change that: "
                + invocation.again("state rekey")
            )
