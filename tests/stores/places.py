"""Places of every backend by a text that another process can be told too: `kind argument…`.

local PATH · postgres DSN-FOLDER NAME · object ENDPOINT URL · google ENDPOINT URL · http ADDRESS locked|free · git BARE REF
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from pnsync.backends.git import GitBackend
from pnsync.backends.http import HttpBackend, HttpSettings
from pnsync.backends.local import LocalBackend
from pnsync.backends.object import ObjectBackend, _once
from pnsync.backends.postgres import PostgresBackend
from pnsync.interfaces import Backend, Clock

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def open_place(place: str, clock: Clock) -> Backend:
    """A fresh look at a place, as another process would have it."""
    kind, *rest = place.split()
    if kind == "local":
        return LocalBackend(rest[0], clock)
    if kind == "postgres":
        return PostgresBackend(f"host={rest[0]} user=pnsync dbname=postgres", rest[1], clock)
    if kind == "object":
        os.environ.update(CREDENTIALS)
        return ObjectBackend(rest[1], clock, endpoint=rest[0], region="us-east-1")
    if kind == "google":
        return _google(rest[0], rest[1], clock)
    if kind == "http":
        lock = f"{rest[0]}/lock" if rest[1] == "locked" else None
        return HttpBackend(HttpSettings(rest[0], lock_address=lock, username="u", password="p"), clock)
    assert kind == "git"
    return GitBackend(clone(Path(rest[0])), rest[1], "origin", clock)


def _google(endpoint: str, url: str, clock: Clock) -> ObjectBackend:
    """Google's storage elsewhere: where it lies stands in the account's file, and plain http must be allowed."""
    from obstore.store import GCSStore

    account = {
        "gcs_base_url": endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    os.environ["GOOGLE_SERVICE_ACCOUNT_KEY"] = json.dumps(account)
    made = ObjectBackend(url, clock)
    made._store = GCSStore.from_url(url, client_options={"allow_http": True}, retry_config=_once())
    return made


def bare(folder: Path) -> Path:
    """A repository that others push to."""
    made = folder / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(made)], check=True)
    return made


def clone(remote: Path) -> Path:
    """A new clone of it, beside it."""
    made = Path(tempfile.mkdtemp(prefix="clone-", dir=remote.parent))
    subprocess.run(["git", "init", "--quiet", str(made)], check=True)
    subprocess.run(["git", "-C", str(made), "remote", "add", "origin", str(remote)], check=True)
    return made
