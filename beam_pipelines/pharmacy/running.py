"""Running one pipeline in sight of whoever waits for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from beam_pipelines.pharmacy.progress import ProgressView, Watched
from transforms.errors import PipelineError


def piped(flags: Sequence[str], build: Callable[[beam.Pipeline], object]) -> Exception | None:
    """Runs a pipeline to its end; returns what the runner raised, if anything.

    Args:
        flags: Beam's flags, prepared for the runner.
        build: Puts the graph into the pipeline.
    """
    try:
        with beam.Pipeline(options=PipelineOptions(list(flags))) as pipeline:
            build(pipeline)
    except Exception as error:  # noqa: BLE001 - runners raise what they like; it is reported
        return error
    return None


@contextmanager
def shown(progress: Watched, screen: Console) -> Iterator[None]:
    """Shows a progress while the body runs."""
    if screen.quiet:
        yield
        return
    view = ProgressView(progress, screen)
    view.start()
    try:
        yield
    finally:
        view.stop()


def looked(progress: Watched) -> PipelineError | None:
    """Looks once more, at the end; returns what kept it from seeing, if anything."""
    try:
        progress.look()
    except PipelineError as error:
        return error
    return None


def first_line(failure: Exception) -> str:
    """Returns what went wrong in one line.

    A runner's text holds our own error's, and stack traces; no message's content, since the
    transforms keep that out of their errors.
    """
    if isinstance(failure, PipelineError):
        return str(failure)
    lines = [line for line in str(failure).splitlines() if line.strip()]
    return f"{type(failure).__name__}: {lines[-1].strip() if lines else 'no text'}"
