"""A lake that is not what the run takes it for is refused with exit code 2 and left alone."""

import json

import pytest

from beam_pipelines.exit_codes import ExitCode
from tests.faults.conftest import DISPENSE
from tests.faults.lakes import assert_exact
from tests.faults.rules import Status
from tests.faults.s3_proxy import S3Proxy
from transforms.lake.names import LAKE

pytestmark = pytest.mark.faults


def with_manifest(**changes):
    """Returns a change of the lake that edits its manifest."""

    def edit(lake):
        manifest = json.loads(lake.store.get(LAKE))
        lake.store.put(LAKE, json.dumps({**manifest, **changes}).encode())

    return edit


#: What befalls the lake, and what the refusal says.
CHANGES = {
    "has policy 'limited', this run wants 'ops'": with_manifest(policy="limited"),
    "the lake's format is 2": with_manifest(format=2),
    "belongs to the lake": with_manifest(lake_id="another"),
    f"holds commits but no {LAKE}": lambda lake: lake.store.delete([LAKE]),
}


def test_a_lake_that_was_made_otherwise_is_refused_and_left_alone(lake, stream):
    # Some is committed, and some is still to be read.
    lake.drain(crash="lake.after_commit:7")
    whole = lake.store.get(LAKE)
    for says, change in CHANGES.items():
        change(lake)
        keys = lake.keys()
        refused = lake.drain()
        assert refused.code == ExitCode.REFUSED, (says, refused)
        assert len(refused.errors) == 1, refused
        assert says in refused.errors[0]
        assert lake.keys() == keys, says
        lake.store.put(LAKE, whole)
    assert_exact(lake, stream)


def test_a_run_with_other_partition_columns_is_refused(lake, stream, config_factory):
    lake.drain(crash="lake.after_commit:7")
    keys = lake.keys()
    topic = {"topic": DISPENSE.name, "dataset": DISPENSE.dataset, "source_systems": ["rx-one"]}
    refused = lake.drain(config=config_factory(DISPENSE, topics=[topic]))
    assert refused.code == ExitCode.REFUSED
    assert "partition_columns" in refused.errors[0]
    assert lake.keys() == keys


@pytest.mark.parametrize("fault", [Status(503), Status(403, "AccessDenied")])
def test_a_store_that_can_not_be_reached_at_the_start_is_refused(lake, s3, fault):
    with S3Proxy(s3.port) as proxy:
        proxy.add(fault, query="max-keys=1")
        refused = lake.behind(proxy).drain()
    assert refused.code == ExitCode.REFUSED
    assert len(refused.err.splitlines()) == 1
    assert lake.keys() == set()
