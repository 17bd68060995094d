import pickle

import pytest

from runners import errors
from runners.errors import (
    FlinkClusterError,
    JavaNotFoundError,
    LocalServiceError,
    MavenError,
    RunnersError,
    StateFolderError,
    WorkerError,
)

# One of each of the errors about local things; those of the presets have a test of their own.
EXAMPLES = [
    JavaNotFoundError("17 or newer", ("PATH: version 11",)),
    MavenError("g:a:1", "not found"),
    FlinkClusterError("http://h:8081", "it gives no answer"),
    WorkerError("1-1", "it has no packages", "install them"),
    LocalServiceError("kafka", "it ended", "see its log"),
    StateFolderError("folder", "locked", "take another"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_its_message(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)
    assert isinstance(copy, RunnersError)


def test_every_public_error_has_the_common_base():
    assert all(issubclass(getattr(errors, name), RunnersError) for name in errors.__all__)
