"""The fake against Confluent's API reference, by plain HTTP."""

import json
import urllib.error
import urllib.request

import pytest

from tests.registry.fake import FakeRegistry, running


@pytest.fixture
def registry():
    with running() as started:
        yield started


def call(registry: FakeRegistry, path: str, body=None, **headers: str):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{registry.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error_code"]


def test_a_registered_schema_is_found_by_id_and_by_version(registry):
    assert call(registry, "/subjects/a/versions", {"schema": '"int"'}) == (200, {"id": 1})
    assert call(registry, "/schemas/ids/1") == (200, {"schema": '"int"'})
    expected = {"subject": "a", "version": 1, "id": 1, "schema": '"int"'}
    assert call(registry, "/subjects/a/versions/1") == (200, expected)
    assert call(registry, "/subjects/a/versions/latest") == (200, expected)
    assert call(registry, "/subjects") == (200, ["a"])
    assert call(registry, "/subjects/a/versions") == (200, [1])


def test_the_same_schema_keeps_its_id_under_every_subject(registry):
    assert (
        registry.add("a", '"int"') == registry.add("a", '"int"') == registry.add("b", '"int"') == 1
    )
    assert registry.add("a", '"long"') == 2
    assert registry.subjects == {"a": [1, 2], "b": [1]}


def test_what_is_missing_has_the_codes_of_the_api_reference(registry):
    registry.add("a", '"int"')
    assert call(registry, "/subjects/b/versions") == (404, 40401)
    assert call(registry, "/subjects/a/versions/2") == (404, 40402)
    assert call(registry, "/schemas/ids/9") == (404, 40403)
    assert call(registry, "/elsewhere") == (404, 404)


def test_credentials_are_asked_for():
    with running(credentials="ann:secret") as registry:
        assert call(registry, "/subjects") == (401, 401)
        basic = {"Authorization": "Basic YW5uOnNlY3JldA=="}
        assert call(registry, "/subjects", **basic) == (200, [])


def test_faults_can_be_switched_on_and_off(registry):
    registry.add("a", '"int"')
    registry.faults.status = 503
    assert call(registry, "/subjects") == (503, 503)
    registry.faults.status = 0
    registry.faults.hidden_ids = {1}
    assert call(registry, "/schemas/ids/1") == (404, 40403)
    registry.faults.hidden_ids = set()
    registry.faults.conflict = True
    assert call(registry, "/subjects/a/versions", {"schema": '"long"'}) == (409, 409)
    assert call(registry, "/subjects/a/versions", {"schema": '"int"'}) == (200, {"id": 1})
    registry.faults.down = True
    with pytest.raises(OSError, match=r"closed|reset"):
        call(registry, "/subjects")
    registry.faults.down = False
    assert call(registry, "/schemas/ids/1") == (200, {"schema": '"int"'})
    assert registry.requests[0] == "GET /subjects"
