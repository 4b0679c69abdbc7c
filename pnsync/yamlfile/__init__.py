"""YAML text -> values that know their file, line and column; the only home of ruamel.yaml.

Promises: a scalar is text as it was written (`007`, `+852 1111 1114`, `12:30:45` lose nothing); only a plain
null or boolean of the YAML core schema becomes `None` or a `bool`; everything else is the schema's to convert.
Whatever the bytes, the answer is a value or diagnostics with their places, never an exception. Limits and
refusals (anchors, aliases, merge keys, tags) are decided on parser events, before anything is built, so that a
bomb costs no more than its own bytes. Line and column come from the text as people see it: only a line feed ends
a line, and the characters that YAML 1.1 takes for one besides (U+0085, U+2028, U+2029, a lone CR) are refused.

Must not: resolve types further, read files, put a value into a message or a repr. What `fmt` and `import` write
(comments kept) is another question, answered in `editing`; rows of CSV files in the same shape come from `tables`.
"""

from pnsync.yamlfile.codes import YAML_CODES
from pnsync.yamlfile.reader import Limits, load
from pnsync.yamlfile.values import Document, Mapping, Node, Sequence, span_at

__all__ = ["YAML_CODES", "Document", "Limits", "Mapping", "Node", "Sequence", "load", "span_at"]
