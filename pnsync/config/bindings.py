"""Bindings as written -> `Binding`: defaults applied, and the rules that one binding can break by itself.

Promises: every rule is judged for every binding, whatever else is wrong with it; a wrong key is not told again
as a missing one. What two bindings can break together stands in `crosscheck.py`. Speed: this runs once for
each of 100,000 bindings, so places are looked up only for what is wrong.
"""

from collections.abc import Mapping as MappingLike
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, Final, cast

from pnsync.config import complaints, lifetimes, schema
from pnsync.config.complaints import looks_secret
from pnsync.config.entries import INVISIBLE, File, Places, mapping_at, read_section
from pnsync.config.findings import Findings, listed, quoted
from pnsync.config.lifetimes import Resolved, Words
from pnsync.config.numbers import NOTHING, Book
from pnsync.config.numbers import Resolved as Names
from pnsync.config.scalars import phone_digits
from pnsync.config.schema import BindingShape, DefaultsShape
from pnsync.errors import SourceSpan
from pnsync.model import CAPABILITIES, Binding, Lifetime, Mode, ProviderConfig, Schedule, VendorType
from pnsync.phone import Phone, country_code
from pnsync.yamlfile import Mapping

_LIFETIME_KEYS = frozenset(["expires_in", "expires_at", "renew_before", "keep"])
_NO_LIFETIME = Lifetime(None)
"""Stands in a binding whose own is wrong, and which therefore never leaves this package."""

_OWN_IDS = "pns-"

# A Binding under construction: the same slots, not frozen. A frozen dataclass sets each field through
# object.__setattr__, which takes three times as long; an instance becomes a binding by its class.
_Draft: Any = make_dataclass(
    "_Draft", [(one.name, Any) for one in fields(Binding)], slots=True, eq=False, repr=False
)

