"""A sound lake for each test to damage."""

import pytest

from tests.fakes.lake import FakeLake
from tests.transforms.lake.verify.lakes import sound_lake


@pytest.fixture
def lake() -> FakeLake:
    return sound_lake()
