"""What a run refuses before it touches anything: one line with the remedy, and exit code 2.

Most of it runs in this process; what a process of its own says is the same, as the first tests see.
"""

import pytest

from tests.integration.small import DATASET, confluent, send
from tests.servers import make_topic

pytestmark = pytest.mark.integration

NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def topic(kafka):
    name = make_topic(kafka, "bad-input", 1, {})
    send(kafka, name, confluent(range(3)))
    return name


@pytest.fixture
def lake(make_lake, topic):
    return make_lake(topic)


def assert_refused(lake, ended, *told: str) -> None:
    """One line that tells, no trace of a run, nothing of a traceback or a library's log."""
    assert ended.code == 2, ended
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended
    assert lines[0].startswith("error: ")
    for text in told:
        assert text in lines[0]
    assert not list(lake.store.walk(""))


class TestFlags:
    @pytest.mark.parametrize(
        ("flag", "told"),
        [
            ("--lake_rot=s3://b/p", "unknown flag --lake_rot"),
            ("--runer=direct", "Did you mean --runner?"),
            ("--start=yesterday", "Give earliest, latest, a time"),
            ("--start=2026-01-01T00:00:00", "has no time zone"),
            ("--mode=stream", "--mode"),
            ("--lake_root=s3://bucket", "lake_root must be s3://bucket/prefix"),
            ("--lake_root=/var/lake", "lake_root must be s3://bucket/prefix"),
            ("--config=no/such/file.yaml", "can't be read"),
            ("--progress=loud", "--progress"),
        ],
    )
    def test_a_wrong_flag_is_refused(self, drain_here, lake, flag, told):
        assert_refused(lake, drain_here(lake, flag), told)

    @pytest.mark.parametrize("missing", ["--mode", "--kafka_bootstrap_servers", "--lake_root"])
    def test_a_missing_flag_is_named(self, lake, missing):
        flags = ["--mode=drain", f"--kafka_bootstrap_servers={NOWHERE}", f"--lake_root={lake.root}"]
        given = [flag for flag in flags if not flag.startswith(missing)]

        ended = lake.launcher.launch(given, environ=dict(lake.s3.environ())).wait()

        assert_refused(lake, ended, missing, "--help")


class TestPlaces:
    def test_a_broker_that_does_not_listen_is_told(self, drain_here, lake):
        ended = drain_here(lake, f"--kafka_bootstrap_servers={NOWHERE}")

        assert_refused(lake, ended, NOWHERE, "Check --kafka_bootstrap_servers")

    def test_a_host_without_an_address_is_told(self, drain_here, lake):
        ended = drain_here(lake, "--kafka_bootstrap_servers=kafka.invalid:9092")

        assert_refused(lake, ended, "kafka.invalid:9092", "Check --kafka_bootstrap_servers")

    def test_a_missing_bucket_is_told(self, drain_here, lake):
        ended = drain_here(lake, "--lake_root=s3://no-such-bucket/lake")

        assert_refused(lake, ended, "no-such-bucket", "NoSuchBucket", "Check the bucket's name")

    def test_an_s3_server_that_does_not_listen_is_told(self, drain_here, lake):
        ended = drain_here(lake, f"--s3_endpoint_url=http://{NOWHERE}")

        assert_refused(lake, ended, "can't be reached", "Check --s3_endpoint_url")

    @pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    def test_wrong_s3_credentials_are_told(self, drain_here, make_lake, topic, name):
        lake = make_lake(topic, environ={name: "WRONGWRONGWRONGWRONG"})

        ended = drain_here(lake)

        assert_refused(lake, ended, lake.s3.bucket, "credentials")
        assert "WRONGWRONG" not in ended.err

    def test_a_missing_topic_is_named(self, drain_here, make_lake, topic):
        lake = make_lake(topic, "no-such-topic")

        assert_refused(lake, drain_here(lake), "the broker has no topic no-such-topic", "Create it")

    def test_a_registry_that_does_not_listen_is_told(self, drain_here, make_lake, topic):
        lake = make_lake(topic, registry={"url": f"http://user:word@{NOWHERE}"})

        ended = drain_here(lake)

        assert_refused(lake, ended, f"http://{NOWHERE} does not answer", "Check registry.url")
        assert "word" not in ended.err

    def test_a_registry_of_an_unknown_kind_is_told(self, drain_here, make_lake, topic):
        lake = make_lake(topic, registry={"url": "ftp://schemas"})

        assert_refused(lake, drain_here(lake), "package:, file:DIR, http(s)://HOST")

    def test_a_registry_folder_that_is_missing_is_told(self, drain_here, make_lake, topic):
        lake = make_lake(topic, registry={"url": "file:no/such/folder"})

        assert_refused(lake, drain_here(lake), "no/such/folder")


