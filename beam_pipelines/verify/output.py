"""What the command shows: text while it runs and at its end, or one JSON document."""

import sys
import time
from typing import Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from transforms.lake.verify import Report

#: Often enough to see that it moves.
EVERY_S: Final = 1.0


class ProgressLine:
    """Shows now and then how far the verification is; in place on a terminal.

    Args:
        console: Where, on the error stream: the output stream is the result's.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("Listing the lake") if console.is_terminal else None
        self._started = self._shown = time.monotonic()
        if self._status is not None:
            self._status.start()

    def show(self, report: Report) -> None:
        """Shows the state, if it is time to."""
        now = time.monotonic()
        if now - self._shown < EVERY_S:
            return
        self._shown = now
        line = (
            f"{self.seconds:5.1f} s  {report.commits:,} commits  {report.files_read:,} files read  "
            f"{report.rows:,} rows  {sum(report.breaches.values()):,} breaches"
        )
        if self._status is not None:
            self._status.update(line)
        else:
            self._console.print(line, highlight=False)

    def stop(self) -> None:
        """Takes the line away."""
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._started


def write_json(report: Report, seconds: float) -> None:
    """Writes the report as one JSON document."""
    document = {**report.to_dict(), "seconds": round(seconds, 3)}
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_text(report: Report, seconds: float, console: Console) -> None:
    """Writes the report for people."""
    for place in report.places:
        console.print(f"[bold red]broken[/] {escape(str(place))}", highlight=False, soft_wrap=True)
    more = sum(report.breaches.values()) - len(report.places)
    if more:
        console.print(f"... and {more:,} more places", highlight=False)
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(summary(report, seconds))
    if report.holds:
        console.print("[bold green]The lake holds.[/]")
    else:
        rules = ", ".join(f"{rule} {count:,}" for rule, count in report.breaches.most_common())
        console.print(f"[bold red]The lake is broken:[/] {rules}", highlight=False)


def summary(report: Report, seconds: float) -> Table:
    """Returns what was looked at."""
    table = Table(title=f"Lake {report.lake_id}, {seconds:.1f} s", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    read = f"{report.files_read:,} of {report.files:,}"
    rows = {
        "chains": f"{report.chains:,}",
        "commits": f"{report.commits:,}",
        "files read": read,
        "rows": f"{report.rows:,}",
        "MB read": f"{report.bytes_read / 1e6:,.1f} of {report.bytes / 1e6:,.1f}",
        "messages": f"{report.messages:,}",
        **{f"  {name}": f"{count:,}" for name, count in sorted(report.dispositions.items())},
        "offsets in gaps": f"{report.gap_offsets:,}",
        "messages read again": f"{report.messages_reread:,} in {report.ranges_reread:,} ranges",
        "files that no commit names": f"{report.unnamed_files:,}",
        "breaches": f"{sum(report.breaches.values()):,}",
    }
    for what, count in rows.items():
        table.add_row(what, count)
    return table
