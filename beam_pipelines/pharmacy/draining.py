"""One drain: Kafka to its end into the lake, what the lake feeds, and the verdict."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console

from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.loading import check_warehouse, load
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from beam_pipelines.pharmacy.preflight import Work, preflight
from beam_pipelines.pharmacy.progress import Progress
from beam_pipelines.pharmacy.publishing import check_topic, publish
from beam_pipelines.pharmacy.running import first_line, looked, piped, shown
from transforms.errors import PipelineError
from transforms.lake import GapLedger, ObjectStore, PartitionOutcome, open_lake, read_run
from transforms.references import snapshot


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What a run has come to.

    Attributes:
        outcomes: Per partition, from the run's report.
        lag: Offsets between the fences and the ends that the run set out to reach.
        failure: What the runner raised, if anything.
        behind: Whether the warehouse or the live figures haven't got all that the lake has.
    """

    outcomes: Sequence[PartitionOutcome] = ()
    lag: int = 0
    failure: Exception | None = None
    behind: bool = False


def drain(job: PharmacyJob, flags: Sequence[str], screen: Console) -> int:
    """Reads what is there now, commits and loads it, and says what became of it.

    Args:
        job: What to read and where to write.
        flags: Beam's flags, prepared for the runner.
        screen: Where progress and the summary are shown.

    Returns:
        An ``ExitCode``.
    """
    store = ObjectStore(job.lake_root, job.store)
    work = preflight(job, store)
    if job.load is not None:
        check_warehouse(job.load, store)
    if job.kpi is not None:
        check_topic(job.kpi, screen)
    if not work.nothing_new:
        open_lake(store, job.lake())
    ledger = GapLedger(store, work.ends)
    drained = _drained(job, work, store, ledger, flags, screen)
    # Where nothing was touched, what comes after the lake isn't either.
    if verdict(drained) is not ExitCode.REFUSED:
        drained = replace(drained, behind=_fed(job, store, flags, screen))
    return _told(ledger, drained)


def _fed(job: PharmacyJob, store: ObjectStore, flags: Sequence[str], screen: Console) -> bool:
    """Publishes and loads what is committed; returns whether one of both is behind the lake."""
    # The figures first: they are quick, and somebody watches them.
    published = job.kpi is None or publish(job.kpi, flags, screen)
    loaded = job.load is None or not load(job.load, store, flags, screen)
    return not (published and loaded)


def _drained(
    job: PharmacyJob,
    work: Work,
    store: ObjectStore,
    ledger: GapLedger,
    flags: Sequence[str],
    screen: Console,
) -> Drained:
    if work.nothing_new:
        screen.print("Nothing new: every partition is committed to its end.")
        return Drained()
    with suppress(PipelineError):  # It looks again at the end; a broken chain stops no other.
        ledger.untold()  # Now, so that it can take each later commit from the progress.
    progress = Progress(store, work, ledger.note)
    with shown(progress, screen):
        failure, outcomes = _ran(job, work, store, flags)
    return _concluded(work, progress, failure, outcomes, screen)


def _ran(
    job: PharmacyJob, work: Work, store: ObjectStore, flags: Sequence[str]
) -> tuple[Exception | None, list[PartitionOutcome]]:
    """Drains the references, then the rest, which looks them up."""
    outcomes: list[PartitionOutcome] = []
    for phase in phases(job, work):
        # Taken now: every worker of this phase sees the references as they are committed now.
        pinned = snapshot(store, job.chain.reference_datasets)
        failure = piped(flags, partial(build, job=phase.part(pinned=pinned)))
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
    first = new_references(job, work)
    rest = frozenset(owner.topic for owner in work.ends) - first
    named = [(first, f"{job.run_id}-references"), (rest, job.run_id)]
    return [job.part(only=topics, run_id=run_id) for topics, run_id in named if topics]


def new_references(job: PharmacyJob, work: Work) -> frozenset[str]:
    """Returns the topics of references that have something new."""
    new = frozenset(owner.topic for owner in work.new())
    references = job.chain.reference_datasets
    return frozenset(topic for topic in new if job.config.dataset_of(topic) in references)


def _concluded(
    work: Work,
    progress: Progress,
    failure: Exception | None,
    outcomes: Sequence[PartitionOutcome],
    screen: Console,
) -> Drained:
    # What broke the run mostly breaks the look too; the report says it by partition.
    unseen = looked(progress)
    screen.print(progress.table())
    for owner, count in sorted(work.open.items()):
        if count:
            screen.print(f"{owner}: {count:,} offsets lie in open transactions; not read")
    for outcome in outcomes:
        if outcome.failure:
            sys.stderr.write(f"error: {_place(outcome)}: {outcome.reason}\n")
    if not any(outcome.failure for outcome in outcomes):
        failure = failure or unseen
    if failure is not None:
        sys.stderr.write(f"error: the pipeline failed: {first_line(failure)}\n")
    return Drained(outcomes=outcomes, lag=progress.lag(), failure=failure)


def _told(ledger: GapLedger, drained: Drained) -> ExitCode:
    """Tells of the gaps that nobody was told of, those of runs that died included."""
    try:
        gaps = ledger.untold()
        for gap in gaps:
            sys.stderr.write(f"warning: {gap}\n")
        code = verdict(drained, gaps)
        # Another code says nothing of gaps, so the next run that is complete does.
        if code in (ExitCode.COMPLETE, ExitCode.GAPS):
            ledger.mark_told()
    except PipelineError as error:
        # What broke the run mostly breaks this look too, and was told.
        if drained.failure is None and not any(each.failure for each in drained.outcomes):
            sys.stderr.write(f"error: whether there are gaps is unknown: {error}\n")
        return verdict(replace(drained, failure=drained.failure or error))
    return code


def _place(outcome: PartitionOutcome) -> str:
    if not outcome.wanted:  # It failed before it began, perhaps as a whole topic.
        return outcome.topic
    return f"{outcome.topic}[{outcome.partition}] stopped at offset {outcome.fence}"


def verdict(drained: Drained, gaps: Sequence[object] = ()) -> ExitCode:
    """Returns the exit code of a run.

    Args:
        drained: What it has come to.
        gaps: Those that nobody was told of before this run.
    """
    kinds = {outcome.failure for outcome in drained.outcomes if outcome.failure}
    if kinds == {"contention"} and not drained.behind:
        return ExitCode.CONTENTION
    if kinds == {"refused"} and not any(outcome.messages for outcome in drained.outcomes):
        return ExitCode.REFUSED
    if drained.failure is not None or kinds or drained.lag or drained.behind:
        return ExitCode.FAILED
    return ExitCode.GAPS if gaps else ExitCode.COMPLETE
