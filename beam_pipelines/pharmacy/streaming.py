"""A stream: Kafka into the lake, the lake into what it feeds, until somebody stops it."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PCollection
from apache_beam.runners.runner import PipelineState
from rich.console import Console

from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.draining import drain, new_references
from beam_pipelines.pharmacy.joining import join
from beam_pipelines.pharmacy.kpi_pipeline import build_kpi
from beam_pipelines.pharmacy.load_pipeline import build_stream_load
from beam_pipelines.pharmacy.loading import check_warehouse
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from beam_pipelines.pharmacy.preflight import preflight
from beam_pipelines.pharmacy.publishing import check_topic
from beam_pipelines.pharmacy.running import first_line, looked, shown
from beam_pipelines.pharmacy.stream_progress import watched
from beam_pipelines.terminal import console
from runners.errors import FlinkClusterError
from runners.flags import Flags
from runners.flink import Cluster, Stopped, cluster_of, job_name_of, stop
from transforms.lake import ObjectStore, open_lake
from transforms.references import snapshot

#: How often the job's state is asked for.
_POLL_S: Final = 1.0
#: A cluster doesn't know a job before its files have been uploaded.
_ARRIVAL_S: Final = 120.0
#: What a drain of the references may end with for the stream to start.
_GOES_ON: Final = (ExitCode.COMPLETE, ExitCode.GAPS)


@dataclass(frozen=True, kw_only=True)
class StreamFlags:
    """Beam's flags, prepared for the runner.

    Attributes:
        stream: For the stream.
        drain: For the references, which are drained first.
        load_interval: Loads the warehouse every so many seconds within the stream; None where the
            loader is another process.
        run_for: Stops the stream so many seconds after its first commit; None to go on.
    """

    stream: Sequence[str]
    drain: Sequence[str]
    load_interval: float | None = None
    run_for: float | None = None


def stream(job: PharmacyJob, flags: StreamFlags, screen: Console) -> int:
    """Runs the stream until it is stopped by Ctrl-C or SIGTERM, or ends by itself.

    The references are drained first. Those that come later count as soon as a worker has read them
    (``references.refresh_s``), and each commit names those that its rows were judged by.

    Args:
        job: What to read and where to write.
        flags: Beam's.
        screen: Where progress is shown.

    Returns:
        An ``ExitCode``: 0 after a stop that was asked for.
    """
    store = ObjectStore(job.lake_root, job.store)
    work = preflight(job, store)
    if job.load is not None:
        check_warehouse(job.load, store)
    if job.kpi is not None:
        check_topic(job.kpi, screen)
    open_lake(store, job.lake())
    if topics := new_references(job, work):
        code = _drained(job, topics, flags, screen)
        if code not in _GOES_ON:
            return code
        work = preflight(job, store)  # Their fences have moved.
    made = _made(job.part(pinned=snapshot(store, job.chain.reference_datasets), run_id=""), flags)
    with watched(job, store, work, Flags(flags.stream)) as progress:
        with _stoppable() as asked, shown(progress, screen):
            timer = _Timer(flags.run_for, lambda: progress.messages > 0)
            # What a stop comes to is no progress: it is told where that is off, too.
            told = console(stderr=True) if screen.quiet else screen
            failure = _ran(made, flags.stream, asked, timer, told)
        unseen = looked(progress)
        screen.print(progress.table())
    failure = failure or unseen
    if failure is not None:
        sys.stderr.write(f"error: the stream ended: {first_line(failure)}\n")
        return ExitCode.FAILED
    return ExitCode.COMPLETE


def _made(job: PharmacyJob, flags: StreamFlags) -> beam.Pipeline:
    """Returns the pipeline: the lake, and beside it what the lake feeds."""
    made = beam.Pipeline(options=PipelineOptions(list(flags.stream)))
    outputs: list[PCollection[Any]] = [build(made, job)]
    if job.load is not None and flags.load_interval is not None:
        outputs.append(build_stream_load(made, job.load, flags.load_interval))
    if job.kpi is not None:
        outputs.append(build_kpi(made, job.kpi))
    join(*outputs)
    return made


def _drained(job: PharmacyJob, topics: frozenset[str], flags: StreamFlags, screen: Console) -> int:
    """Drains the references; the warehouse gets them with the rest."""
    screen.print("The references come first", highlight=False)
    code = drain(job.part(only=topics, load=None, kpi=None, mode="drain"), flags.drain, screen)
    if code not in _GOES_ON:
        sys.stderr.write("error: the references could not be drained; the stream isn't started\n")
    return code


class _Timer:
    """Tells when a stream has run for long enough: from its first commit on.

    A cluster takes its time to start a job, the longer the busier it is.
    """

    def __init__(self, run_for: float | None, begun: Callable[[], bool]) -> None:
        self._run_for, self._begun = run_for, begun
        self._since: float | None = None

    def is_over(self) -> bool:
        """Tells whether to stop."""
        if self._run_for is None:
            return False
        if self._since is None and self._begun():
            self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since >= self._run_for


def _ran(
    made: beam.Pipeline,
    flags: Sequence[str],
    asked: threading.Event,
    timer: _Timer,
    screen: Console,
) -> Exception | None:
    try:
        result = made.run()
    except Exception as error:  # noqa: BLE001 - runners raise what they like; it is reported
        return error
    failure = _waited(result, asked, timer)
    # A job server that answers no more isn't the job's end.
    return _stopped(result, flags, screen) if asked.is_set() else failure


def _waited(result: Any, asked: threading.Event, timer: _Timer) -> Exception | None:
    """Waits until the stream has ended or shall end."""
    try:
        while not PipelineState.is_terminal(result.state):
            if timer.is_over():
                asked.set()
            if asked.wait(_POLL_S):
                return None
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return _cause(result)


def _cause(result: Any) -> Exception:
    """Returns what the runner tells of a job that has ended by itself."""
    try:
        return RuntimeError(f"the runner says {result.wait_until_finish()}")
    except Exception as error:  # noqa: BLE001 - as above
        return error


def _stopped(result: Any, flags: Sequence[str], screen: Console) -> Exception | None:
    """Ends the job on its runner: one that only this process forgot would write on."""
    own = Flags(flags)
    cluster = cluster_of(own)
    if cluster is None:
        result.cancel()
        screen.print("Stopped; the next start goes on from the lake's fences", highlight=False)
        return None
    screen.print("Stopping with a savepoint ...", highlight=False)
    try:
        ended = _ended(result, cluster, job_name_of(own))
    except FlinkClusterError as error:
        return error
    if ended is None or ended.path is None:
        screen.print("Stopped; the next start goes on from the lake's fences", highlight=False)
        return None
    why = f" (no savepoint: {ended.problem})" if ended.problem else ""
    screen.print(
        f"Stopped{why}. The next start goes on from the lake's fences, or with its state:\n"
        f"  --savepoint_path {ended.path}",
        highlight=False,
        soft_wrap=True,
    )
    return None


def _ended(result: Any, cluster: Cluster, name: str) -> Stopped | None:
    """Ends the job on its cluster; one that was just submitted is waited for, to be ended."""
    deadline = time.monotonic() + _ARRIVAL_S
    while (ended := stop(cluster, name)) is None and time.monotonic() < deadline:
        if _is_over(result):
            return None
        time.sleep(_POLL_S)
    return ended


def _is_over(result: Any) -> bool:
    try:
        return bool(PipelineState.is_terminal(result.state))
    except Exception:  # noqa: BLE001 - runners raise what they like; nobody submits it any more
        return True


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Turns Ctrl-C and SIGTERM into a wish, so that the job on the cluster can be ended in order.

    A second one falls through, for whoever can't wait.
    """
    asked = threading.Event()
    before: dict[int, Any] = {}

    def wish(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            signal.signal(number, before[number])
            signal.raise_signal(number)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, wish)
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
