"""The whole page."""

from collections.abc import Sequence
from html import escape

from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.markup import note
from beam_pipelines.report.meanings import Meanings
from beam_pipelines.report.period import EVER
from beam_pipelines.report.sections.answers import answers
from beam_pipelines.report.sections.datasets import datasets
from beam_pipelines.report.sections.dispositions import dispositions
from beam_pipelines.report.sections.freshness import freshness
from beam_pipelines.report.sections.headline import headline
from beam_pipelines.report.sections.masking import masking
from beam_pipelines.report.sections.throughput import throughput
from beam_pipelines.report.sections.windows import windows
from beam_pipelines.report.style import STYLE
from beam_pipelines.report.wording import millis, moment
from beam_pipelines.warehouse.questions import Answer


def render(facts: LakeFacts, meanings: Meanings, command: str, given: Sequence[Answer] = ()) -> str:
    """Returns the report as one HTML document that refers to nothing outside itself.

    Args:
        facts: The lake's.
        meanings: Of the lake's codes.
        command: How the report is made again.
        given: What the warehouse answered, if it was asked.

    Guarantees: equal facts give equal bytes; there is no script, and none would be run.
    """
    title = f"Lake report: {facts.root}"
    body = "\n".join(
        [
            headline(facts),
            answers(given),
            throughput(facts),
            dispositions(facts, meanings),
            windows(facts),
            freshness(facts),
            datasets(facts),
            masking(facts),
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Lake report</h1>
<p class="lead"><code>{escape(facts.root)}</code><br>{escape(_as_of(facts))}</p>
{_period(facts)}
</header>
<main>
{body}
</main>
<footer>
{note(_source(given))}
<p>Made by <code>{escape(command)}</code></p>
</footer>
</body>
</html>
"""


def _source(given: Sequence[Answer]) -> str:
    asked = "; the questions were answered by the warehouse" if given else ""
    return (
        f"Made from the lake's commits, each read once{asked}. The same lake gives the same bytes."
    )


def _as_of(facts: LakeFacts) -> str:
    if facts.as_of is None:
        return f"Lake {facts.lake.lake_id}, empty: it has no commit yet."
    return f"Lake {facts.lake.lake_id}, as of its newest commit, {moment(facts.as_of)} UTC"


def _period(facts: LakeFacts) -> str:
    period = facts.period
    if period == EVER:
        return ""
    since = f" from {millis(period.since)}" if period.since is not None else ""
    until = f" before {millis(period.until)}" if period.until is not None else ""
    return note(
        f"Of commits with messages of a broker time{since}{until} UTC, each told of whole, and of "
        "windows that begin in that time. Freshness is that of all commits."
    )


def _policy() -> str:
    # Styles of elements carry the widths of bars and matplotlib's colors, so they are allowed.
    return "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
