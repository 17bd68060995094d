import math
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from tests.faults.rules import Cut, CutReply, Delay, Hang, Late, Reset, Rule, Slow, Status
from tests.faults.s3_proxy import S3Proxy

LOST = (ConnectionClosedError, HTTPClientError)


class TestRules:
    def rule(self, **fields):
        given = {"method": "*", "key": "", "query": "", "nth": 1, "count": 1, **fields}
        given |= {name: re.compile(given[name]) for name in ("key", "query")}
        return Rule(action=Reset(), **given)

    def test_a_rule_hits_from_the_nth_match_on_as_often_as_told(self):
        rule = self.rule(nth=2, count=2)
        assert [rule.takes("PUT", "a", "") for _ in range(5)] == [False, True, True, False, False]
        assert (rule.matched, rule.applied) == (5, 2)

    def test_a_rule_without_end_hits_all(self):
        rule = self.rule(count=math.inf)
        assert all(rule.takes("GET", "a", "") for _ in range(5))

    def test_method_key_and_query_must_all_match(self):
        rule = self.rule(method="PUT", key=r"^_commits/.*json$", query="partNumber=2")
        assert not rule.takes("GET", "_commits/1.json", "partNumber=2")
        assert not rule.takes("PUT", "data/1.json", "partNumber=2")
        assert not rule.takes("PUT", "_commits/1.json", "partNumber=1")
        assert rule.takes("PUT", "_commits/1.json", "partNumber=2&uploadId=x")


@pytest.fixture
def proxy(s3):
    with S3Proxy(s3.port) as running:
        yield running


@pytest.fixture
def client(s3, proxy):
    return s3.client(endpoint_url=proxy.endpoint_url)


@pytest.fixture
def keys(lake_root):
    """Bucket and prefix of this test, and the arguments of a call on a key below it."""
    bucket, prefix = lake_root.removeprefix("s3://").split("/")
    return lambda name: {"Bucket": bucket, "Key": f"{prefix}/{name}"}


@pytest.fixture
def stored(s3):
    """Returns an object's bytes past the proxy, None if there is no such object."""
    direct = s3.client()

    def read(key):
        try:
            return direct.get_object(**key)["Body"].read()
        except direct.exceptions.NoSuchKey:
            return None

    return read


def code_of(error):
    return error.value.response["Error"]["Code"]


@pytest.mark.integration
class TestWithoutRules:
    def test_signed_calls_of_every_kind_pass_through(self, proxy, client, keys, stored):
        key = keys("a b+ü=1")
        client.put_object(**key, Body=b"x" * 100_000, IfNoneMatch="*")
        assert client.get_object(**key)["Body"].read() == b"x" * 100_000
        assert client.head_object(**key)["ContentLength"] == 100_000
        listing = client.list_objects_v2(Bucket=key["Bucket"], Prefix=key["Key"])
        assert listing["KeyCount"] == 1
        client.delete_object(**key)
        assert stored(key) is None
        assert [(r.method, r.status) for r in proxy.seen] == [
            ("PUT", 200),
            ("GET", 200),
            ("HEAD", 200),
            ("GET", 200),
            ("DELETE", 204),
        ]
        assert proxy.seen[0].key == key["Key"]

    def test_a_wrong_signature_is_still_refused(self, client, keys):
        client._request_signer._credentials.secret_key = "wrong"
        with pytest.raises(ClientError) as error:
            client.put_object(**keys("a"), Body=b"1")
        assert code_of(error) == "SignatureDoesNotMatch"

    def test_a_body_of_64_mib_passes_whole(self, client, keys):
        body = bytes(range(256)) * (1 << 18)
        client.put_object(**keys("big"), Body=body)
        assert client.get_object(**keys("big"))["Body"].read() == body

    def test_multipart_uploads_pass(self, client, keys, stored):
        upload = client.create_multipart_upload(**keys("m"))["UploadId"]
        part = client.upload_part(**keys("m"), UploadId=upload, PartNumber=1, Body=b"p" * 6_000_000)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        client.complete_multipart_upload(**keys("m"), UploadId=upload, MultipartUpload=parts)
        assert len(stored(keys("m"))) == 6_000_000

    def test_many_clients_are_served_at_once(self, proxy, client, keys, stored):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: client.put_object(**keys(f"{i}"), Body=b"%d" % i), range(40)))
        assert all(stored(keys(f"{i}")) == b"%d" % i for i in range(40))
        assert len(proxy.seen) == 40

    def test_an_error_reply_keeps_the_connection_usable(self, client, keys):
        client.put_object(**keys("a"), Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError) as error:
            client.put_object(**keys("a"), Body=b"2", IfNoneMatch="*")
        assert code_of(error) == "PreconditionFailed"
        assert client.get_object(**keys("a"))["Body"].read() == b"1"

    def test_a_dead_server_is_a_lost_connection(self, s3, proxy, client, keys):
        s3.kill()
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"1")
        s3.restart()
        client.put_object(**keys("a"), Body=b"1")
        assert [r.status for r in proxy.seen] == [None, 200]