_COMMON = frozenset(
    [
        "provider",
        "mode",
        "phone_a",
        "recording",
        "protect",
        "enabled",
        "keep",
        "expires_in",
        "expires_at",
        "renew_before",
        "labels",
    ]
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Which keys a mode takes at a vendor, and which it needs."""

    needed: frozenset[str]
    taken: frozenset[str]


def _rules(needed: str, optional: str = "") -> Rules:
    keys = frozenset(needed.split()) | {"phone_a"}
    return Rules(keys, keys | _COMMON | frozenset(optional.split()))


RULES: Final[MappingLike[tuple[VendorType, Mode], Rules]] = {
    (VendorType.NXCLOUD, Mode.AXB): _rules("phone_b", "customer_bind_id"),
    (VendorType.NXCLOUD, Mode.AXB_EXTENSION): _rules("phone_x extension", "phone_b customer_bind_id"),
    (VendorType.NXCLOUD, Mode.AXG): _rules("group", "phone_x phone_b customer_bind_id"),
    (VendorType.LAAFFIC, Mode.AXB): _rules("phone_b pool_number"),
    (VendorType.LAAFFIC, Mode.AXXB): _rules("phone_b pool_number"),
}
"""The modes of each vendor (docs/vendors.md, 3) with their keys."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a provider makes of a mode: its vendor, the mode where it has it, and the mode's rules there."""

    vendor: VendorType | None
    mode: Mode | None
    rules: Rules | None


_WHY_NOT: Final[MappingLike[str, str]] = {
    "phone_x": "the vendor picks X in this mode; axb_extension and axg take one",
    "extension": "only axb_extension has extensions",
    "group": "only axg has a group",
    "pool_number": "only LAAFFIC has number pools",
    "customer_bind_id": "LAAFFIC keeps no id of yours",
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """A file's defaults over the root's: the merged words, and for each key the mapping it stands in."""

    shape: DefaultsShape = field(default_factory=DefaultsShape)
    origin: MappingLike[str, Mapping] = field(default_factory=dict)


def read_defaults(file: File, root: Defaults, findings: Findings) -> Defaults:
    """The defaults that hold in a file."""
    node = mapping_at(file.node, "defaults", findings)
    if node is None:
        return root
    checked = schema.check(DefaultsShape, [node])
    complaints.report_faults(checked, DefaultsShape, [node], [None], findings)
    shape, wrong = checked.shapes[0], checked.wrong_keys(0)
    if shape.labels:
        _check_labels(node, findings, None)
    own = {key: node for key in schema.KEYS[DefaultsShape] if key in node and key not in wrong}
    merged = {
        key: getattr(shape if key in own else root.shape, key)
        for key in schema.KEYS[DefaultsShape]
        if key != "labels"
    }
    merged["labels"] = {**(root.shape.labels or {}), **(shape.labels or {})} or None
    said = {key: value for key, value in merged.items() if value is not None}
    return Defaults(DefaultsShape(**said), {**root.origin, **own})


class BindingReader:
    """Reads the bindings of one file after the other."""

    def __init__(
        self,
        providers: MappingLike[str, ProviderConfig | None],
        schedule: Schedule | None,
        places: Places,
        findings: Findings,
        book: Book | None = None,
    ) -> None:
        self.bindings: dict[str, Binding] = {}
        self._book = book
        self._providers, self._schedule = providers, schedule
        self._places, self._findings = places, findings
        self._lifetimes: dict[tuple[object, ...], Resolved] = {}
        self._kinds: dict[tuple[str | None, str | None], _Kind] = {}
        self._defaults = Defaults()
        # the binding that is being read
        self._names = NOTHING
        self._name: str | None = None
        self._node = Mapping()
        self._place: tuple[Mapping, str] = (self._node, "")

    def read(self, file: File, defaults: Defaults) -> None:
        """Reads the bindings of a file."""
        section = read_section(file, self._places, self._findings)
        if section is None:
            return
        self._defaults = defaults
        self._lifetimes.clear()
        named = [self._resolve(node) for node in section.nodes] if self._book is not None else None
        checked = schema.check(BindingShape, section.nodes)
        if named is not None:
            checked.faults = [one for one in checked.faults if one.path[:1] not in _told(named[one.entry])]
        if checked.faults:
            addresses = [self._places.address(name) for name in section.names]
            complaints.report_faults(checked, BindingShape, section.nodes, addresses, self._findings)
        holder = section.holder
        rows = zip(section.keys, section.names, section.nodes, checked.shapes, strict=True)
        for i, (key, name, node, shape) in enumerate(rows):
            self._name, self._node, self._place = name, node, (holder, key)
            self._names = NOTHING if named is None else named[i]
            binding = self._build(shape, checked.wrong_keys(i))
            if binding is not None and name is not None:
                self.bindings[name] = binding

    def _resolve(self, node: Mapping) -> Names:
        assert self._book is not None
        places: dict[str | int, str] = {key: key for key in ("phone_a", "phone_b") if key in node}
        return self._book.resolve(node, places, self._findings)

    def _report(self, code: str, summary: str, key: str, label: str = "", advice: str = "") -> None:
        """Notes a finding at a key of the binding, of its defaults, or at the binding's name, whichever there is."""
        self._findings.report(
            code,
            summary,
            self._span(key),
            label=label,
            advice=advice,
            address=self._places.address(self._name),
        )

    def _span(self, key: str) -> SourceSpan:
        if key in self._node:
            return self._node.span_of_value(key)
        if key in self._defaults.origin:
            return self._defaults.origin[key].span_of_value(key)
        return self._place[0].span_of_key(self._place[1])

    def _build(self, shape: BindingShape, wrong: frozenset[str]) -> Binding | None:
        """The binding, also where some of it is wrong, so that it is compared with the others; None where too much is."""
        defaults = self._defaults.shape
        phones = self._phones(shape)
        wanted = shape.provider or (None if "provider" in wrong else defaults.provider)
        mode_text = shape.mode or (None if "mode" in wrong else defaults.mode)
        kind = self._kinds.get((wanted, mode_text)) or self._kind(wanted, mode_text, wrong)
        labels = self._labels(shape.labels)
        lifetime = _NO_LIFETIME
        laaffic = False
        if kind.vendor is not None:
            laaffic = kind.vendor is VendorType.LAAFFIC
            if kind.rules is not None:
                self._check_keys(kind, kind.rules, shape, wrong)
            if not wrong or wrong.isdisjoint(_LIFETIME_KEYS):
                lifetime = self._lifetime(shape, kind.vendor)
        if self._name is None or wanted is None or kind.mode is None or phones is None:
            return None
        phone_a, phone_b, phone_x = phones
        recording = defaults.recording if shape.recording is None else shape.recording
        protect = defaults.protect if shape.protect is None else shape.protect
        extension = shape.extension
        draft = _Draft(
            self._name,
            wanted,
            kind.mode,
            Phone(phone_a),
            Phone(phone_b) if phone_b else None,
            lifetime,
            phone_x,
            shape.phone_x["group"] if isinstance(shape.phone_x, dict) else None,
            None if extension == "auto" else extension,
            extension == "auto",
            shape.group,
            (shape.pool_number or defaults.pool_number) if laaffic else None,
            shape.customer_bind_id,
            bool(recording) and not laaffic,
            bool(protect),
            shape.enabled is not False,
            labels,
            self._place[0].span_of_key(self._place[1]),
            self._names.names.get("phone_a"),
            self._names.names.get("phone_b"),
        )
        draft.__class__ = Binding
        return cast(Binding, draft)

    def _phones(self, shape: BindingShape) -> tuple[str, str | None, str | None] | None:
        """A, B and a fixed X as digits; None where one of them is wrong or A is missing."""
        a = phone_digits(shape.phone_a) if shape.phone_a else None
        b = phone_digits(shape.phone_b) if shape.phone_b else None
        x = phone_digits(shape.phone_x) if isinstance(shape.phone_x, str) else None
        code = country_code(a) if a else ""
        if code and a != b and all(not one or country_code(one) == code for one in (b, x)):
            assert a is not None
            return a, b, x
        self._report_phones(a, b, x)
        return None

    def _report_phones(self, a: str | None, b: str | None, x: str | None) -> None:
        """Tells what is wrong with phones; a phone that is missing or has not its form was told elsewhere."""
        code = first = None
        for key, digits in (("phone_a", a), ("phone_b", b), ("phone_x", x)):
            if digits is None:
                continue
            here = country_code(digits)
            if not here:
                self._report(
                    "E206",
                    f"{key} begins with no country code",
                    key,
                    "write the number as from abroad, without 00 or a leading 0",
                )
            elif code is None:
                code, first = here, key
            elif here != code:
                self._report(
                    "E207",
                    "the phones of a binding must share one country code",
                    key,
                    f"country code {here}; {first} has {code}",
                    "the vendor connects numbers of one country only",
                )
        if a is not None and a == b:
            self._report(
                "E208", "phone_a and phone_b are the same number", "phone_b", "a binding connects two numbers"
            )

    def _kind(self, provider_name: str | None, mode_text: str | None, wrong: frozenset[str]) -> _Kind:
        """What a provider makes of a mode; remembered where nothing is wrong with it."""
        provider = self._provider(provider_name, wrong)
        mode = self._mode(mode_text, provider, wrong)
        if provider is None:
            return _Kind(None, mode, None)
        kind = _Kind(provider.type, mode, None if mode is None else RULES[provider.type, mode])
        if mode is not None:
            self._kinds[provider_name, mode_text] = kind
        return kind

    def _provider(self, name: str | None, wrong: frozenset[str]) -> ProviderConfig | None:
        if name is None:
            if "provider" not in wrong:
                self._report(
                    "E201", "the binding has no provider", "", "add provider: NAME, here or under defaults"
                )
            return None
        if name not in self._providers and (self._providers or not self._findings.incomplete):
            self._report(
                "E304", f"there is no provider {quoted(name)}", "provider", self._findings.nearest(name, self._providers),
                f"declared are: {', '.join(sorted(self._providers)) or 'none'}",
            )  # fmt: skip
        return self._providers.get(name)

    def _mode(self, text: str | None, provider: ProviderConfig | None, wrong: frozenset[str]) -> Mode | None:
        if text is None:
            if "mode" not in wrong:
                self._report(
                    "E201", "the binding has no mode", "", f"add mode: {listed(str(one) for one in Mode)}"
                )
            return None
        mode = _MODES[text]
        if provider is not None and mode not in CAPABILITIES[provider.type].modes:
            offered = listed(sorted(CAPABILITIES[provider.type].modes))
            self._report(
                "E221",
                f"{provider.type} has no mode {mode}",
                "mode",
                f"provider {provider.name} offers {offered}",
            )
            return None
        return mode

    def _check_keys(self, kind: _Kind, rules: Rules, shape: BindingShape, wrong: frozenset[str]) -> None:
        """Tells the keys that the mode needs and the binding has not, and those that the mode does not take."""
        vendor, mode = kind.vendor, kind.mode
        given = self._node.keys()
        if not given <= rules.taken:
            for key in given - rules.taken - wrong:
                why = (
                    "axb and axxb take a pool_number instead"
                    if vendor is VendorType.LAAFFIC and key == "phone_x"
                    else _WHY_NOT.get(key, "")
                )
                self._report("E222", f"{mode} at {vendor} takes no {key}", key, why or "delete this line")
        if not given >= rules.needed:
            for key in rules.needed - given:
                if key == "pool_number" and self._defaults.shape.pool_number:
                    continue
                self._report("E223", f"{mode} at {vendor} needs {key}", "", f"{key} is missing")
        if shape.customer_bind_id and shape.customer_bind_id.startswith(_OWN_IDS):
            self._report(
                "E245",
                "customer_bind_id must not begin like the ids that pnsync makes",
                "customer_bind_id",
                f"{_OWN_IDS}… is how pnsync knows its own bindings again",
            )
        if vendor is VendorType.LAAFFIC:
            if shape.recording:
                self._report("E222", "laaffic has no switch for recording", "recording", "delete this line")
            if shape.phone_b and len(phone_digits(shape.phone_b)) < 4:
                self._report("E202", "phone_b must have 4 to 20 digits at laaffic", "phone_b", "too short")

    def _lifetime(self, shape: BindingShape, vendor: VendorType) -> Lifetime:
        key = (
            shape.expires_in,
            shape.expires_at,
            shape.renew_before,
            shape.keep,
            vendor is VendorType.LAAFFIC,
        )
        found = self._lifetimes.get(key)
        if found is None:
            defaults = self._defaults.shape
            keep = shape.keep if shape.keep is not None else defaults.keep is not False
            words = Words(
                shape.expires_in,
                shape.expires_at,
                shape.renew_before,
                keep,
                defaults.expires_in,
                defaults.renew_before,
            )
            found = self._lifetimes[key] = lifetimes.resolve(words, vendor, self._schedule)
        for one in found.problems:
            self._report(one.code, one.summary, one.key, one.label, one.advice)
        return found.lifetime or _NO_LIFETIME

    def _labels(self, own: MappingLike[str, str] | None) -> tuple[tuple[str, str], ...]:
        """The labels in order, those of the defaults among them."""
        inherited = self._defaults.shape.labels
        if own is None:
            return tuple(sorted(inherited.items())) if inherited else ()
        _check_labels(self._node, self._findings, self._places.address(self._name))
        return tuple(sorted({**(inherited or {}), **own}.items()))


def _told(found: Names) -> tuple[tuple[str | int], ...]:
    """The places whose names were told as missing, so that they are not told again as no numbers."""
    return tuple((key,) for key in found.missing)


_MODES: Final = {str(one): one for one in Mode}


def _check_labels(node: Mapping, findings: Findings, address: str | None) -> None:
    """Tells the labels that hold what is invisible or look like a key."""
    labels = node["labels"]
    assert isinstance(labels, Mapping)
    for key, value in labels.items():
        text = str(value)
        if INVISIBLE.search(text):
            findings.report(
                "E229", "a label holds a control or bidirectional character", labels.span_of_value(key),
                label="only remarks may", address=address,
            )  # fmt: skip
        elif looks_secret(text):
            findings.report(
                "E228", "a label looks like a credential", labels.span_of_value(key), address=address, secret=True,
                label="credentials never stand in a file", advice="delete it; revoke the credential if it was real",
            )  # fmt: skip
