"""A role that lacks something, or has too much, is found out."""

import pytest

from tests.runners.deploy.held import BUCKET, assert_fits
from tests.runners.deploy.iam import VALUES, Call

LAKE = f"{BUCKET}/{VALUES['LAKE_PREFIX']}/"
LISTED = Call("s3:ListBucket", BUCKET, {"s3:prefix": f"{VALUES['LAKE_PREFIX']}/data/"})
READS = [
    LISTED,
    *(
        Call("s3:GetObject", LAKE + key)
        for key in ("_lake.json", "_commits/t/i/0/1.json", "data/d/f.parquet", "_runs/r.json")
    ),
]


def test_a_role_that_fits_passes():
    assert_fits("reader", READS)


def test_what_a_role_lacks_is_named():
    with pytest.raises(AssertionError, match=r"reader lacks: .*s3:PutObject on .*_runs/r\.json"):
        assert_fits("reader", [*READS, Call("s3:PutObject", LAKE + "_runs/r.json")])


def test_what_nothing_asked_for_is_named():
    with pytest.raises(AssertionError, match=r"nothing asked for .*s3:GetObject.*_runs/\*"):
        assert_fits("reader", READS[:-1])


def test_a_list_of_the_whole_bucket_by_prefix_is_too_much():
    with pytest.raises(AssertionError, match=r"reader lacks: .*s3:ListBucket"):
        assert_fits("reader", [*READS, Call("s3:ListBucket", BUCKET, {"s3:prefix": "other/"})])
