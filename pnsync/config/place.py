"""A place for a state that is named on the command line, in the words of the root file's `state:`.

Promises the same checks as for the file. Must not open a backend.
"""

from pnsync import yamlfile
from pnsync.config.findings import Findings
from pnsync.config.settings import read_state
from pnsync.errors import ConfigError
from pnsync.model import StateConfig
from pnsync.yamlfile import Limits


def read_place(text: str, name: str) -> StateConfig:
    """The place that a text such as `{backend: object, url: s3://bucket/prefix}` names.

    `name` stands for the file in diagnostics. Raises ConfigError.
    """
    findings = Findings()
    node, found = yamlfile.load(f"state: {text.strip()}\n".encode(), name, Limits())
    findings.extend(found)
    config = StateConfig() if node is None else read_state(node, findings)
    if findings.failed or node is None:
        raise ConfigError(findings.sorted([name]))
    return config
