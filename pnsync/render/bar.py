"""The progress bar of a terminal; home of rich, and imported only where there is a terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from pnsync.render.units import duration


class _Pace(ProgressColumn):
    """Rate and time left: `· 18/s · 1 s left`."""

    def render(self, task: Task) -> Text:
        speed = f"· {task.speed:,.0f}/s" if task.speed else ""
        left = f"· {duration(task.time_remaining)} left" if task.time_remaining else ""
        return Text(" ".join(filter(None, (speed, left))))


def new_bar(*, colour: bool, redirect_stdout: bool) -> Progress:
    """A bar on standard error, running; what is printed meanwhile stands above it.

    `redirect_stdout` where standard output is the same terminal.
    """
    console = Console(stderr=True, highlight=False, markup=False, no_color=not colour)
    bar = Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Pace(),
        console=console,
        transient=True,
        redirect_stdout=redirect_stdout,
    )
    bar.start()
    return bar