class TestConfiguration:
    @pytest.mark.parametrize(
        ("sections", "told"),
        [
            ({"topcs": []}, "topcs: is not a known key"),
            ({"kafka": {"patience": 3}}, "kafka.patience: is not a known key"),
            ({"kafka": {"patience_s": 0}}, "kafka.patience_s"),
            ({"segment": {"messages": 0}}, "segment.messages"),
            ({"masking": {"policy": "safe_harbor"}}, "forbids dates"),
            ({"topics": []}, "topics"),
            ({"topics": [{"topic": "t", "dataset": "no_such"}]}, "no_such"),
            (
                {"topics": [{"topic": "t", "dataset": DATASET, "event_time": "no_such"}]},
                "event_time must be a field of the schema",
            ),
            ({"topics": [{"topic": "t", "dataset": DATASET}] * 2}, "each topic once"),
            ({"topics": [{"topic": "t", "dataset": DATASET, "wire_format": "json"}]}, "confluent"),
            ({"dead_letters": {"key": "5f" * 32}}, "key must be a reference"),
            ({"kafka": {"config": {"isolation.level": "read_uncommitted"}}}, "isolation.level"),
            ({"kafka": {"config": {"no.such.setting": "1"}}}, "no.such.setting"),
            ({"kafka": {"config": {"sasl.password": "env:NO_SUCH"}}}, "NO_SUCH is not set"),
            ({"kafka": {"config": {"ssl.ca.location": "no/ca", "security.protocol": "ssl"}}}, "ca"),
        ],
    )
    def test_a_wrong_setting_is_named(self, drain_here, lake, topic, write_config, sections, told):
        content = {"topics": [{"topic": topic, "dataset": DATASET}], **sections}

        ended = drain_here(lake, config=write_config(**content))

        assert_refused(lake, ended, told)
        assert "5f5f5f" not in ended.err

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("topics: [", "no YAML (line"),
            ("just text", "the file"),
            ("", "the file"),
            ("topics: \0", "no YAML"),
        ],
    )
    def test_a_file_that_is_no_configuration_is_told(self, drain_here, lake, tmp_path, text, told):
        path = tmp_path / "broken.yaml"
        path.write_text(text)

        assert_refused(lake, drain_here(lake, config=str(path)), "broken.yaml", told)

    @pytest.mark.parametrize("key", ["", "5f" * 31, "no key at all"])
    def test_a_dead_letter_key_of_another_form_is_refused(self, drain_here, make_lake, topic, key):
        lake = make_lake(topic, environ={"DEAD_LETTER_KEY": key})

        ended = drain_here(lake)

        assert_refused(lake, ended, "the dead-letter key must be 32 bytes", "token_hex(32)")
        assert not key or key not in ended.err

    def test_a_dead_letter_key_that_is_not_set_is_named(self, drain_here, make_lake, topic):
        lake = make_lake(topic, dead_letters={"key": "env:NO_SUCH_KEY"})

        assert_refused(lake, drain_here(lake), "NO_SUCH_KEY is not set", "Set it")


def test_a_refused_run_leaves_the_broker_as_it_was(kafka, make_lake, topic):
    admin = kafka.admin()
    before = set(admin.list_topics(timeout=10).topics)
    lake = make_lake(topic, "no-such-topic", kafka={"group_id": "refused"})

    assert lake.drain().code == 2

    assert set(admin.list_topics(timeout=10).topics) == before
    groups = admin.list_consumer_groups().result()
    assert "refused" not in {group.group_id for group in groups.valid}
