"""Topics of events are sent side by side, each in its own order; what was sent is remembered."""

from itertools import islice

from beam_pipelines.produce.chunk import Fate
from tests.chaos.load import REFERENCES, TOPICS, Load


def load():
    return Load("127.0.0.1:1", seed=1, events=3_000, rate=100)


def values(chunks):
    return [value for chunk in chunks for value in chunk.values]


def test_each_topic_keeps_its_order_and_transactions_stay_whole():
    made = load()
    interleaved = list(made._interleaved())
    for topic in TOPICS.keys() - REFERENCES:
        mine = [chunk for chunk in interleaved if chunk.topic == topic]
        assert values(mine) == values(made._chunks[topic])
        whole = [len(each) for each in made._chunks[topic] if each.fate is not Fate.PLAIN]
        assert [len(each) for each in mine if each.fate is not Fate.PLAIN] == whole
        assert whole


def test_topics_of_events_come_side_by_side_and_none_of_references():
    interleaved = list(load()._interleaved())
    assert {chunk.topic for chunk in interleaved} == TOPICS.keys() - REFERENCES
    assert len({chunk.topic for chunk in islice(interleaved, 10)}) == 2


def test_the_same_seed_gives_the_same_stream():
    first, second = (values(load()._interleaved()) for _ in range(2))
    assert first == second
