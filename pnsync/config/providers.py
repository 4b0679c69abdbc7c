"""The providers of the root file: vendor accounts, their endpoints and where their credentials are read from.

Promises: what a pull request may write here names things and grants nothing: a host outside `endpoints.py`'s
list, a literal credential and a foreign environment variable are refused, and a literal is never quoted.
"""

import re
from collections.abc import Mapping as MappingLike
from typing import Any, Final

from pnsync.config import complaints, scalars, schema
from pnsync.config.endpoints import DEFAULT_ENDPOINTS, SANDBOX, Endpoint, EndpointRefused, check_endpoint
from pnsync.config.entries import File, Places, read_section
from pnsync.config.findings import Findings, listed
from pnsync.config.schema import ProviderShape
from pnsync.model import CredentialReference, ProviderConfig, VendorType
from pnsync.yamlfile import Mapping

CREDENTIAL_PREFIX: Final = "PNSYNC_CRED_"
CREDENTIALS: Final[MappingLike[VendorType, tuple[str, ...]]] = {
    VendorType.NXCLOUD: ("access_key", "access_secret"),
    VendorType.LAAFFIC: ("api_key", "api_secret"),
}
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_RESERVED = (
    "ACTIONS",
    "AWS",
    "AZURE",
    "CI",
    "GCP",
    "GH",
    "GITHUB",
    "GITLAB",
    "GOOGLE",
    "NPM",
    "PNSYNC",
    "SSH",
    "TF",
)
"""Prefixes of secrets that CI systems hold: a provider cannot get at them by being named like one."""


def read_providers(
    root: File, places: Places, allowed: frozenset[str], findings: Findings
) -> dict[str, ProviderConfig | None]:
    """The providers by name; None for one that is declared but wrong, so that its users are not told too."""
    section = read_section(root, places, findings)
    if section is None:
        return {}
    checked = schema.check(ProviderShape, section.nodes)
    addresses = [places.address(name) for name in section.names]
    complaints.report_faults(checked, ProviderShape, section.nodes, addresses, findings)
    found: dict[str, ProviderConfig | None] = dict.fromkeys(section.holder)
    for i, name in enumerate(section.names):
        if name is not None:
            wrong = checked.wrong_keys(i)
            reader = _Reader(name, section.holder, section.nodes[i], wrong, findings)
            found[name] = reader.build(checked.shapes[i], allowed)
    return found


