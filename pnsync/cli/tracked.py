"""Real numbers that Git would commit: a plain state in a work tree that is not ignored there."""

from pathlib import Path

from pnsync.cli.command import Invocation
from pnsync.cli.places import DEFAULT_STATE_PATH
from pnsync.model import StateConfig


def refuse_clear_in_git(config: StateConfig, invocation: Invocation) -> None:
    """Raise StateError S935 where the next `git add` would publish the state's numbers; git itself is asked."""
    settings = config.settings
    if config.backend != "local" or "encryption" in settings or settings.get("plain_in_git") is True:
        return
    from pnsync.checkout import GitCheckout

    path = invocation.path(str(settings.get("path", DEFAULT_STATE_PATH)))
    checkout = GitCheckout(
        path.parent if path.parent.is_dir() else invocation.folder, path=invocation.environ.get("PATH")
    )
    backup = Path(f"{path}.backup")
    for one in (path, Path(f"{path}.journal"), *([backup] if backup.exists() else [])):
        if checkout.would_commit(one):
            from pnsync.statefile.codes import refusal

            raise refusal(
                "S935",
                f"{one} holds real numbers in clear, lies in a Git work tree, and Git does not ignore it.",
                "Nothing was called. Seal it with `state: encryption:`, or let Git ignore its folder, or accept it with "
                "`state: plain_in_git: true`.",
                command=f"echo '/{_folder(path, invocation)}' >> .gitignore",
            )


def _folder(path: Path, invocation: Invocation) -> str:
    within = path.parent.relative_to(invocation.folder).as_posix()
    return f"{within}/" if within != "." else f"{path.name}*"
