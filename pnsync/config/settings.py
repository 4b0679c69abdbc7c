"""The root's single sections: version, lineage, schedule, policy and state.

Promises: each reads one key of the root and answers with its default where the key is absent or wrong. Must not
open a backend or judge a plan.
"""

import re
from typing import Any, Final, TypeVar

from pnsync.config import complaints, scalars, schema
from pnsync.config.entries import mapping_at
from pnsync.config.findings import Findings, closest, listed, quoted
from pnsync.config.recipients import recipient_fault
from pnsync.config.schema import PolicyShape, ScheduleShape
from pnsync.config.sources import SourceRefused, check_path
from pnsync.model import Limit, Policy, Schedule, StateConfig
from pnsync.phone import country_code
from pnsync.yamlfile import Mapping, Sequence

VERSION: Final = "1"
BACKENDS: Final = {
    "local": ("path",),
    "git": ("ref", "remote"),
    "postgres": ("dsn", "name"),
    "object": ("url", "endpoint", "region", "keep"),
    "http": (
        "address", "lock_address", "unlock_address", "update_method", "lock_method", "unlock_method",
        "username", "password",
    ),
}  # fmt: skip
"""The state backends with their own settings."""
COMMON_SETTINGS: Final = ("backend", "encryption", "plain_in_git")
_FROM_ENVIRONMENT = ("dsn", "username", "password")
_NEEDED = {"postgres": "dsn", "object": "url", "http": "address"}
_KEEP = re.compile(r"[1-9][0-9]{0,2}")
_LINEAGE = re.compile(r"[A-Za-z0-9-]{4,64}")
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_OTHERS = re.compile(r"(?:NXCLOUD|LAAFFIC|PNSYNC_CRED|PNSYNC_PLAN|PNSYNC_AGE)_.*")
"""Variables that hold vendors' keys, the key of plans and the identity: not for the server that keeps the state."""
_SECRETS: Final = frozenset(("ACTIONS", "AWS", "AZURE", "GCP", "GH", "GITHUB", "GOOGLE", "NPM", "SSH"))
"""What variables begin with in which CI jobs keep other secrets."""
_TOLD: Final = frozenset(
    (
        "APPVEYOR", "BITBUCKET", "BRANCH", "BUILD", "BUILDKITE", "CHANGE", "CI", "CIRCLE", "CIRRUS", "CODEBUILD", "DRONE",
        "GIT", "GITEA", "GITLAB", "MERGE", "PULL", "RUNNER", "SEMAPHORE", "SYSTEM", "TAG", "TEAMCITY", "TRAVIS", "TRIGGER",
        "WOODPECKER",
    )
)  # fmt: skip
"""What variables begin with in which CI tells about a change: who wrote it would choose the server of a `dsn`."""
_REGION = re.compile(r"[a-z0-9-]{1,40}")
"""A region becomes a part of a store's host name."""
_USERINFO = re.compile(r"://[^/?#]*@")
_LOOPBACK = re.compile(r"http://(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?(?:/|$)")
Shape = TypeVar("Shape")


def check_version(root: Mapping, findings: Findings) -> None:
    """Reports a version that is missing or not this one."""
    if "version" not in root:
        findings.report("E201", "the root file has no version", root.span, label="begin it with version: 1")
    elif root["version"] != VERSION:
        findings.report(
            "E233",
            "this version of the format is not known",
            root.span_of_value("version"),
            label="version: 1 is the one that this pnsync reads",
            advice="a file of a newer format needs a newer pnsync",
        )


def read_lineage(root: Mapping, findings: Findings) -> str | None:
    """The state's identity that the files pin, if they do."""
    if "lineage" not in root:
        return None
    value = root["lineage"]
    if isinstance(value, str) and _LINEAGE.fullmatch(value):
        return value
    findings.report(
        "E243",
        "lineage must be 4 to 64 letters, digits and hyphens",
        root.span_of_value("lineage") if value is not None else root.span_of_key("lineage"),
        label="as pnsync init wrote it, or as the state names it",
    )
    return None


def _read(
    kind: type[Shape], key: str, root: Mapping, findings: Findings
) -> tuple[Shape, Mapping, frozenset[str]] | None:
    node = mapping_at(root, key, findings)
    if node is None:
        return None
    checked = schema.check(kind, [node])
    complaints.report_faults(checked, kind, [node], [None], findings)
    return checked.shapes[0], node, checked.wrong_keys(0)


