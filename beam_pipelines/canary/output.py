"""What the command shows. A canary's number, never its text: the output may be a log."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beam_pipelines.canary.letters import Arrivals
from beam_pipelines.canary.patterns import ENCODINGS
from beam_pipelines.canary.scan import Finding, Scan

#: Leaks that text shows in full; JSON shows all.
SHOWN: Final = 20


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that is to be shown.

    Attributes:
        scan: What was searched and found.
        canaries: How many were looked for.
        arrivals: What the lake has of them; None without a lake.
        opened: Whether the dead letters were opened.
        policy: The lake's policy, or empty.
        seconds: How long it took.
    """

    scan: Scan
    canaries: int
    arrivals: Arrivals | None
    opened: bool
    policy: str
    seconds: float

    @property
    def clean(self) -> bool:
        """No canary is where none may be, and none is missing where it must be."""
        missing = self.arrivals.missing if self.arrivals else ()
        return not self.scan.result.leaks and not missing


def write_json(outcome: Outcome) -> None:
    """Writes the outcome as one JSON document."""
    result = outcome.scan.result
    document: dict[str, Any] = {
        "clean": outcome.clean,
        "canaries": outcome.canaries,
        "encodings": ENCODINGS,
        "policy": outcome.policy,
        "seconds": round(outcome.seconds, 3),
        "searched": {
            kind: {"names": len(done.names), "buffers": done.buffers, "bytes": done.bytes}
            for kind, done in sorted(result.searched.items())
        },
        "leaks": [_leak(outcome.scan, finding) for finding in sorted(result.leaks)],
        "kept": {name: len(numbers) for name, numbers in sorted(result.kept.items())},
    }
    if outcome.arrivals is not None:
        document |= {
            "arrived": len(outcome.arrivals.arrived),
            "sealed": len(outcome.arrivals.sealed),
            "opened": outcome.opened,
            "missing": [canary.number for canary in outcome.arrivals.missing],
        }
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_text(outcome: Outcome, console: Console) -> None:
    """Writes the outcome for people."""
    console.print(_searched(outcome))
    if outcome.scan.result.kept:
        console.print(_kept(outcome))
    if outcome.scan.result.leaks:
        console.print(_leaks(outcome))
    for line in _lines(outcome):
        console.print(line)


def _leak(scan: Scan, finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.place.kind,
        "name": _name(scan, finding.place.name),
        "part": _name(scan, finding.place.part),
        "canary": finding.number,
        "field": finding.field,
        "encoding": finding.encoding,
    }


def _name(scan: Scan, name: str) -> str:
    if not scan.shows(name):
        return name
    return f"(not shown; SHA-256 {hashlib.sha256(name.encode()).hexdigest()[:16]}...)"


def _searched(outcome: Outcome) -> Table:
    table = Table(title="Searched", title_justify="left")
    table.add_column("what")
    for column in ("objects", "parts", "MB"):
        table.add_column(column, justify="right")
    for kind, done in sorted(outcome.scan.result.searched.items()):
        size = f"{done.bytes / 1e6:,.1f}"
        table.add_row(kind, f"{len(done.names):,}", f"{done.buffers:,}", size)
    return table


def _kept(outcome: Outcome) -> Table:
    title = f"Kept by policy {outcome.policy}: no leaks"
    table = Table(title=title, title_justify="left")
    table.add_column("field")
    table.add_column("canaries", justify="right")
    for name, numbers in sorted(outcome.scan.result.kept.items()):
        table.add_row(name, f"{len(numbers):,}")
    return table


def _leaks(outcome: Outcome) -> Table:
    table = Table(title="Leaks", title_justify="left")
    for column in ("what", "object", "part", "canary", "planted in", "as"):
        table.add_column(column, overflow="fold")
    leaks = sorted(outcome.scan.result.leaks)
    for finding in leaks[:SHOWN]:
        leak = _leak(outcome.scan, finding)
        table.add_row(*(escape(str(value)) for value in leak.values()))
    if len(leaks) > SHOWN:
        table.caption = f"... and {len(leaks) - SHOWN:,} more; --format json lists them all"
    return table


def _lines(outcome: Outcome) -> Iterator[str]:
    yield (
        f"{outcome.canaries:,} canaries looked for as {', '.join(ENCODINGS)} "
        f"in {outcome.seconds:.1f} s"
    )
    if outcome.arrivals is not None:
        yield from _arrivals(outcome.arrivals, outcome.opened)
    numbers = {finding.number for finding in outcome.scan.result.leaks}
    if numbers:
        yield f"LEAKED: {len(numbers):,} canaries where none may be"
    else:
        yield "No canary where none may be"


def _arrivals(arrivals: Arrivals, opened: bool) -> Iterator[str]:
    yield f"{len(arrivals.arrived):,} of them are in messages that the lake has committed"
    if not opened:
        yield "Dead letters stay closed: give --key to prove that they hold what they must"
        return
    held = len(arrivals.sealed) - len(arrivals.missing)
    yield (
        f"{held:,} of {len(arrivals.sealed):,} canaries of malformed messages are in the opened "
        "dead letters, where they must be"
    )
    if arrivals.missing:
        numbers = ", ".join(str(canary.number) for canary in arrivals.missing[:SHOWN])
        yield f"MISSING: {len(arrivals.missing):,} canaries, among them {numbers}"
