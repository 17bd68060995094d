"""The fixtures of this folder."""

from collections.abc import Iterator

import pytest

from runners.flink import Cluster
from tests.fakes.flink import FakeFlink, serving


@pytest.fixture
def fake() -> Iterator[FakeFlink]:
    with serving() as served:
        yield served


@pytest.fixture
def cluster(fake: FakeFlink) -> Cluster:
    return Cluster(fake.address)
