"""What S3 says, in our words, and patience."""

import botocore.exceptions
import pytest

from tests.fakes.object_store import FakeBucket, Fault
from transforms.errors import (
    ConfigurationError,
    ObjectConflictError,
    ObjectExistsError,
    ObjectMissingError,
    OutcomeUnknownError,
    RefusedError,
    StoreUnavailableError,
)
from transforms.lake.client import ERRORS, translated

OUTAGE = StoreUnavailableError


def answer(code, status):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.exceptions.ClientError(response, "operation")


class TestTranslation:
    @pytest.mark.parametrize("code", sorted(c for c in ERRORS if ERRORS[c] is not OUTAGE))
    def test_every_code_has_one_meaning_for_every_operation(self, code):
        for operation in ("put_object", "get_object"):
            assert type(translated(answer(code, 400), operation, "b")) is ERRORS[code]

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (404, ObjectMissingError),
            (409, ObjectConflictError),
            (412, ObjectExistsError),
            (403, ConfigurationError),
            (301, ConfigurationError),
        ],
    )
    def test_a_code_of_another_server_is_judged_by_its_status(self, status, kind):
        assert type(translated(answer("Whatever", status), "head_object", "b")) is kind
        assert type(translated(answer(str(status), status), "head_object", "b")) is kind

    @pytest.mark.parametrize(
        "error",
        [
            answer("InternalError", 500),
            answer("SlowDown", 503),
            answer("ServiceUnavailable", 503),
            answer("BadDigest", 400),
            answer("IncompleteBody", 400),
            answer("RequestTimeout", 400),
            answer("XAmzContentSHA256Mismatch", 400),
            botocore.exceptions.ConnectTimeoutError(endpoint_url="u"),
            botocore.exceptions.ReadTimeoutError(endpoint_url="u"),
            botocore.exceptions.ConnectionClosedError(endpoint_url="u"),
            botocore.exceptions.EndpointConnectionError(endpoint_url="u", error="e"),
        ],
        ids=repr,
    )
    def test_only_a_put_without_an_answer_may_have_taken_effect(self, error):
        assert type(translated(error, "put_object", "b")) is OutcomeUnknownError
        assert type(translated(error, "get_object", "b")) is StoreUnavailableError

    def test_missing_credentials_and_region_are_said_so(self):
        no_key = translated(botocore.exceptions.NoCredentialsError(), "get_object", "b")
        assert isinstance(no_key, ConfigurationError)
        no_region = translated(botocore.exceptions.NoRegionError(), "get_object", "b")
        assert "AWS_REGION" in str(no_region)

    def test_operation_and_bucket_are_named(self):
        text = str(translated(answer("412", 412), "put_object", "b"))
        assert "S3 put_object on bucket b: 412" in text


class TestPatience:
    def test_an_answer_that_will_not_change_is_not_waited_for(self):
        store = FakeBucket().store()
        store.fail(Fault.DENIED, "get_object")
        with pytest.raises(ConfigurationError):
            store.get("k")
        assert store.calls["get_object"] == 1

    def test_create_is_one_attempt(self):
        store = FakeBucket().store()
        store.fail(Fault.LOST_REQUEST, "put_object")
        with pytest.raises(OutcomeUnknownError):
            store.create("k", b"")
        assert store.calls["put_object"] == 1

    def test_the_first_look_takes_one_try_and_says_where_to_look(self):
        store = FakeBucket().store()
        store.fail(Fault.LOST_REQUEST, "list_objects_v2")
        with pytest.raises(RefusedError, match=r"s3://bucket/lake can't be reached .*endpoint"):
            store.check_reachable()
        assert store.calls["list_objects_v2"] == 1