def _seconds(text: str | None, key: str, node: Mapping, findings: Findings) -> int | None:
    if text is None:
        return None
    try:
        return scalars.duration(text)
    except ValueError as error:
        findings.report("E212", f"{key} must be a duration", node.span_of_value(key), label=str(error))
        return None


def read_schedule(root: Mapping, findings: Findings) -> Schedule | None:
    """How often CI runs pnsync, if the files say so."""
    read = _read(ScheduleShape, "schedule", root, findings)
    if read is None:
        return None
    shape, node, wrong = read
    every = _seconds(shape.every, "every", node, findings)
    late_by = _seconds(shape.late_by, "late_by", node, findings)
    if "every" not in node:
        findings.report(
            "E201", "the schedule has no every", root.span_of_key("schedule"), label="add every: 6h"
        )
    elif every == 0:
        findings.report("E212", "every must be 1 second or more", node.span_of_value("every"))
    if not every or wrong:
        return None
    return Schedule(every, late_by or 0)


def read_policy(root: Mapping, findings: Findings) -> Policy:
    """What plans may do."""
    read = _read(PolicyShape, "policy", root, findings)
    if read is None:
        return Policy()
    shape, node, _ = read
    usual = Policy()
    codes = None
    if shape.allowed_country_codes is not None:
        codes = frozenset(one.removeprefix("+") for one in shape.allowed_country_codes)
        for i, one in enumerate(shape.allowed_country_codes):
            if country_code(one.removeprefix("+")) != one.removeprefix("+"):
                holder = node["allowed_country_codes"]
                assert isinstance(holder, Sequence)
                findings.report(
                    "E232",
                    f"{quoted(one)} is no country code",
                    holder.span_of_item(i),
                    label="like 44, 852 or 91",
                )
    quarantine = _seconds(shape.quarantine, "quarantine", node, findings)
    return Policy(
        max_unbind=_limit(shape.max_unbind, "max_unbind", usual.max_unbind, node, findings),
        max_rebind=_limit(shape.max_rebind, "max_rebind", usual.max_rebind, node, findings),
        max_missing=_limit(shape.max_missing, "max_missing", usual.max_missing, node, findings),
        require_recording=bool(shape.require_recording),
        allow_never_expire=shape.allow_never_expire is not False,
        allowed_country_codes=codes,
        quarantine_seconds=usual.quarantine_seconds if quarantine is None else quarantine,
        max_lifetime_seconds=_seconds(shape.max_lifetime, "max_lifetime", node, findings),
        numbers=shape.numbers,
    )


def _limit(text: str | None, key: str, usual: Limit, node: Mapping, findings: Findings) -> Limit:
    if text is None:
        return usual
    if not text.endswith("%"):
        return Limit(count=int(text))
    try:
        return Limit(percent=scalars.percent(text))
    except ValueError as error:
        findings.report(
            "E231", f"{key} must be a percentage or a count", node.span_of_value(key), label=str(error)
        )
        return usual


def read_state(root: Mapping, findings: Findings) -> StateConfig:
    """Where the state is kept; the settings as written, without the backend's name."""
    node = mapping_at(root, "state", findings)
    if node is None:
        return StateConfig()
    span = root.span_of_key("state")
    backend = node.get("backend", "local")
    if not isinstance(backend, str) or backend not in BACKENDS:
        label = closest(backend, BACKENDS) if isinstance(backend, str) else ""
        at = node.span_of_value("backend") if backend is not None else node.span_of_key("backend")
        findings.report("E241", f"the state's backend must be {listed(BACKENDS)}", at, label=label)
        return StateConfig(span=span)
    known = (*COMMON_SETTINGS, *BACKENDS[backend])
    for key in node:
        if key not in known:
            complaints.report_unknown_key(node, key, known, findings, where=f" for the {backend} backend")
    needed = _NEEDED.get(backend)
    if needed and needed not in node:
        findings.report("E201", f"the {backend} backend needs {needed}", span, label=f"add {needed}")
    for key in ("plain_in_git", *BACKENDS[backend]):
        if key in node:
            _check_setting(key, node, findings)
    if "encryption" in node:
        _check_encryption(node, findings)
    settings = {key: _plain(value) for key, value in node.items() if key != "backend"}
    return StateConfig(backend, settings, span)


