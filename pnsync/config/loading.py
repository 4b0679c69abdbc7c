"""Root and includes -> `Desired`: the order in which the files are read and checked.

Promises: one run reports everything; what an error makes unknown is not told again as a second error. Must not
touch the network, the state or a credential.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pnsync import yamlfile
from pnsync.collector import collector_off
from pnsync.config import bindings as binding_rules
from pnsync.config import complaints, endpoints, settings
from pnsync.config.bindings import BindingReader, Defaults
from pnsync.config.complaints import kind_of
from pnsync.config.crosscheck import check_together
from pnsync.config.entries import File, Places
from pnsync.config.findings import Findings
from pnsync.config.groups import GroupReader, Use
from pnsync.config.moved import read_moved
from pnsync.config.numbers import UNPROVEN, Reading, read_book
from pnsync.config.providers import read_providers
from pnsync.config.sources import FolderSource, Source, SourceRefused
from pnsync.config.tables import SUFFIX, Tables
from pnsync.errors import ConfigError, SourceSpan
from pnsync.model import Desired, ProviderConfig, StateConfig
from pnsync.yamlfile import Limits

INCLUDED_KEYS: Final = ("bindings", "groups", "moved", "defaults")
ROOT_KEYS: Final = (
    *INCLUDED_KEYS,
    "version",
    "lineage",
    "include",
    "state",
    "schedule",
    "providers",
    "policy",
    "numbers",
    "tables",
)
ROOT: Final = "pnsync.yaml"


def load(
    folder: Path,
    root: str = ROOT,
    *,
    environ: Mapping[str, str],
    reading: Reading = Reading.NUMBERS,
) -> Desired:
    """What the files of a folder declare; raises ConfigError with every diagnostic of the run.

    `environ` is asked for PNSYNC_ALLOWED_HOSTS, CI and PNSYNC_LOCAL_STATE. Warnings travel in the answer. What was read
    with less than every number is for judging files only: no call may be made from it.
    """
    return load_source(FolderSource(folder), root, environ=environ, reading=reading)


def load_source(
    source: Source,
    root: str = ROOT,
    *,
    environ: Mapping[str, str],
    reading: Reading = Reading.NUMBERS,
) -> Desired:
    """As `load`, from any source."""
    with collector_off():
        return _Loading(source, root, environ, reading).run()


class _Loading:
    """One run."""

    def __init__(
        self,
        source: Source,
        root: str,
        environ: Mapping[str, str],
        reading: Reading,
    ) -> None:
        self.source, self.root_name, self.environ = source, root, environ
        self.reading = reading
        self.allowed = endpoints.allowed_hosts(environ.get(endpoints.ALLOWED_HOSTS, ""))
        self.findings = Findings()
        self.limits = Limits()
        self.files: list[File] = []
        self.names: list[str] = []
        self.tables: Tables | None = None
        """Known once the root is read: before, no file is a table."""

    def run(self) -> Desired:
        """Reads and checks everything."""
        root = self._read_file(self.root_name, None)
        if root is None:
            raise ConfigError(self.findings.sorted(self.names))
        self._check_keys(root, ROOT_KEYS)
        self.tables = Tables(root.node, self.findings)
        self._read_included(root)
        if not self.findings.incomplete:
            self.tables.finish()
        desired = self._assemble(root)
        if self.findings.failed:
            raise ConfigError(self.findings.sorted(self.names))
        return desired

    def _assemble(self, root: File) -> Desired:
        findings = self.findings
        settings.check_version(root.node, findings)
        schedule = settings.read_schedule(root.node, findings)
        state = settings.read_state(root.node, findings)
        providers = read_providers(root, Places("providers"), self.allowed, findings)
        defaults = self._defaults(root)
        places, group_places = Places("bindings"), Places("groups")
        book = read_book(root.node, self.source, self.environ, self.limits, findings, self.reading)
        reader = BindingReader(providers, schedule, places, findings, book)
        for file in self.files:
            reader.read(file, defaults[file.name])
        bindings = reader.bindings
        use = Use(
            {one.x_group for one in bindings.values() if one.x_group},
            {one.group for one in bindings.values() if one.group},
        )
        group_reader = GroupReader(providers, use, group_places, findings, book)
        for file in self.files:
            group_reader.read(file, defaults[file.name])
        if book is not None and not findings.incomplete:
            book.report_unused(findings)
        check_together(
            bindings,
            group_reader.groups,
            providers,
            places=places,
            group_places=group_places,
            findings=findings,
        )
        if book is not None and book.closed:
            findings.withdraw(UNPROVEN)
        self._check_local_state(state, providers, root)
        return Desired(
            root=self.root_name,
            lineage=settings.read_lineage(root.node, findings),
            providers={name: one for name, one in providers.items() if one is not None},
            bindings=bindings,
            groups=group_reader.groups,
            moved=read_moved(self.files, (places, group_places), findings),
            policy=settings.read_policy(root.node, findings),
            schedule=schedule,
            state=state,
            diagnostics=findings.sorted(self.names),
            files=tuple(self.names),
        )

    def _defaults(self, root: File) -> dict[str, Defaults]:
        """The defaults that hold in each file."""
        of_root = binding_rules.read_defaults(root, Defaults(), self.findings)
        return {
            file.name: of_root if file is root else binding_rules.read_defaults(file, of_root, self.findings)
            for file in self.files
        }

    def _read_file(self, name: str, span: SourceSpan | None) -> File | None:
        """One file, reported where it cannot be read; `span` is where it is named."""
        try:
            data = self.source.read(name, self.limits.bytes_left)
        except SourceRefused as error:
            self.findings.incomplete = True
            advice = (
                "" if span else "start with pnsync init, or name the folder with -C and the root file with -c"
            )
            self.findings.report(
                error.code, f"{error.summary}: {name}", span, label=error.label, advice=advice
            )
            return None
        self.names.append(name)
        if self.tables is not None and name.endswith(SUFFIX):
            table = self.tables.read(data, name, self.limits)
            if table is not None:
                self.files.append(table)
            return None
        node, found = yamlfile.load(data, name, self.limits)
        self.findings.extend(found)
        if node is None:
            self.findings.incomplete = True
            return None
        file = File(name, node)
        self.files.append(file)
        return file

    def _read_included(self, root: File) -> None:
        """The files that the root includes, each once, in the order of the patterns."""
        patterns = root.node.get("include")
        if "include" not in root.node:
            return
        if not isinstance(patterns, yamlfile.Sequence):
            self.findings.incomplete = True
            self.findings.report(
                "E235",
                f"include must be a list of patterns, got {kind_of(patterns)}",
                root.node.span_of_key("include"),
                label='like ["bindings/*.yaml"]',
            )
            return
        seen = {self.root_name}
        for i, pattern in enumerate(patterns):
            span = patterns.span_of_item(i)
            for name in self._matching(pattern, span):
                if name not in seen and not self.limits.exceeded:
                    seen.add(name)
                    file = self._read_file(name, span)
                    if file is not None:
                        self._check_keys(file, INCLUDED_KEYS)

    def _matching(self, pattern: object, span: SourceSpan) -> list[str]:
        if not isinstance(pattern, str):
            self.findings.incomplete = True
            self.findings.report("E235", f"a pattern must be a text, got {kind_of(pattern)}", span)
            return []
        try:
            found = self.source.glob(pattern)
        except SourceRefused as error:
            self.findings.incomplete = True
            self.findings.report(error.code, error.summary, span, label=error.label)
            return []
        if not found:
            self.findings.incomplete = True
            self.findings.report(
                "E236",
                "this pattern matches no file",
                span,
                label="relative to the folder of the root file",
                advice="mend it, or delete it: a file that is missed would read as bindings to unbind",
            )
        return found

    def _check_keys(self, file: File, known: tuple[str, ...]) -> None:
        """Reports the keys of a file's top that do not belong there."""
        for key in file.node:
            if key in known:
                continue
            if key in ROOT_KEYS:
                self.findings.report(
                    "E234",
                    f"{key} stands in the root file only",
                    file.node.span_of_key(key),
                    label=f"move it to {self.root_name}",
                    advice=f"an included file holds {', '.join(INCLUDED_KEYS)}",
                )
            else:
                complaints.report_unknown_key(file.node, key, known, self.findings)

    def _check_local_state(
        self, state: StateConfig, providers: Mapping[str, ProviderConfig | None], root: File
    ) -> None:
        """Warns of a state in a folder that a CI runner throws away."""
        if not self.environ.get("CI") or self.environ.get("PNSYNC_LOCAL_STATE") == "persistent":
            return
        if state.backend == "local" and any(
            one is not None and not one.sandbox for one in providers.values()
        ):
            self.findings.report(
                "W403",
                "the state is kept in a local file, and this is CI",
                state.span or root.node.span,
                label="most runners are thrown away, and the state with them",
                advice="use another backend, or set PNSYNC_LOCAL_STATE=persistent where the folder stays",
            )
