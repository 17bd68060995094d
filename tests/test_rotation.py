"""A masking key is rotated under a new version only, and links stay what they were."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.catalog import packaged_dataset
from tests.fakes.chain import MASKING_KEY, FakeRuns
from tests.fakes.object_store import FakeBucket
from tests.faults.lakes import in_order
from tests.oracle import Message, compare, expected_of_run
from tests.oracle.links import LINKS
from tests.oracle.masks import Pseudonymised
from tests.test_cuts import by_topic
from tests.twisted import varied
from transforms.errors import LakeMismatchError

OTHER_KEY = "7e" * 32


@pytest.fixture
def bucket():
    return FakeBucket()


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return varied(2, 200, random.Random(2))


def again(messages: Sequence[Message]) -> list[Message]:
    """The same messages a second time, behind the first ones."""
    starts: dict[str, int] = {}
    ends: dict[str, int] = {}
    for each in messages:
        starts.setdefault(each.topic, each.offset)
        ends[each.topic] = each.offset + 1
    return [
        replace(each, offset=each.offset - starts[each.topic] + ends[each.topic])
        for each in messages
    ]


def run(bucket: FakeBucket, messages: Sequence[Message], **keys: object) -> FakeRuns:
    runs = FakeRuns(bucket, **keys)
    runs.run(messages, lambda place, end: [])
    return runs


def halves(runs: FakeRuns, dataset: str, messages: Sequence[Message]) -> list[pa.Table]:
    """Committed rows of the first and of the second time."""
    rows = in_order(runs.rows(dataset))
    topic = packaged_dataset(dataset).topic
    end = max(each.offset for each in messages if each.topic == topic)
    first = pc.less_equal(rows["_offset"], end)
    return [rows.filter(first), rows.filter(pc.invert(first))]


@pytest.mark.parametrize("dataset", LINKS)
def test_a_rotated_key_leaves_links_and_changes_pseudonyms(bucket, messages, dataset):
    run(bucket, messages)
    rotated = run(bucket, again(messages), key=OTHER_KEY, key_version=2)

    old, new = halves(rotated, dataset, messages)
    assert old.num_rows == new.num_rows > 5
    for name in LINKS[dataset]:
        assert old[name].equals(new[name])
        # What somebody twisted to nothing has none.
        assert old[name].null_count < old.num_rows
    ids = [[i for i in half["patient_id"].to_pylist() if i] for half in (old, new)]
    assert {i[:3] for i in ids[0]} == {"v1:"}
    assert {i[:3] for i in ids[1]} == {"v2:"}
    assert not {i[3:] for i in ids[0]} & {i[3:] for i in ids[1]}


def test_the_oracle_agrees_on_the_rows_under_the_new_key(bucket, messages):
    run(bucket, messages)
    rotated = run(bucket, again(messages), key=OTHER_KEY, key_version=2)

    root = bytes.fromhex(MASKING_KEY)
    before = expected_of_run(by_topic(messages), Pseudonymised(root))
    masks = Pseudonymised(bytes.fromhex(OTHER_KEY), version=2, link_root=root)
    expected = expected_of_run(by_topic(again(messages)), masks, before=before)
    for dataset in LINKS:
        wanted = expected[packaged_dataset(dataset).topic]
        assert not compare(halves(rotated, dataset, messages)[1], wanted)


@pytest.mark.parametrize(
    ("keys", "named"), [({"key": OTHER_KEY}, "key v1"), ({"link_key": OTHER_KEY}, "key link")]
)
def test_another_key_in_an_old_ones_place_is_refused(bucket, messages, keys, named):
    run(bucket, messages)
    with pytest.raises(LakeMismatchError, match=named):
        run(bucket, again(messages), **keys)
