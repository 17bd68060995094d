"""Errors before anything was done, or of a search that proves nothing: all of them refuse."""

from collections.abc import Iterator
from contextlib import contextmanager

from transforms.errors import PipelineError, RefusedError


@contextmanager
def refusing(before: str = "") -> Iterator[None]:
    """Makes a refusal of each error of ours that the body raises.

    Args:
        before: Stands before what is wrong.

    Raises:
        RefusedError: With the remedy that the error names.
    """
    try:
        yield
    except RefusedError:
        raise
    except PipelineError as error:
        raise RefusedError(f"{before}{error.what}", error.remedy) from error
