"""What can be wrong with a state, its journal, its lock and its place: S901 to S979, each with its page for `pnsync explain`.

Fixed texts only: nothing of what a state holds enters them. `refusal` makes the StateError of a code.
"""

from dataclasses import dataclass
from typing import Final

from pnsync.errors import StateError

REBUILD: Final = "pnsync state rebuild"


@dataclass(frozen=True, slots=True)
class StateCode:
    """A kind of refusal: its fixed summary and its page."""

    summary: str
    page: str


_CODES: Final = {
    "S901": StateCode(
        "the state file is empty",
        "The file exists and holds nothing: a full disk, a copy that failed, or `> file` in a shell. An empty file is not "
        "a first run: the bindings that were made are still live and cost money. Bring back the last good copy, or run "
        "`pnsync state rebuild`, which derives the state from the vendor's listing.",
    ),
    "S902": StateCode(
        "the state file is truncated",
        "The file breaks off before its end. pnsync itself never leaves that, as it writes a new file and renames it; a "
        "copy, a download or an editor does. Bring back a whole copy, or run `pnsync state rebuild`.",
    ),
    "S903": StateCode(
        "the state file is not JSON",
        "The file cannot be parsed. Bring back the last good copy, or run `pnsync state rebuild`. Do not repair it by hand: "
        "its checksum would refuse it still.",
    ),
    "S904": StateCode(
        "the state file holds merge conflict markers",
        "Git has tried to merge two states by lines. Each side has recorded calls that the other does not know, so that "
        "no choice of lines is right. Take the side that ran last, whole (`git checkout --ours` or `--theirs`), or run "
        "`pnsync state rebuild`. To keep a state in Git use the `git` backend, which cannot conflict.",
    ),
    "S905": StateCode(
        "a key stands twice in the state file",
        "A merge or a hand edit has doubled a line. JSON readers would take the last one silently; pnsync refuses. Bring "
        "back the last good copy, or run `pnsync state rebuild`.",
    ),
    "S906": StateCode(
        "the state file's checksum is wrong",
        "The file is JSON, but not as pnsync wrote it. `pnsync state mv`, `state rm` and `import` change a state safely; "
        "`pnsync state pull` and `state push` take it out and put it back. Bring back the last good copy, or run "
        "`pnsync state rebuild`.",
    ),
    "S907": StateCode(
        "the state file is of a newer version",
        "A newer pnsync has written this state, and this one would lose what it does not know. Install the newer version "
        "everywhere this state is used.",
    ),
    "S908": StateCode(
        "the state file's line ends were rewritten",
        "Git's autocrlf, or an editor, has put other line ends or a byte order mark into the file. Its content may be whole, "
        "but it cannot be told. Take the file back unchanged, and let .gitattributes say `-text` for it.",
    ),
    "S909": StateCode(
        "the file is no state of pnsync",
        "The file is JSON of another program. `state: path:` in the root file may name the wrong file; a state begins anew "
        "only where no file is.",
    ),
    "S910": StateCode(
        "the state cannot be read",
        "The checksum is right and the content is not what this version writes. Another program, or a bug in pnsync, has "
        "written it: please report it. `pnsync state rebuild` derives the state from the vendor's listing.",
    ),
    "S911": StateCode(
        "the journal is damaged",
        "A record of the journal fails its checksum while later ones are whole. A crash damages the last record only, and "
        "that is dropped by itself; this is a bad disk, an editor or a copy that mixed two files. Bring back state file and "
        "journal together, or run `pnsync state rebuild`.",
    ),
    "S912": StateCode(
        "the journal's chain is broken",
        "Each record carries a hash over all before it. Here a record is missing, stands twice, or belongs to another "
        "history. Bring back state file and journal together, or run `pnsync state rebuild`.",
    ),
    "S913": StateCode(
        "the state went backwards",
        "The journal continues a later state than the one in the file: an older copy of the file was put back. What the "
        "vendor was asked to do in between is not in it, so that pnsync would make bindings twice. Bring back the newer "
        "file, or run `pnsync state rebuild`.",
    ),
    "S914": StateCode(
        "the state has forked",
        "State file and journal tell different histories from one point on: two copies of one state were both used. Keep "
        "the copy that ran last, whole, or run `pnsync state rebuild`.",
    ),
    "S915": StateCode(
        "the state is missing",
        "The root file names the lineage of a state, and there is none at its place. Without that line this would be a first "
        "run, which would make every binding again. Check `state:`, the folder and the credentials of the backend; bring the "
        "state back, or run `pnsync state rebuild`. For a real first run remove the `lineage:` line.",
    ),
    "S916": StateCode(
        "the state has another lineage",
        "Every state has an identity, its lineage. The one found is not the one that the root file, or the journal beside "
        "it, names: the state of another environment lies at this place. Check `state:` and the file named with -c.",
    ),
    "S917": StateCode(
        "the state's numbers are sealed",
        "The personal numbers in this state are encrypted, and no identity opens them here. Set PNSYNC_AGE_IDENTITY or "
        "PNSYNC_AGE_IDENTITY_FILE, and keep `state: encryption:` in the root file.",
    ),
    "S918": StateCode(
        "the journal has no state file",
        "A journal stands alone: the state file that it continues was removed. Bring it back, or run `pnsync state rebuild`.",
    ),
    "S919": StateCode(
        "a state exists already",
        "`state rebuild` and `init` only make a state where no readable one is, as what a state records cannot be derived in "
        "full. To begin anew, move the state and its journal away.",
    ),
    "S920": StateCode(
        "the state could not be written",
        "The place of the state refused a write: a full disk, a quota, a read-only file system, a bad disk. No vendor call "
        "was made without its record, and none is made after this. Make room or repair the place, then run again: the next "
        "run finds what became of every call.",
    ),
    "S921": StateCode(
        "the state could not be read",
        "The place of the state refused a read: permissions, or a bad disk. Nothing was called.",
    ),
    "S922": StateCode(
        "the state lies on a network file system",
        "Locks and syncs on NFS, SMB and their like do not hold what pnsync promises. Keep the file on a local disk, or use "
        "the git, postgres, object or http backend. PNSYNC_STATE_ON_NETWORK_FS=1 accepts the risk.",
    ),
    "S923": StateCode(
        "the state's path is not safe",
        "A file of the state is a symbolic link or no plain file, or its folder lies outside the folder of the root file. "
        "Files of a pull request could redirect the state that way. Name the real place in `state: path:`.",
    ),
    "S924": StateCode(
        "another run has taken over this state",
        "This run stood still, or lost its lock, and another one has begun. It stops before its next call; what it had sent is "
        "recorded, and the other run finds out what became of it. Nothing is to be done.",
    ),
    "S925": StateCode(
        "the state was changed while this run held it",
        "Something other than pnsync, or a run whose lock was broken, has replaced the state file. All that this run did is "
        "in the journal. Find out who writes the file; then run again.",
    ),
    "S926": StateCode(
        "an earlier failure ended this run's recording",
        "After a record could not be written nothing more is written or called, as an outcome might go unrecorded. The first "
        "failure is named above it. Run again once it is repaired.",
    ),
    "S927": StateCode(
        "the lock cannot be broken just now",
        "The holder stands still in the middle of a write. End its process; then the lock is free by itself.",
    ),
    "S930": StateCode(
        "the state holds clear numbers where sealed ones are required",
        "`state: encryption:` is set, and the state, or a record of its journal, holds plain digits. With `enforced: true` "
        "no plain state is read, and in a sealed state no plain number ever is: somebody could have put it there. "
        "`pnsync state rekey` seals a plain state, once; it is run by a person who knows why the state is plain.",
    ),
    "S931": StateCode(
        "the state was altered by somebody without its key",
        "What is sealed is bound to its state, address and field, and the whole file carries a keyed digest. One of them does "
        "not fit: a number was moved or altered, or the file was edited. Bring back the copy that ran last, whole, or run "
        "`pnsync state rebuild`.",
    ),
    "S932": StateCode(
        "an older state was put back",
        "The highest serial that was seen is remembered apart from the state, and this state is below it. What was recorded "
        "since is missing in it, so that bindings would be made twice. Bring back the newer one. Where the older one is "
        "meant, delete the mark that the message names, or lower PNSYNC_STATE_MIN_SERIAL.",
    ),
    "S933": StateCode(
        "the identity does not open the state",
        "The state is sealed to age recipients, and the identity in PNSYNC_AGE_IDENTITY or PNSYNC_AGE_IDENTITY_FILE is none "
        "of them, or the wrapped key was damaged. `sealing: recipients` in the state file lists whom it is sealed to. One of "
        "them adds your recipient to the root file and runs `pnsync state rekey`.",
    ),
    "S934": StateCode(
        "the state is sealed in a way that is not known",
        "Its `sealing` is not what this version of pnsync writes: a newer one has written it, or it was edited. Install the "
        "newer version everywhere this state is used.",
    ),
    "S935": StateCode(
        "Git would commit real numbers",
        "The state file holds numbers in clear and lies in a Git work tree without being ignored, so that the next "
        "`git add` publishes them, for good. Seal it (`state: encryption:`), add its folder to .gitignore, or accept it with "
        "`state: plain_in_git: true`. A file that Git tracks already counts as not ignored: `git rm --cached` it.",
    ),
    "S936": StateCode(
        "nobody here could open the new keys",
        "Before a state is sealed, pnsync opens what it has just sealed. The identity of this run is none of the "
        "`recipients`, so that this state could not be read again here. `age-keygen -y FILE` tells an identity's recipient.",
    ),
    "S940": StateCode(
        "the state is locked",
        "One run works on a state at a time. The lock names its holder. A local holder that died frees it at once, a remote "
        "one within 75 seconds of being watched (`--lock-timeout 2m`). `pnsync unlock ID` breaks it; the old holder, if it "
        "lives, is fenced off and stops before its next call.",
    ),
    "S941": StateCode(
        "there is no such lock",
        "The lock named is not held (any more). `pnsync status` shows who holds the state.",
    ),
    "S942": StateCode(
        "the lock is of a newer version",
        "A newer pnsync holds this state, or was the last to hold it, and its lock is not what this version can keep to. "
        "Install that version wherever this state is used. The state itself is as the newer one left it.",
    ),
    "S960": StateCode(
        "the state's database does not answer",
        "PostgreSQL could not be reached, or was gone for more than 30 seconds in mid-run. A call is only made once its "
        "intent is stored; what was sent before is recorded or found out by the next run. See that the server runs and "
        "that the variable named by `dsn` is right, then run the same command again.",
    ),
    "S961": StateCode(
        "the state's database refuses",
        "PostgreSQL answered with an error. The account needs select, insert, update and delete on pnsync_documents and "
        "pnsync_records, and select on pnsync_schema; the server must not be a read-only standby.",
    ),
    "S962": StateCode(
        "the state's database takes no tables",
        "At the first write pnsync makes its tables in the first schema of the account's search path, and may not here. "
        "Grant `create` on a schema once, or let an administrator run the first command.",
    ),
    "S963": StateCode(
        "the state's tables are of a newer version",
        "A newer pnsync has changed the tables in this database. Install that version wherever this state is used.",
    ),
    "S964": StateCode(
        "the state's object store does not answer",
        "The store could not be reached, or answered with an error of its own. Nothing was called whose intent could not be "
        "stored. See that the endpoint and the region are right, then run the same command again.",
    ),
    "S965": StateCode(
        "the state's object store refuses",
        "The credentials in the environment are missing, expired, or lack a permission: to get, put and list below the "
        "prefix, and to delete there. What was sent before is recorded or found out by the next run. Renew the credentials, "
        "then run the same command again.",
    ),
    "S966": StateCode(
        "the object store ignores conditions",
        "Two writers could take the same place in this store and one would overwrite the other: it does not honour "
        "`If-None-Match: *` or `If-Match`. Amazon S3, Google Cloud Storage, Azure, MinIO, SeaweedFS, Ceph (recent) and R2 do. "
        "Keep the state there, or use the postgres or git backend.",
    ),
    "S967": StateCode(
        "the state's server does not do what was asked",
        "The HTTP server of the state could not be reached, refuses the credentials, or answered with an error. Nothing was "
        "called whose intent could not be stored. Run the same command again once it is well.",
    ),
    "S968": StateCode(
        "the address holds something else than a state of pnsync",
        "The document at the address of `state: {backend: http}` was not written by pnsync: it may be Terraform's. It is left "
        "as it is. Name another address.",
    ),
    "S969": StateCode(
        "the state's server offers neither a lock nor ETags",
        "Without `lock_address`, and without ETags on the server's answers, nothing keeps two runs apart. Set `lock_address` "
        "and `unlock_address`, or use another backend.",
    ),
    "S970": StateCode(
        "the state's repository does not do what was asked",
        "The git program could not fetch from or push to the remote: no network, no permission to push to the ref, a "
        "question that nobody could answer, or a time-out. Nothing was called whose intent could not be pushed. See that "
        "`git push` works there without a question, then run the same command again.",
    ),
    "S971": StateCode(
        "the state has moved to another place",
        "`pnsync state migrate` has moved this state, and what lies here is what was left behind. Let `state:` in the root "
        "file name the new place, on every branch; to come back, migrate back.",
    ),
    "S972": StateCode(
        "the copy of the state is not what was copied",
        "`pnsync state migrate` read the new place back and found something else than it wrote. The old place is still in "
        "use. Look at who else writes to the new one, empty it, and migrate again.",
    ),
    "S973": StateCode(
        "the state's layout cannot be read",
        "A state that several runs share (`--shard i/n`) lies in parts, and a small document, the layout, names them. It was "
        "written by a newer pnsync, or altered. Install that version wherever this state is used, or bring the document "
        "back from a backup of the place.",
    ),
    "S974": StateCode(
        "a part of the state is missing",
        "The state lies in parts, one for each run of `--shard i/n`, and one of them is not at its place. Nothing was called. "
        "Bring the place back as it was, all parts together, from one backup.",
    ),
}

STATE_CODES: Final[dict[str, str]] = {code: one.page for code, one in _CODES.items()}
"""The pages for `pnsync explain`, by code."""


def refusal(code: str, *detail: str, command: str = "") -> StateError:
    """The StateError of a code, under its fixed summary."""
    return StateError(_CODES[code].summary, *detail, command=command, code=code)


def summary(code: str) -> str:
    """The fixed summary of a code."""
    return _CODES[code].summary
