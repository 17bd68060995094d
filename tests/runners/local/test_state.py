import json
import stat

import pytest

from runners.errors import StateFolderError
from runners.local._processes import ProcessId
from runners.local._services import Services
from runners.local._state import Entry, State


def test_an_entry_comes_back_as_it_was_put(tmp_path):
    entry = Entry(ports={"s3": 20000}, process=ProcessId(pid=7, created=1.25))
    State(tmp_path).put("s3", entry)
    State(tmp_path).put("kafka", Entry())
    assert State(tmp_path).entries() == {"s3": entry, "kafka": Entry()}


def test_a_folder_that_was_never_used_has_no_entries(tmp_path):
    assert State(tmp_path / "none").entry("s3") == Entry()


@pytest.mark.parametrize("text", ["", "junk", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_file_that_is_not_ours_is_refused_with_the_remedy(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(StateFolderError, match="take another --state_dir"):
        State(tmp_path).entries()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderError, match="can't be used"), State(tmp_path / "file").lock():
        pass


def test_the_lock_is_free_again_after_the_body(tmp_path):
    state = State(tmp_path / "new")
    for _ in range(2):
        with state.lock():
            assert state.folder.is_dir()


class TestPurge:
    def test_only_what_up_made_is_removed(self, tmp_path):
        (tmp_path / "mine").touch()
        (tmp_path / "s3" / "data").mkdir(parents=True)
        State(tmp_path).put("s3", Entry())
        Services.of(tmp_path).purge()
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]

    def test_a_folder_without_a_record_is_left_alone(self, tmp_path):
        (tmp_path / "s3").mkdir()
        Services.of(tmp_path).purge()
        assert (tmp_path / "s3").exists()


def test_the_environment_file_is_for_its_owner_alone_and_quoted(tmp_path):
    handles = Services.of(tmp_path)
    State(tmp_path).put("kafka", Entry(ports={"PLAINTEXT": 20000}))
    State(tmp_path).put("s3", Entry(ports={"s3": 20001}))
    secrets = {"accessKey": "AK", "secretKey": "it's $ecret"}
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3" / "credentials.json").write_text(
        json.dumps({"identities": [{"credentials": [secrets]}]})
    )
    State(tmp_path).put("redshift", Entry(ports={"client": 20002}))
    (tmp_path / "redshift").mkdir()
    (tmp_path / "redshift" / "password").write_text("pass")
    path = handles.write_environ()
    keys = [(tmp_path / name).read_text() for name in ("dead_letter.key", "masking.key")]
    assert [len(bytes.fromhex(key)) for key in keys] == [32, 32]
    assert keys[0] != keys[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().splitlines() == [
        "export AWS_ENDPOINT_URL_S3=http://127.0.0.1:20001",
        "export AWS_ACCESS_KEY_ID=AK",
        "export AWS_SECRET_ACCESS_KEY='it'\"'\"'s $ecret'",
        "export AWS_REGION=us-east-1",
        "export LAKE_ROOT=s3://pharmacy-lake/events",
        "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:20000",
        "export REDSHIFT_HOST=127.0.0.1",
        "export REDSHIFT_PORT=20002",
        "export REDSHIFT_DATABASE=dev",
        "export REDSHIFT_USER=awsuser",
        "export REDSHIFT_PASSWORD=pass",
        f"export REDSHIFT_CA={tmp_path}/redshift/ca-bundle.pem",
        f"export DEAD_LETTER_KEY={keys[0]}",
        f"export MASKING_KEY={keys[1]}",
    ]
    assert handles.write_environ().read_text().endswith(f"{keys[1]}\n")