def _check_setting(key: str, node: Mapping, findings: Findings) -> None:
    value = node[key]
    if value is None:
        findings.report(
            "E210", f"{key} has no value", node.span_of_key(key), label="write a value, or delete the line"
        )
    elif key in _FROM_ENVIRONMENT:
        env = value.get("env") if isinstance(value, Mapping) and len(value) == 1 else None
        if not isinstance(env, str) or not _ENV_NAME.fullmatch(env):
            findings.report(
                "E226",
                f"{key} must name an environment variable",
                node.span_of_value(key),
                label=f"write {key}: {{env: NAME}}",
                advice="if this was a real credential, revoke it: it stays in the history of the repository",
                secret=True,
            )
        elif isinstance(value, Mapping) and (why := _foreign(key, env)):
            findings.report(
                "E227",
                "this environment variable is not for the state",
                value.span_of_value("env"),
                label=why,
                advice="name a variable that holds nothing but what the state's server asks for",
            )
    elif key == "plain_in_git":
        if not isinstance(value, bool):
            findings.report("E211", "plain_in_git must be true or false", node.span_of_value(key))
    elif not isinstance(value, str) or not value:
        findings.report(
            "E242", f"{key} must be a text, got {complaints.kind_of(value)}", node.span_of_value(key)
        )
    elif key == "keep":
        if not _KEEP.fullmatch(value):
            findings.report(
                "E242", "keep must be 1 to 999", node.span_of_value(key), label="snapshots, as 20"
            )
    elif key == "region":
        if not _REGION.fullmatch(value):
            findings.report(
                "E242",
                "region is not the name of one",
                node.span_of_value(key),
                label="small letters, digits and hyphens, as eu-central-1",
            )
    elif key == "path":
        try:
            check_path(value)
        except SourceRefused as error:
            findings.report(
                "E242",
                f"the state's path is refused: {error.summary}",
                node.span_of_value(key),
                label=error.label,
            )
    elif _USERINFO.search(value):
        findings.report(
            "E226", "a URL must not hold a user name or password", node.span_of_value(key), secret=True,
            label="give credentials in the environment",
        )  # fmt: skip
    elif value.lower().startswith("http://") and not _LOOPBACK.match(value):
        findings.report(
            "E242", f"{key} must be https", node.span_of_value(key), label="http:// is for loopback only"
        )


def _foreign(key: str, env: str) -> str:
    """Why a variable is not for the state's server; nothing where it may be."""
    begins = env.partition("_")[0]
    if _OTHERS.fullmatch(env):
        return "it holds a key of a vendor or of pnsync"
    if begins in _SECRETS:
        return f"variables that begin with {begins} hold other secrets"
    if key == "dsn" and begins in _TOLD:
        return f"variables that begin with {begins} may hold what somebody wrote into a change"
    return ""


def _check_encryption(node: Mapping, findings: Findings) -> None:
    inner = mapping_at(node, "encryption", findings)
    if inner is None:
        return
    known = ("recipients", "enforced", "whole")
    for key, value in inner.items():
        if key not in known:
            complaints.report_unknown_key(inner, key, known, findings, where=" in encryption")
        elif key == "recipients":
            _check_recipients(inner, findings)
        elif not isinstance(value, bool):
            findings.report("E211", f"{key} must be true or false", inner.span_of_value(key))
    if "recipients" not in inner:
        findings.report(
            "E201",
            "encryption needs recipients",
            node.span_of_key("encryption"),
            label="add recipients: [age1…]",
        )


def _check_recipients(node: Mapping, findings: Findings) -> None:
    value = node["recipients"]
    if not isinstance(value, Sequence) or not value:
        findings.report(
            "E242", "recipients must be a list of age recipients", node.span_of_value("recipients"),
            label="like [age1…], public keys only", secret=_holds_identity(node.written("recipients")),
        )  # fmt: skip
        return
    for i, one in enumerate(value):
        wrong = (
            recipient_fault(one) if isinstance(one, str) else "a recipient is a text that begins with age1"
        )
        if wrong:
            secret = isinstance(one, str) and _holds_identity(one)
            advice = "the identity itself stays with its owner: revoke it if it was real" if secret else ""
            findings.report(
                "E242", "this is not an age recipient", value.span_of_item(i),
                label=wrong, advice=advice, secret=secret,
            )  # fmt: skip


def _holds_identity(text: str) -> bool:
    return "AGE-SECRET" in text.upper()


def _plain(value: Any) -> object:
    """A value without its places."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
