"""Where a lake is, and what travels to the workers."""

import pickle

import pytest

from transforms.errors import ConfigurationError
from transforms.lake import ObjectStore, StoreSettings
from transforms.lake.settings import split_root


def test_bucket_and_prefix_are_told_apart():
    assert split_root("s3://bucket/a/b/") == ("bucket", "a/b/")


@pytest.mark.parametrize("root", ["", "bucket/a", "s3://bucket", "s3:///a", "file:///a"])
def test_anything_else_is_refused(root):
    with pytest.raises(ConfigurationError, match="lake_root must be"):
        split_root(root)


def test_settings_travel_to_workers_and_credentials_do_not_show():
    settings = StoreSettings(access_key_id="key", secret_access_key="hunter2", session_token="tok")
    store = pickle.loads(pickle.dumps(ObjectStore("s3://bucket/lake/", settings)))
    assert (store.root, store.settings) == ("s3://bucket/lake", settings)
    for secret in ("hunter2", "tok", "'key'"):
        assert secret not in repr(settings)