class _Reader:
    """Reads one provider."""

    def __init__(
        self, name: str, holder: Mapping, node: Mapping, wrong: frozenset[str], findings: Findings
    ) -> None:
        self.name, self.holder, self.node, self.wrong, self.findings = name, holder, node, wrong, findings
        self.address = f"providers.{name}"
        self.sound = not wrong

    def report(self, code: str, summary: str, key: str, label: str = "", advice: str = "") -> None:
        """Notes an error at a key's value, or at the provider's name."""
        span = self.node.span_of_value(key) if key in self.node else self.holder.span_of_key(self.name)
        self.sound = self.sound and code[0] == "W"
        self.findings.report(code, summary, span, label=label, advice=advice, address=self.address)

    def build(self, shape: ProviderShape, allowed: frozenset[str]) -> ProviderConfig | None:
        """The provider, None where something about it is an error."""
        if shape.type is None:
            if "type" not in self.wrong:
                self.report("E201", "the provider has no type", "", "add type: nxcloud, or type: laaffic")
            return None
        vendor = VendorType(shape.type)
        self._check_keys(shape, vendor)
        endpoint = self._endpoint(shape, vendor, allowed)
        credentials = self._credentials(shape.credentials, vendor)
        rate = float(shape.rate) if shape.rate else 20.0
        if not 0 < rate <= 100_000:
            self.report(
                "E230", "rate must be above 0 and at most 100,000 calls a second", "rate", "like 20 or 0.5"
            )
        window = self._settle_window(shape, vendor, endpoint)
        if not self.sound or endpoint is None:
            return None
        return ProviderConfig(
            name=self.name,
            type=vendor,
            endpoint=endpoint.url,
            app_id=shape.app_id,
            algorithm=shape.algorithm or "md5",
            rate=rate,
            settle_window_seconds=window,
            credentials=credentials,
            span=self.holder.span_of_key(self.name),
        )

    def _check_keys(self, shape: ProviderShape, vendor: VendorType) -> None:
        if vendor is VendorType.LAAFFIC:
            if shape.app_id is None and "app_id" not in self.wrong:
                self.report("E201", "a provider of type laaffic needs its app_id", "", "add app_id: …")
            if shape.algorithm is not None:
                self.report(
                    "E222", "a provider of type laaffic takes no algorithm", "algorithm", "delete this line"
                )
        elif shape.app_id is not None:
            self.report("E222", "a provider of type nxcloud takes no app_id", "app_id", "delete this line")

    def _endpoint(self, shape: ProviderShape, vendor: VendorType, allowed: frozenset[str]) -> Endpoint | None:
        try:
            return check_endpoint(shape.endpoint or DEFAULT_ENDPOINTS[vendor], vendor, allowed)
        except EndpointRefused as error:
            secret = "@" in (shape.endpoint or "")
            self.sound = False
            self.findings.report(
                "E225", error.summary, self.node.span_of_value("endpoint"), label=error.label,
                advice=error.advice, address=self.address, secret=secret,
            )  # fmt: skip
            return None

    def _settle_window(
        self, shape: ProviderShape, vendor: VendorType, endpoint: Endpoint | None
    ) -> int | None:
        """The declared window; 0 at the sandbox where none is; None for the vendor's own."""
        sandbox = endpoint is not None and endpoint.url == SANDBOX
        if shape.settle_window is None:
            return 0 if sandbox else None
        try:
            seconds = scalars.duration(shape.settle_window)
        except ValueError as error:
            self.report("E212", "settle_window must be a duration", "settle_window", str(error))
            return None
        capabilities = ProviderConfig(self.name, vendor, "").capabilities
        usual = max(capabilities.settle_seconds[mode] for mode in capabilities.modes)
        if seconds < usual and endpoint is not None and not endpoint.loopback:
            self.report(
                "W402",
                "settle_window is below the default",
                "settle_window",
                f"the default is {scalars.shown_duration(usual)}",
                "a request that arrives later than this can make a second binding",
            )
        return seconds

    def _credentials(self, value: Any, vendor: VendorType) -> dict[str, CredentialReference]:
        known = CREDENTIALS[vendor]
        if value is None:
            if "credentials" in self.node:
                self.report("E210", "credentials has no value", "credentials", "delete the line")
            return {}
        if not isinstance(value, Mapping):
            self._literal(self.node, "credentials", known)
            return {}
        found = {}
        for key, reference in value.items():
            if key not in known:
                self.sound = False
                complaints.report_unknown_key(
                    value, key, known, self.findings, address=self.address
                ) if isinstance(reference, Mapping) else self._literal(value, key, known)
            elif not isinstance(reference, Mapping) or list(reference) != ["env"]:
                self._literal(value, key, known)
            elif not isinstance(reference["env"], str) or not self._may_read(reference["env"], vendor):
                self._foreign(reference, vendor)
            else:
                found[key] = CredentialReference(reference["env"])
        return found

    def _may_read(self, env: str, vendor: VendorType) -> bool:
        return bool(_ENV_NAME.fullmatch(env)) and any(map(env.startswith, self._prefixes(vendor)))

    def _prefixes(self, vendor: VendorType) -> list[str]:
        own = re.sub(r"[^A-Z0-9]", "_", self.name.upper())
        reserved = own.partition("_")[0] in _RESERVED
        return [CREDENTIAL_PREFIX, f"{vendor.upper()}_", *([] if reserved else [f"{own}_"])]

    def _literal(self, node: Mapping, key: str, known: tuple[str, ...]) -> None:
        self.sound = False
        self.findings.report(
            "E226",
            "a credential must name an environment variable",
            node.span_of_value(key),
            label=f"write {known[0]}: {{env: {CREDENTIAL_PREFIX}…}}",
            advice="if this was a real credential, revoke it: it stays in the history of the repository",
            address=self.address,
            secret=True,
        )

    def _foreign(self, reference: Mapping, vendor: VendorType) -> None:
        self.sound = False
        self.findings.report(
            "E227",
            "this environment variable is not for this provider",
            reference.span_of_value("env"),
            label=f"its name must begin with {listed(self._prefixes(vendor))}",
            advice="a file names the variables of its own provider only, so that it cannot read another secret",
            address=self.address,
            secret=True,
        )
