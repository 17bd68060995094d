"""SSE-KMS reaches every PUT. The local servers have no KMS, so a stub stands for S3."""

from dataclasses import replace

import pytest
from botocore.stub import ANY, Stubber

from transforms.lake import LakeSettings, ObjectStore, StoreSettings, open_lake

KEY = "arn:aws:kms:eu-central-1:111122223333:key/test"
SETTINGS = StoreSettings(
    endpoint_url="http://127.0.0.1:1",
    region="eu-central-1",
    access_key_id="id",
    secret_access_key="word",
    kms_key_id=KEY,
)
PUT = {"Bucket": "bucket", "Body": ANY, "ChecksumSHA256": ANY}
SSE = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}


@pytest.fixture
def store():
    return ObjectStore("s3://bucket/lake", SETTINGS)


@pytest.fixture
def s3(store):
    with Stubber(store._client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_data_file_is_encrypted_with_the_key(store, s3):
    s3.add_response("put_object", {}, {**PUT, **SSE, "Key": "lake/data/x"})

    store.put("data/x", b"rows")


def test_a_commit_is_encrypted_with_the_key_and_create_only(store, s3):
    s3.add_response("put_object", {}, {**PUT, **SSE, "Key": "lake/_commits/x", "IfNoneMatch": "*"})

    store.create("_commits/x", b"commit")


def test_the_manifest_is_encrypted_with_the_key(store, s3):
    missing = {"service_error_code": "NoSuchKey", "http_status_code": 404}
    s3.add_client_error("get_object", **missing)
    s3.add_response("list_objects_v2", {"IsTruncated": False})
    s3.add_client_error(
        "put_object",
        "AccessDenied",
        http_status_code=403,
        expected_params={**PUT, **SSE, "Key": "lake/_lake.json", "IfNoneMatch": "*"},
    )

    with pytest.raises(Exception, match="AccessDenied"):
        open_lake(store, LakeSettings())


def test_without_a_key_the_bucket_decides():
    store = ObjectStore("s3://bucket/lake", replace(SETTINGS, kms_key_id=None))
    with Stubber(store._client) as stubber:
        stubber.add_response("put_object", {}, {**PUT, "Key": "lake/data/x"})
        store.put("data/x", b"rows")
        stubber.assert_no_pending_responses()
