"""One lake, one manifest."""

import orjson
import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import born
from transforms.errors import LakeMismatchError, PipelineError
from transforms.lake import LakeSettings, check_lake, find_lake, open_lake
from transforms.lake.names import LAKE


def opened(store, lake_id="mine", **wanted):
    return open_lake(store, LakeSettings(**wanted), lambda: lake_id)


def test_there_is_no_lake_before_it_is_opened():
    assert find_lake(FakeBucket().store()) is None


def test_opening_twice_gives_the_same_lake():
    store = FakeBucket().store()
    assert opened(store, "one") == opened(store, "two") == find_lake(store)
    assert find_lake(store).lake_id == "one"


def test_of_two_creators_the_faster_one_names_the_lake():
    bucket = FakeBucket()
    slow, fast = bucket.store(), bucket.store()
    slow.before(lambda: opened(fast, "fast"), "put_object", key=LAKE)
    assert opened(slow, "slow").lake_id == "fast"


def test_a_creator_that_loses_is_still_checked_against_the_winner():
    bucket = FakeBucket()
    slow, fast = bucket.store(), bucket.store()
    slow.before(lambda: opened(fast, key_domain="theirs"), "put_object", key=LAKE)
    with pytest.raises(LakeMismatchError, match="key_domain 'theirs', this run wants ''"):
        opened(slow)


@pytest.mark.parametrize(
    "fault", [Fault.LOST_REPLY, Fault.LOST_REQUEST, Fault.CONFLICT, Fault.EXISTS]
)
def test_a_lost_answer_makes_no_second_lake(fault):
    store = FakeBucket().store()
    store.fail(fault, "put_object", key=LAKE)
    assert opened(store).lake_id == "mine"
    assert orjson.loads(store.content[LAKE])["lake_id"] == "mine"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("policy", "limited"),
        ("key_domain", "other"),
        ("partition_columns", ("event_date", "source_system")),
    ],
)
def test_a_run_with_other_settings_is_refused(setting, value):
    store = FakeBucket().store()
    opened(store)
    with pytest.raises(LakeMismatchError, match=f"has {setting} "):
        opened(store, **{setting: value})


def test_a_run_with_the_same_settings_is_let_in():
    store = FakeBucket().store()
    check_lake(opened(store, policy="limited"), LakeSettings(policy="limited"), store.root)


def test_commits_without_a_manifest_are_refused():
    store = born(FakeBucket())
    store.plant(LAKE, None)
    with pytest.raises(LakeMismatchError, match="holds commits but no _lake"):
        opened(store)
    assert LAKE not in store.content


def test_a_manifest_of_a_newer_format_says_so_whatever_else_it_holds():
    store = FakeBucket().store()
    opened(store)
    newer = {**orjson.loads(store.content[LAKE]), "format": 2, "surprise": True}
    store.plant(LAKE, orjson.dumps(newer))
    with pytest.raises(LakeMismatchError, match="format is 2, this version writes 1"):
        find_lake(store)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"format":1,"partition_columns":7}'])
def test_another_file_under_that_name_is_no_lake(body):
    store = FakeBucket().store()
    store.plant(LAKE, body)
    with pytest.raises(LakeMismatchError, match="is no lake manifest"):
        find_lake(store)


def test_a_manifest_that_vanishes_is_an_error():
    store = FakeBucket().store()
    store.before(lambda: store.plant(LAKE, None), "get_object", key=LAKE, skip=1)
    with pytest.raises(PipelineError, match="was created and is gone"):
        opened(store)