@pytest.mark.integration
class TestFaults:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (500, "InternalError"),
            (503, "SlowDown"),
            (409, "ConditionalRequestConflict"),
            (412, "PreconditionFailed"),
        ],
    )
    def test_an_injected_status_has_no_effect(self, proxy, client, keys, stored, status, code):
        proxy.add(Status(status), method="PUT", key="a$")
        with pytest.raises(ClientError) as error:
            client.put_object(**keys("a"), Body=b"1")
        assert code_of(error) == code
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert stored(keys("a")) is None
        client.put_object(**keys("a"), Body=b"2")
        assert stored(keys("a")) == b"2"

    def test_a_reset_before_the_effect_stores_nothing(self, proxy, client, keys, stored):
        proxy.add(Reset(), method="PUT")
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"1")
        assert stored(keys("a")) is None
        assert proxy.seen[0].server_status is None

    def test_a_reset_after_the_effect_has_stored(self, proxy, client, keys, stored):
        proxy.add(Reset(after_effect=True), method="PUT")
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"1")
        assert stored(keys("a")) == b"1"
        assert (proxy.seen[0].status, proxy.seen[0].server_status) == (None, 200)

    @pytest.mark.parametrize("after_effect", [False, True])
    def test_a_hanging_request_times_out(self, s3, proxy, keys, stored, after_effect):
        proxy.add(Hang(30, after_effect=after_effect), method="PUT")
        client = s3.client(endpoint_url=proxy.endpoint_url, read_timeout=0.5)
        with pytest.raises(ReadTimeoutError):
            client.put_object(**keys("a"), Body=b"1")
        assert (stored(keys("a")) == b"1") == after_effect

    def test_a_hang_ends_by_closing(self, proxy, client, keys):
        proxy.add(Hang(0.1))
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"1")

    def test_a_delayed_request_is_answered_later(self, proxy, client, keys):
        proxy.add(Delay(0.3), method="PUT")
        began = time.monotonic()
        client.put_object(**keys("a"), Body=b"1")
        assert time.monotonic() - began >= 0.3

    def test_a_late_put_takes_effect_after_the_client_gave_it_up(self, proxy, client, keys, stored):
        proxy.add(Late(None), method="PUT")
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"late", IfNoneMatch="*")
        assert stored(keys("a")) is None
        proxy.land()
        proxy.wait_for(lambda seen: seen.server_status == 200)
        assert stored(keys("a")) == b"late"

    def test_a_late_put_loses_to_one_that_came_first(self, proxy, client, keys, stored):
        proxy.add(Late(0.3), method="PUT")
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"late", IfNoneMatch="*")
        client.put_object(**keys("a"), Body=b"first", IfNoneMatch="*")
        proxy.wait_for(lambda seen: seen.server_status == 412)
        assert stored(keys("a")) == b"first"

    def test_a_cut_upload_stores_nothing(self, proxy, client, keys, stored):
        proxy.add(Cut(0.5), method="PUT")
        with pytest.raises(LOST):
            client.put_object(**keys("a"), Body=b"x" * 5_000_000)
        assert stored(keys("a")) is None

    def test_a_cut_reply_is_noticed_by_the_reader(self, proxy, client, keys):
        client.put_object(**keys("a"), Body=b"x" * 1_000_000)
        proxy.add(CutReply(0.5), method="GET")
        body = client.get_object(**keys("a"))["Body"]
        with pytest.raises((IncompleteReadError, ResponseStreamingError)):
            body.read()

    def test_a_slow_upload_arrives_whole(self, proxy, client, keys, stored):
        proxy.add(Slow(1_000_000), method="PUT")
        began = time.monotonic()
        client.put_object(**keys("a"), Body=b"x" * 300_000)
        assert time.monotonic() - began >= 0.25
        assert stored(keys("a")) == b"x" * 300_000

    def test_a_rule_hits_one_part_of_an_upload(self, proxy, client, keys):
        proxy.add(Status(503), query="partNumber=2")
        upload = client.create_multipart_upload(**keys("m"))["UploadId"]
        part = {**keys("m"), "UploadId": upload, "Body": b"p"}
        client.upload_part(**part, PartNumber=1)
        with pytest.raises(ClientError, match="SlowDown"):
            client.upload_part(**part, PartNumber=2)
        client.upload_part(**part, PartNumber=2)
