"""Where a state is kept, from what `state:` says: each backend with its settings and its secrets from the environment.

Files of a pull request name a place and grant nothing: a server they name is on loopback or allowed by the operator,
and a state that others can read is sealed. Nothing is called by putting a place together.
"""

from collections.abc import Callable, Mapping
from typing import Final

from pnsync.backends.local import LocalBackend
from pnsync.cli.command import Invocation
from pnsync.config.endpoints import ALLOWED_HOSTS, EndpointRefused, allowed_hosts, server_of
from pnsync.errors import UsageError
from pnsync.interfaces import Backend, Clock
from pnsync.model import StateConfig

DEFAULT_STATE_PATH: Final = "state/pnsync.state.json"
DEFAULT_NAME: Final = "default"
ON_NETWORK: Final = "PNSYNC_STATE_ON_NETWORK_FS"
CA_FILE: Final = "PNSYNC_CA_FILE"


def _local(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    return LocalBackend(
        str(invocation.path(_text(config, "path", DEFAULT_STATE_PATH))),
        clock,
        root=str(invocation.folder),
        network_allowed=invocation.environ.get(ON_NETWORK) == "1",
    )


def _postgres(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    from pnsync.backends.postgres import PostgresBackend

    dsn = _secret(config, "dsn", invocation)
    assert dsn is not None, "the configuration asks for it"
    return PostgresBackend(dsn, _text(config, "name", DEFAULT_NAME), clock)


def _object(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    from pnsync.backends.object import KEEP, ObjectBackend

    endpoint = _maybe(config, "endpoint")
    _check_host(endpoint, "endpoint", invocation)
    keep = int(_text(config, "keep", str(KEEP)))
    return ObjectBackend(
        _text(config, "url"), clock, endpoint=endpoint, region=_maybe(config, "region"), keep=keep
    )


def _http(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    from pnsync.backends.http import HttpBackend, HttpSettings

    for key in ("address", "lock_address", "unlock_address"):
        _check_host(_maybe(config, key), key, invocation)
    methods = ("update_method", "lock_method", "unlock_method")
    named = {key: _text(config, key) for key in methods if key in config.settings}
    return HttpBackend(
        HttpSettings(
            _text(config, "address"),
            lock_address=_maybe(config, "lock_address"),
            unlock_address=_maybe(config, "unlock_address"),
            username=_secret(config, "username", invocation),
            password=_secret(config, "password", invocation),
            **named,
        ),
        clock,
        ca_file=invocation.environ.get(CA_FILE) or None,
    )


def _git(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    from pnsync.backends.git import DEFAULT_REF, GitBackend

    if "encryption" not in config.settings:
        raise UsageError(
            "a state in Git must be sealed",
            "Everybody who may read the repository may read the ref. Add to `state:` in the root file:",
            command="encryption: {recipients: [age1…], enforced: true}",
        )
    ref = _text(config, "ref", DEFAULT_REF)
    return GitBackend(invocation.folder, ref, _text(config, "remote", "origin"), clock)


BACKENDS: Final[Mapping[str, Callable[[StateConfig, Invocation, Clock], Backend]]] = {
    "local": _local,
    "git": _git,
    "postgres": _postgres,
    "object": _object,
    "http": _http,
}
"""By the name that `state: {backend: …}` gives."""


def open_backend(config: StateConfig, invocation: Invocation, clock: Clock) -> Backend:
    """The place that `state:` names. Raises UsageError for one that cannot be used here."""
    build = BACKENDS.get(config.backend)
    if build is None:
        raise UsageError(
            "this installation does not know the state's backend",
            f"state: {{backend: {config.backend}}} needs one of: {', '.join(BACKENDS)}.",
        )
    return build(config, invocation, clock)


def _text(config: StateConfig, key: str, default: str = "") -> str:
    return str(config.settings.get(key, default))


def _maybe(config: StateConfig, key: str) -> str | None:
    return _text(config, key) or None


def _secret(config: StateConfig, key: str, invocation: Invocation) -> str | None:
    """The content of the variable that a setting names; None where there is no such setting."""
    named = config.settings.get(key)
    if not isinstance(named, Mapping):
        return None
    name = str(named["env"])
    found = invocation.environ.get(name)
    if not found:
        raise UsageError(
            "the state's place needs a variable that is not set",
            f"state: {{{key}: {{env: {name}}}}} reads it from the environment: set {name} in the shell or the CI job.",
        )
    return found


def _check_host(address: str | None, key: str, invocation: Invocation) -> None:
    """Refuse a server that the operator has not allowed: a reviewed file must not choose who is sent a password."""
    if address is None:
        return
    try:
        host = server_of(address, allowed_hosts(invocation.environ.get(ALLOWED_HOSTS, "")))
    except EndpointRefused as error:
        raise UsageError(
            "the state's server is not named plainly",
            f"state: {{{key}: …}}: {error.summary.replace('endpoint', key, 1)}; {error.label}.",
        ) from None
    if host is None:
        return
    raise UsageError(
        "the state's server is not allowed",
        f"state: {{{key}: …}} names the host {host}. Where state and credentials go is not decided by a file of the",
        "repository alone: the environment of the run must allow it.",
        command=f"export {ALLOWED_HOSTS}={host}",
    )
