"""What can be wrong with a file as YAML: E100 to E125, each with its words and its page for `pnsync explain`.

Fixed texts only: nothing of what a file holds enters them.
"""

from dataclasses import dataclass

MAX_FINDINGS = 100
"""Findings in one file after which its reading stops, so that a hostile file cannot drown the others."""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: its fixed summary, what stands under the carets, what to do, and why it is one."""

    summary: str
    label: str
    advice: str
    page: str


_DEFAULTS = (
    "write the value where it is needed, or once under `defaults:`, which every binding of the file inherits"
)

CODES = {
    "E100": Code(
        "the file is not UTF-8 text",
        "",
        "save the file as UTF-8",
        "pnsync reads YAML in UTF-8 only, with or without a byte order mark. A file in UTF-16, or in an older encoding "
        "such as Latin-1, could be read as other characters than its author saw. In an editor: Save with encoding, "
        "UTF-8. On a command line: `iconv -f UTF-16 -t UTF-8 old.yaml > new.yaml`.",
    ),
    "E101": Code(
        "the file holds a control character",
        "",
        'delete it; inside a remark it can be written as an escape in double quotes: "\\u0007"',
        "YAML allows no control characters (but tab and line ends), and they hide content from reviewers. They come "
        'from terminals and damaged copies. A remark that needs one writes it as an escape: `remark: "a\\u0007b"`.',
    ),
    "E102": Code(
        "a tab stands where only spaces may",
        "indent with spaces",
        "let the editor turn tabs into spaces: two for each level",
        "YAML takes spaces only for indentation, as a tab has no width of its own: the same lines would nest "
        "differently for different readers. Replace each tab by two spaces.",
    ),
    "E103": Code(
        "the file is not valid YAML",
        "not understood from here",
        "look at this line and the one before: a missing colon, quote or bracket is likely",
        "The file breaks the grammar of YAML at the place shown, and nothing after it could be read. What looks odd to "
        "YAML is easily put right by quotes: `remark: 'see [1], {2}: ok'`.",
    ),
    "E104": Code(
        "the file holds several YAML documents",
        "a second document begins here",
        "keep one document in a file; put the other into a file of its own that `include` finds",
        "A line `---` begins a new document. pnsync reads one document from a file, so that nothing in a file is "
        "overlooked: one `---` at its top is fine, a second is not. Move what follows it to another file under "
        "`bindings/`.",
    ),
    "E105": Code(
        "YAML anchors are refused",
        "remove the anchor",
        _DEFAULTS + '; text that begins with & stands in quotes: "&x"',
        "An anchor (`&name`) lets other places repeat a value unseen: a reviewer of one line does not see what it "
        "changes, and a few lines can grow into millions. Values shared by bindings stand once under `defaults:` "
        "instead: `defaults: {provider: nx, expires_in: 1d}`.",
    ),
    "E106": Code(
        "YAML aliases are refused",
        "write the value itself",
        _DEFAULTS + '; text that begins with * stands in quotes: "*.yaml"',
        "An alias (`*name`) repeats a value from elsewhere: a reviewer does not see what it stands for, and nested "
        "ones grow without bound. Values shared by bindings stand once under `defaults:`. A glob that begins with a "
        'star is text and needs quotes: `include: ["*.yaml"]`.',
    ),
    "E107": Code(
        "YAML merge keys are refused",
        "remove the merge",
        _DEFAULTS,
        "A merge key (`<<:`) copies the keys of another mapping; which value wins is not seen at the place where it "
        "counts. Values shared by bindings stand once under `defaults:`, and a binding's own key replaces them.",
    ),
    "E108": Code(
        "YAML tags are refused",
        "remove the tag",
        "every value is read as it is written, so no tag is needed, and `defaults` serves for what repeats; text "
        'that begins with ! stands in quotes: "!x"',
        "A tag (`!name`, `!!str`, a %TAG line) asks for another reading of a value. pnsync knows the type of each of "
        "its keys and reads scalars as written: `extension: 007` needs neither `!!str` nor quotes. A %YAML line of a "
        "version other than 1.x is refused as well.",
    ),
    "E109": Code(
        "a key stands twice in one mapping",
        "",
        "keep one of the two, or give the second another name",
        "YAML readers differ in which of two equal keys counts, so that a second one could replace a binding unseen. "
        "Both places are named; delete or rename one.",
    ),
    "E110": Code(
        "a key is a list or a mapping",
        "quote it, if it is text",
        'text that begins with { or [ stands in quotes: "{{ name }}"',
        "Keys are plain words. A list or mapping as a key comes nearly always from text that begins with a brace or "
        "bracket, such as a template's `{{ name }}`: pnsync fills in no templates, and text like that needs quotes.",
    ),
    "E111": Code(
        "the file nests too deep",
        "one level too many",
        "at most 32 mappings and lists may stand inside each other",
        "At most 32 levels of mappings and lists may stand inside each other; pnsync itself needs five. Check the "
        "indentation and the brackets from here upwards.",
    ),
    "E112": Code(
        "the files are larger than 64 MiB in all",
        "",
        "check what the `include` globs match",
        "All files together may have 64 MiB, about 350,000 bindings. More than that comes from a glob that matches "
        "other data, such as `include: ['**/*.yaml']`; accounts larger than that are split into several roots with a "
        "state each.",
    ),
    "E113": Code(
        "there are more than 10,000 files",
        "",
        "check what the `include` globs match, or put more bindings into one file",
        "The `include` globs may match 10,000 files in all. One file can hold thousands of bindings.",
    ),
    "E114": Code(
        "the files hold too many values",
        "",
        "check what the `include` globs match",
        "All files together may hold 10 million values, 2 million of them lists or mappings, so that a small file "
        "cannot fill the memory. 350,000 bindings stay far below that.",
    ),
    "E115": Code(
        "the file is not a mapping",
        "expected a key, such as `bindings:`",
        "begin the file with `bindings:` and indent what follows",
        "A file holds keys and values at its top: `bindings:`, `groups:`, `defaults:`. A list or a single text there "
        "belongs to something else, or its first line is missing.",
    ),
    "E116": Code(
        "the file holds the marks of a merge conflict",
        "resolve the conflict",
        "keep one of the two sides, and delete the lines <<<<<<<, ======= and >>>>>>>",
        "Git could not merge two changes and left both in the file. Decide which one is right (or both), delete the "
        "three lines of marks, then `git add` the file.",
    ),
    "E117": Code(
        "a bracket or a quote is not closed",
        "opened here and never closed",
        "close it, or, if it is text, put all of it in quotes",
        "What begins with [, {, ' or \" goes on to its counterpart, over lines if need be. Close it where it should end. "
        "Within single quotes a quote is written twice: 'it''s'.",
    ),
    "E118": Code(
        "this does not fit where it stands",
        "check the indentation",
        "keys of one mapping begin in the same column; nothing may follow a quoted value",
        "The keys of one mapping, and the dashes of one list, begin in the same column. A line between two columns "
        "belongs to nothing. The same is reported where something follows a quoted value: `remark: 'a' b`.",
    ),
    "E119": Code(
        "a colon stands where none may",
        "quote the value, or check the indentation",
        "a text that holds a colon and a space stands in quotes: remark: 'note: call first'",
        "A colon followed by a space makes a key. In the middle of an unquoted value, or on a line that is indented "
        "further than the value before it allows, it cannot be one. Quote the text: `remark: 'note: call first'`.",
    ),
    "E120": Code(
        "a key has no colon",
        "expected a colon after this",
        "write `key: value`, with a space after the colon",
        "Each line of a mapping is `key: value`. Here a line with neither colon nor dash stands between the keys.",
    ),
    "E121": Code(
        "a value begins with a reserved character",
        "put the value in quotes",
        "@, ` and % cannot begin a value without quotes",
        "YAML keeps @, ` and % (and a dash with a space) for itself at the beginning of a value. Quote the text: "
        "`remark: '@reception'`.",
    ),
    "E122": Code(
        "the file holds a hidden line end",
        "",
        'replace it by a line feed or a space; inside a remark write it as an escape in double quotes: "\\u2028"',
        "U+0085, U+2028, U+2029 and a carriage return alone end a line for some readers of YAML and not for others: "
        "what a reviewer sees as a comment could be a key to the program. Ordinary line ends (LF, CRLF) are fine.",
    ),
    "E123": Code(
        "a backslash in double quotes begins no escape that YAML knows",
        "use single quotes",
        "within single quotes a backslash is just a backslash: 'a\\b'",
        'Double quotes know escapes such as \\n, \\", \\\\ and \\u00e9. For any other backslash use single quotes, or '
        "write it twice.",
    ),
    "E124": Code(
        f"{MAX_FINDINGS} findings in this file: the rest of it was not read",
        "reading stopped here",
        "correct those above and run again",
        "So that one broken file does not hide what is wrong in the others, its reading stops after 100 findings.",
    ),
    "E125": Code(
        "a key is empty",
        "write a name before the colon",
        "",
        "A colon with nothing before it makes an empty key, which names nothing.",
    ),
}

YAML_CODES: dict[str, str] = {
    code: f"{one.summary[0].upper()}{one.summary[1:]}. {one.page}" for code, one in CODES.items()
}
"""The pages of `pnsync explain` for what is wrong with a file as YAML, by code."""
