"""What the command shows."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from beam_pipelines.warehouse.grants import Target
from beam_pipelines.warehouse.questions import Answer, as_text
from beam_pipelines.warehouse.status import Holder, TableStatus
from transforms.redshift import LoadResult, Statements
from transforms.redshift.schema import script
from transforms.redshift.step import Step


def show_steps(steps: Sequence[Step], statements: Statements, *, dry_run: bool) -> None:
    """Prints all SQL of a dry run, or the names of what was done."""
    for step in steps:
        if dry_run:
            lines = "".join(f"{line};\n" for line in script(step, statements))
            sys.stdout.write(f"-- {step.version}\n{lines}")
        else:
            sys.stdout.write(f"{step.version}\n")
    if not steps:
        sys.stdout.write("-- the schema is up to date\n" if dry_run else "nothing to do\n")


def show_grants(lines: Sequence[str], closed: Sequence[Target], *, dry_run: bool) -> None:
    """Prints the SQL of a dry run, or how many statements were run; and what analysts don't get."""
    if dry_run:
        sys.stdout.write("".join(f"{line};\n" for line in lines))
    else:
        sys.stdout.write(f"{len(lines)} statements were run\n")
    for view in closed:
        shown = ", ".join(view.links)
        sys.stdout.write(f"-- closed to analysts: {view.name}, which shows {shown}\n")


def show_load(result: LoadResult, *, as_json: bool) -> None:
    """Prints one line a load, at once: somebody may watch."""
    if as_json:
        write_json({**asdict(result), "loaded": result.loaded, "rejected": result.rejected})
        return
    tables = ", ".join(
        f"{name.removeprefix('raw_')} {counts.loaded:,}"
        for name, counts in sorted(result.tables.items())
        if counts.loaded
    )
    rejected = f", {result.rejected:,} rejected" if result.rejected else ""
    sys.stdout.write(
        f"load {result.load_id}: {result.loaded:,} rows{rejected} in {result.seconds:.1f} s"
        + (f" ({tables})\n" if tables else "\n")
    )
    sys.stdout.flush()


def status_table(tables: Sequence[TableStatus]) -> Table:
    """Returns the tables' state."""
    shown = Table(title="Tables", title_justify="left")
    shown.add_column("table")
    titles = ("partitions", "commits behind", "loads", "rows", "rejects", "last load", "newest")
    for title in titles:
        shown.add_column(title, justify="right")
    for each in tables:
        counts = (each.partitions, each.commits_behind, each.loads, each.rows, each.rejects)
        times = (_moment(each.last_load), _moment(each.newest_message))
        shown.add_row(each.table, *(f"{count:,}" for count in counts), *times)
    return shown


def show_status(tables: Sequence[TableStatus], holders: Sequence[Holder], screen: Console) -> None:
    """Prints the state for people."""
    screen.print(status_table(tables))
    for holder in holders:
        what = "holds" if holder.granted else "waits for"
        screen.print(
            f"{holder.user}, session {holder.pid}, {what} the lock since {_moment(holder.since)}",
            markup=False,
        )
    if not holders:
        screen.print("Nobody holds the lock.")


def show_answer(answer: Answer, screen: Console) -> None:
    """Prints an answer as a table."""
    shown = Table(title=answer.title, title_justify="left")
    for at, name in enumerate(answer.columns):
        numbers = all(isinstance(row[at], int | float | Decimal) for row in answer.rows)
        shown.add_column(name.replace("_", " "), justify="right" if numbers else "left")
    for row in answer.rows:
        shown.add_row(*map(as_text, row))
    screen.print(shown if answer.rows else f"{answer.title}: nothing to tell", markup=False)


def write_json(value: Mapping[str, Any]) -> None:
    """Writes one line of JSON, at once."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="seconds")
