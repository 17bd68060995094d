"""The warehouse's part of a run: refused before the lake's, run after it, and never in its way."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from rich.console import Console

from beam_pipelines.pharmacy.load_pipeline import LoadJob, build_load
from beam_pipelines.pharmacy.load_progress import LoadProgress
from beam_pipelines.pharmacy.running import first_line, looked, piped, shown
from beam_pipelines.refusals import refusing
from transforms.errors import ConfigurationError, PipelineError, RetryableError
from transforms.lake import ObjectStore, find_lake, new_commits
from transforms.lake.new_commits import Position
from transforms.redshift import LoadOutcome, LoadPlan, Statements, connect, migrate, read_fences
from transforms.redshift.fences import position_of
from transforms.redshift.outcome import FAILED, REFUSED, failed_load, read_loads, write_loads
from transforms.redshift.write import make_loader

#: Stands for the id of a lake that this run will begin: whatever was loaded is of another one.
_NOT_BEGUN = "not begun yet"


def check_warehouse(job: LoadJob, store: ObjectStore) -> None:
    """Refuses a warehouse that the lake can't be loaded into; touches nothing.

    One that is away is no reason to keep the lake waiting: a warning, and it is asked again later.

    Raises:
        RefusedError: Its schema isn't up to date, or was loaded from another lake.
    """
    with refusing():
        try:
            _check(job, store)
        except RetryableError as error:
            sys.stderr.write(f"warning: {error.what}. The lake comes first\n")


def load(job: LoadJob, store: ObjectStore, flags: Sequence[str], screen: Console) -> bool:
    """Loads what is committed now, and says what became of it.

    Args:
        job: What to load.
        store: The lake's objects.
        flags: Beam's flags, prepared for the runner.
        screen: Where progress and the summary are shown.

    Returns:
        Whether the warehouse is behind the lake.
    """
    failed = _load(job, store, flags, screen)
    if failed is None:
        return False
    if failed.failure == REFUSED:
        sys.stderr.write(f"error: the load was refused: {failed.reason}\n")
    else:
        sys.stderr.write(
            f"error: the warehouse is behind the lake: {failed.reason.rstrip('.')}. The next run "
            "catches up, as does python -m beam_pipelines.warehouse load\n"
        )
    return True


def _load(
    job: LoadJob, store: ObjectStore, flags: Sequence[str], screen: Console
) -> LoadOutcome | None:
    try:
        position = make_loader(job.writing()).position()
        if not _is_behind(store, job.plan, position):
            screen.print("Nothing to load: the warehouse has all that the lake has.")
            return None
        progress = LoadProgress(job, store, partial(connect, job.redshift))
    except PipelineError as error:
        failed = failed_load(error)
        with suppress(PipelineError):  # It is told at the terminal anyhow.
            write_loads(store, job.run_id, [failed])
        return failed
    with shown(progress, screen):
        failure = piped(flags, partial(build_load, job=job, position=position))
    unseen = looked(progress)
    progress.close()
    screen.print(progress.table())
    return _failed(job, store, progress, failure or unseen)


def _failed(
    job: LoadJob, store: ObjectStore, progress: LoadProgress, failure: Exception | None
) -> LoadOutcome | None:
    """Returns what kept the warehouse from getting all, if anything did."""
    try:
        told = [each for each in read_loads(store, job.run_id) if each.failure]
    except PipelineError as error:
        return failed_load(error)
    if told:
        return told[0]
    if failure is not None:
        return LoadOutcome(failure=FAILED, reason=first_line(failure))
    if progress.lag():
        return LoadOutcome(failure=FAILED, reason=f"{progress.lag():,} commits were left")
    return None


def _check(job: LoadJob, store: ObjectStore) -> None:
    lake = find_lake(store)
    statements = Statements(job.redshift.schema)
    session = connect(job.redshift)
    try:
        steps = migrate(session, job.plan, statements, dry_run=True)
        if steps:
            raise ConfigurationError(
                f"the schema {statements.schema} is not up to date, it lacks "
                f"{steps[0].version!r} and {len(steps) - 1} more steps",
                "Run python -m beam_pipelines.warehouse migrate with this configuration",
            )
        fences = read_fences(session, statements, lake.lake_id if lake else _NOT_BEGUN)
    finally:
        session.close()
    # Reading the next commits finds out whether they follow from those that are loaded.
    _is_behind(store, job.plan, position_of(fences, job.plan))


def _is_behind(store: ObjectStore, plan: LoadPlan, position: Position) -> bool:
    lake = find_lake(store)
    if lake is None:
        return False
    return next(new_commits(store, lake, position, topics=plan.topics), None) is not None
