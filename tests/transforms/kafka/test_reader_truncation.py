"""A log that is cut off while it is read."""

import pytest

from tests.transforms.kafka.test_reader import World
from transforms.errors import LogTooShortError
from transforms.kafka.messages import Fetched
from transforms.segment import MESSAGES_SCHEMA


def test_a_log_cut_off_under_the_reader_stops_the_run_instead_of_asking_for_ever():
    world = World()
    whole = world.source.fetch

    def fetch(start, wanted, limits):
        if start < 20:
            return whole(start, wanted, limits)
        return Fetched(MESSAGES_SCHEMA.empty_table(), start)

    world.source.fetch = fetch
    with pytest.raises(LogTooShortError, match="cut off"):
        world.run()
    assert world.commits()[-1].end == 20
