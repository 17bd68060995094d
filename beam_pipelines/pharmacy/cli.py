"""``python -m beam_pipelines.pharmacy``: Kafka to the lake, exactly once."""

import argparse
import logging
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from beam_pipelines.arguments import Parser, check_beam_flags, run_command, store_settings
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import PharmacyConfig, load_config
from beam_pipelines.pharmacy.explain import PARTS, explain
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from beam_pipelines.pharmacy.preflight import Work, preflight
from beam_pipelines.pharmacy.progress import Progress, ProgressView, table
from beam_pipelines.terminal import console
from runners.packaging import check_owners
from runners.presets import prepare
from transforms.errors import PipelineError
from transforms.kafka import parse_start
from transforms.lake import (
    GapLedger,
    ObjectStore,
    PartitionOutcome,
    StoreSettings,
    open_lake,
    read_run,
)
from transforms.references import snapshot

#: Stands for a server in an explanation that names none.
UNNAMED = "unnamed"


def main(argv: Sequence[str]) -> int:
    """Runs the job and returns its exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # It shows a job server's whole command line, jars and all, as a warning.
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    parser = _parser()
    arguments, beam_flags = parser.parse_known_args(list(argv))
    if not arguments.explain:
        _require(parser, arguments)
    job = PharmacyJob(
        config=(config := load_config(arguments.config, arguments.set)),
        bootstrap_servers=arguments.kafka_bootstrap_servers or UNNAMED,
        lake_root=arguments.lake_root or f"s3://{UNNAMED}/{UNNAMED}",
        store=_store(config, beam_flags),
        start=parse_start(arguments.start),
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
    )
    if arguments.explain:
        sys.stdout.write(explain(job, beam_flags, arguments.explain))
        return ExitCode.COMPLETE
    screen = console(stderr=True, quiet=arguments.progress == "off")
    check_owners()
    flags = prepare(beam_flags, mode=arguments.mode, notify=screen.print)
    if "FnApiRunner" in " ".join(flags):
        check_beam_flags(flags)  # A job server knows flags of its own; we can't ask it yet.
    return drain(job, flags, screen)


def _require(parser: Parser, arguments: argparse.Namespace) -> None:
    names = ("mode", "kafka_bootstrap_servers", "lake_root")
    missing = [f"--{name}" for name in names if getattr(arguments, name) is None]
    if missing:
        parser.error(f"the following arguments are required: {', '.join(missing)}")


def _store(config: PharmacyConfig, beam_flags: Sequence[str]) -> StoreSettings:
    settings = store_settings(beam_flags, config.lake.kms_key_id)
    return replace(settings, patience_s=config.lake.patience_s, timeout_s=config.lake.timeout_s)


def drain(job: PharmacyJob, flags: Sequence[str], screen: Console) -> int:
    """Reads what is there now, commits it, and says what became of it.

    Args:
        job: What to read and where to write.
        flags: Beam's flags, prepared for the runner.
        screen: Where progress and the summary are shown.

    Returns:
        An ``ExitCode``.
    """
    store = ObjectStore(job.lake_root, job.store)
    work = preflight(job, store)
    if work.nothing_new:
        screen.print("Nothing new: every partition is committed to its end.")
        return _told(GapLedger(store, work.ends), (), 0, None)
    open_lake(store, job.lake())
    ledger = GapLedger(store, work.ends)
    with suppress(PipelineError):  # It looks again at the end; a broken chain stops no other.
        ledger.untold()  # Now, so that it can take each later commit from the progress.
    progress = Progress(store, work, ledger.note)
    view = ProgressView(progress, screen)
    if not screen.quiet:
        view.start()
    failure, outcomes = _ran(job, work, store, flags)
    if not screen.quiet:
        view.stop()
    return _concluded(ledger, work, progress, failure, outcomes, screen)


def _ran(
    job: PharmacyJob, work: Work, store: ObjectStore, flags: Sequence[str]
) -> tuple[Exception | None, list[PartitionOutcome]]:
    """Drains the references, then the rest, which looks them up."""
    outcomes: list[PartitionOutcome] = []
    for phase in phases(job, work):
        # Taken now: every worker of this phase sees the references as they are committed now.
        pinned = snapshot(store, job.chain.reference_datasets)
        failure = _piped(phase.part(pinned=pinned), flags)
        outcomes += read_run(store, phase.run_id)
        # A partition that failed stops no other: references that are late are not wrong.
        if failure is not None:
            return failure, outcomes
    return None, outcomes


def phases(job: PharmacyJob, work: Work) -> list[PharmacyJob]:
    """Returns the pipelines to run one after the other.

    Topics of references that have something new come first, in a pipeline of their own: only when
    they are committed can the rest look them up, and every worker must see the same.
    """
    carried = {each.topic: each.dataset for each in job.config.topics}
    references = job.chain.reference_datasets
    first = frozenset(owner.topic for owner in work.new() if carried[owner.topic] in references)
    rest = frozenset(job.topics) - first
    named = [(first, f"{job.run_id}-references"), (rest, job.run_id)]
    return [job.part(only=topics, run_id=run_id) for topics, run_id in named if topics]


def _piped(job: PharmacyJob, flags: Sequence[str]) -> Exception | None:
    try:
        with beam.Pipeline(options=PipelineOptions(list(flags))) as pipeline:
            build(pipeline, job)
    except Exception as error:  # noqa: BLE001 - runners raise what they like; it is reported
        return error
    return None


def _concluded(
    ledger: GapLedger,
    work: Work,
    progress: Progress,
    failure: Exception | None,
    outcomes: Sequence[PartitionOutcome],
    screen: Console,
) -> int:
    unseen = _looked(progress)
    screen.print(table(progress))
    for owner, count in sorted(work.open.items()):
        if count:
            screen.print(f"{owner}: {count:,} offsets lie in open transactions; not read")
    for outcome in outcomes:
        if outcome.failure:
            sys.stderr.write(f"error: {_place(outcome)}: {outcome.reason}\n")
    if not any(outcome.failure for outcome in outcomes):
        failure = failure or unseen
    if failure is not None:
        sys.stderr.write(f"error: the pipeline failed: {_first_line(failure)}\n")
    return _told(ledger, outcomes, progress.lag(), failure)


def _told(
    ledger: GapLedger, outcomes: Sequence[PartitionOutcome], lag: int, failure: Exception | None
) -> ExitCode:
    """Tells of the gaps that nobody was told of, those of runs that died included."""
    try:
        gaps = ledger.untold()
        for gap in gaps:
            sys.stderr.write(f"warning: {gap}\n")
        code = verdict(outcomes, lag, failure, gaps)
        # Another code says nothing of gaps, so the next run that is complete does.
        if code in (ExitCode.COMPLETE, ExitCode.GAPS):
            ledger.mark_told()
    except PipelineError as error:
        # What broke the run mostly breaks this look too, and was told.
        if failure is None and not any(outcome.failure for outcome in outcomes):
            sys.stderr.write(f"error: whether there are gaps is unknown: {error}\n")
        return verdict(outcomes, lag, failure or error)
    return code


def _place(outcome: PartitionOutcome) -> str:
    if not outcome.wanted:  # It failed before it began, perhaps as a whole topic.
        return outcome.topic
    return f"{outcome.topic}[{outcome.partition}] stopped at offset {outcome.fence}"


def _looked(progress: Progress) -> PipelineError | None:
    # What broke the run mostly breaks the look too; the report says it by partition.
    try:
        progress.look()
    except PipelineError as error:
        return error
    return None


def verdict(
    outcomes: Sequence[PartitionOutcome],
    lag: int,
    failure: Exception | None,
    gaps: Sequence[object] = (),
) -> ExitCode:
    """Returns the exit code of a run.

    Args:
        outcomes: Per partition, from the run's report.
        lag: Offsets between the fences and the ends that the run set out to reach.
        failure: What the runner raised, if anything.
        gaps: Those that nobody was told of before this run.
    """
    kinds = {outcome.failure for outcome in outcomes if outcome.failure}
    if kinds == {"contention"}:
        return ExitCode.CONTENTION
    if kinds == {"refused"} and not any(outcome.messages for outcome in outcomes):
        return ExitCode.REFUSED
    if failure is not None or kinds or lag:
        return ExitCode.FAILED
    return ExitCode.GAPS if gaps else ExitCode.COMPLETE


def _first_line(failure: Exception) -> str:
    # A runner's text holds our own error's, and stack traces; no message's content, since the
    # transforms keep that out of their errors.
    if isinstance(failure, PipelineError):
        return str(failure)
    lines = [line for line in str(failure).splitlines() if line.strip()]
    return f"{type(failure).__name__}: {lines[-1].strip() if lines else 'no text'}"


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.pharmacy", __doc__ or "")
    parser.add_argument("--mode", choices=("drain",), help="drain: read to the end")
    parser.add_argument("--kafka_bootstrap_servers", metavar="HOST:PORT,...")
    parser.add_argument("--lake_root", metavar="s3://BUCKET/PREFIX")
    parser.add_argument("--config", metavar="FILE", help="YAML; the packaged one by default")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the configuration, such as masking.policy=limited; may be repeated",
    )
    parser.add_argument(
        "--start",
        default="earliest",
        help="where topics new to the lake begin: earliest, latest, a time with its zone, or a "
        "JSON file of offsets",
    )
    parser.add_argument(
        "--explain",
        nargs="?",
        choices=PARTS,
        const=PARTS[0],
        help="print the whole configuration, the graph (dot: for Graphviz) and Beam's flags, and "
        "do nothing",
    )
    parser.add_argument("--progress", choices=("auto", "off"), default="auto")
    return parser
