"""The roles of a load: the loader's own, and the one by which COPY reads the lake."""

import json

import pytest

from tests.runners.deploy.held import assert_fits
from tests.runners.deploy.iam import VALUES, Call
from tests.runners.deploy.s3_calls import Recorder

pytestmark = pytest.mark.warehouse

MANIFESTS = f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}/{VALUES['LAKE_PREFIX']}/_manifests/"


@pytest.fixture
def loaded(command, s3, monkeypatch) -> Recorder:
    """A load of the packaged lake."""
    command("migrate")
    with Recorder(s3.port, command.lake_root) as recorder:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", recorder.endpoint_url)
        assert command("load").startswith("load 1: ")
    assert not recorder.unknown
    return recorder


def test_the_roles_of_a_load_may_do_what_it_does_and_no_more(loaded, command):
    assert_fits("loader", loaded.calls)
    assert_fits("copy", copies(loaded, command.lake_root))


def copies(loaded: Recorder, root: str) -> list[Call]:
    """Returns what COPY asks S3 for, by the manifests: the stand-in isn't Redshift."""
    manifests = [place for place in loaded.written if place.startswith(MANIFESTS)]
    manifests = [place for place in manifests if place.endswith(".json")]
    assert manifests
    entries = [each for place in manifests for each in json.loads(loaded.written[place])["entries"]]
    lake = MANIFESTS.removesuffix("_manifests/")
    files = [lake + each["url"].removeprefix(f"{root}/") for each in entries]
    return [Call("s3:GetObject", place) for place in (*manifests, *files)]
