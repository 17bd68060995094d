import json
import stat

import pytest

from runners.errors import LocalServiceError
from runners.local import RedshiftSettings
from runners.local._redshift import _remove_shared_memory
from runners.local._services import Services
from runners.local._state import Entry


@pytest.fixture
def redshift(tmp_path):
    """A stand-in that is prepared and not started, beside an S3 server that is as well."""
    handles = Services.of(tmp_path, redshift=RedshiftSettings(iam_role="arn:mine"))
    handles.state.put("s3", Entry(ports={"s3": 20001}))
    handles.state.put("redshift", Entry(ports={"client": 20002, "control": 20003}))
    handles.s3.folder.mkdir()
    handles.s3._prepare()
    handles.redshift.folder.mkdir()
    handles.redshift._prepare()
    return handles.redshift


def test_the_gateway_learns_where_everything_is(redshift):
    config = json.loads((redshift.folder / "gateway.json").read_text())
    assert config["port"] == redshift.port == 20002
    assert config["password"] == redshift.password
    assert config["role"] == "arn:mine"
    assert config["s3"]["endpoint_url"] == "http://127.0.0.1:20001"


def test_files_with_secrets_are_for_their_owner_alone(redshift):
    for name in ("password", "gateway.json", "tls/server.pem"):
        assert stat.S_IMODE((redshift.folder / name).stat().st_mode) == 0o600


def test_the_bundle_holds_public_roots_and_the_local_authority(redshift):
    authority = (redshift.folder / "tls" / "ca.pem").read_text()
    bundle = redshift.ca_bundle.read_text()
    assert authority in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 20


def test_the_password_stays_when_it_is_prepared_again(redshift):
    before = redshift.password
    redshift._prepare()
    assert redshift.password == before


def test_what_is_not_known_before_the_start_says_so(tmp_path):
    redshift = Services.of(tmp_path).redshift
    for unknown in ("port", "password"):
        with pytest.raises(LocalServiceError, match="start it first"):
            getattr(redshift, unknown)


@pytest.mark.parametrize("lock", ["", "1\n2\n3\n4\n5\n6\nx\n"])
def test_a_lock_file_that_names_no_shared_memory_is_passed_over(tmp_path, lock):
    path = tmp_path / "postmaster.pid"
    path.write_text(lock)
    _remove_shared_memory(path)
    assert path.read_text() == lock
