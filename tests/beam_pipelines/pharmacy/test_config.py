"""The configuration file: strict, and its errors name the key."""

import json
from importlib import resources

import pytest
import yaml

from beam_pipelines.pharmacy.config import json_schema, load_config
from schemas.wire import WireFormat
from transforms.errors import ConfigurationError

TOPIC = {"topic": "t", "dataset": "drug_ref"}


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "config.yaml"
        path.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
        return load_config(str(path))

    return loaded


def refused(load, text):
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    message = str(caught.value)
    assert "config.yaml" in message
    assert "\n" not in message
    return message


def test_the_packaged_file_is_valid_and_takes_references_first():
    topics = [each.topic for each in load_config(None).topics]
    assert len(topics) == 6
    assert [name.startswith("pharmacy.ref.") for name in topics] == [True] * 3 + [False] * 3


def test_a_minimal_file_gets_the_defaults(load):
    config = load({"topics": [TOPIC]})
    assert config.registry.url == "package:"
    assert config.dead_letters.key == "env:DEAD_LETTER_KEY"
    assert config.topics[0].wire_format is WireFormat.CONFLUENT
    assert config.topics[0].event_time_column() == "effective_from"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"tpoics": []}, "tpoics"),
        ({"registry": {"address": "x"}}, "registry.address"),
        ({"topics": [TOPIC, {**TOPIC, "topic": "u", "colour": "x"}]}, "topics.1.colour"),
    ],
)
def test_an_unknown_key_is_named_by_its_place(load, changed, key):
    assert f"{key}: is not a known key" in refused(load, {"topics": [TOPIC], **changed})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"topics": [TOPIC, TOPIC]}, "topics must name each topic once"),
        ({"topics": []}, "topics"),
        ({"topics": [{"topic": "t"}]}, "topics.0.dataset"),
        ({"topics": [{**TOPIC, "dataset": "nothere"}]}, "nothere"),
        ({"topics": [{**TOPIC, "event_time": "colour"}]}, "event_time must be a field"),
        ({"topics": [{**TOPIC, "wire_format": "json"}]}, "topics.0.wire_format"),
        ({"segment": {"messages": 0}}, "segment.messages"),
        ({"segment": {"bytes": "many"}}, "segment.bytes"),
        ({"masking": {"policy": "none"}}, "policy must be one of ops, limited"),
        ({"masking": {"policy": "safe_harbor"}}, "forbids dates"),
        ({"masking": {"key": "c2VjcmV0"}}, "key must be a reference"),
        ({"masking": {"link_key": "c2VjcmV0"}}, "link_key must be a reference"),
        ({"masking": {"links": {"claims": {}}}}, "masking.links names the dataset claims"),
        (
            {"masking": {"links": {"drug_ref": {"x": {"entity": "drug", "of": []}}}}},
            "masking.links.drug_ref.x.of",
        ),
        ({"datasets": {"claims": {}}}, "the dataset claims, which no topic carries"),
        ({"datasets": {"drug_ref": {"lengths": {"atc": 0}}}}, "datasets.drug_ref.lengths.atc"),
        ({"datasets": {"drug_ref": {"lengths": {"atc": 65_536}}}}, "or equal to 65535"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(load, changed, words):
    assert words in refused(load, {"topics": [TOPIC], **changed})


def test_a_key_in_clear_is_refused_and_not_repeated(load):
    message = refused(load, {"topics": [TOPIC], "dead_letters": {"key": "hunter2"}})
    assert "dead_letters: " in message
    assert "must be a reference" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("text", ["", "[]", "just text"])
def test_another_file_is_no_configuration(load, text):
    assert "the file" in refused(load, text)


def test_broken_yaml_is_named_by_its_line(load):
    assert "is no YAML (line 2)" in refused(load, "topics:\n\t- x")


def test_a_missing_file_is_named():
    with pytest.raises(ConfigurationError, match=r"nothere\.yaml can't be read"):
        load_config("nothere.yaml")


def test_a_schema_of_ones_own_names_its_event_time(load, tmp_path):
    schema = tmp_path / "own.avsc"
    schema.write_text(
        '{"type":"record","name":"Own","fields":['
        '{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}]}'
    )
    topic = {"topic": "t", "dataset": "own", "schema_file": str(schema)}
    assert "event_time must be a field" in refused(load, {"topics": [topic]})
    config = load({"topics": [{**topic, "event_time": "at"}]})
    assert config.topics[0].event_time_column() == "at"
    assert config.topics[0].reader().name == "Own"


class TestASchemaFile:
    @pytest.fixture
    def refused_with(self, load, tmp_path):
        def refusal(content, **changed):
            path = tmp_path / "own.avsc"
            if content is not None:
                path.write_bytes(content)
            topic = {"topic": "t", "dataset": "own", "schema_file": str(path), **changed}
            message = refused(load, {"topics": [topic]})
            assert "topics.0: " in message
            return message

        return refusal

    def test_that_is_missing_is_named_as_such(self, refused_with):
        assert "schema_file can't be read (No such file or directory)" in refused_with(None)

    def test_that_is_a_folder_can_not_be_read(self, refused_with, tmp_path):
        assert "can't be read (Is a directory)" in refused_with(None, schema_file=str(tmp_path))

    def test_that_is_no_text_is_refused_without_its_bytes(self, refused_with):
        message = refused_with(b'"\xff"')
        assert "schema_file is not UTF-8 text" in message
        assert "0xff" not in message

    @pytest.mark.parametrize("content", [b"{", b'"string"', b'{"type": "record"}'])
    def test_that_is_no_schema_of_rows_is_refused(self, refused_with, content):
        assert "schema_file is no schema of rows: " in refused_with(content)


@pytest.mark.parametrize("field", ["package_size", "ndc11"])
def test_an_event_time_that_is_no_timestamp_is_refused(load, field):
    topic = {"topic": "t", "dataset": "drug_ref", "event_time": field}
    rule = f"topics.0: event_time must be a timestamp, and {field} is none"
    assert rule in refused(load, {"topics": [topic]})


def test_folders_by_source_system_need_that_field(load):
    message = refused(load, {"topics": [{**TOPIC, "source_systems": ["A"]}]})
    assert "topics.0: source_systems needs a field source_system" in message


def test_a_file_that_is_no_text_is_refused_without_its_bytes(load, tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"topics: \xff")
    with pytest.raises(ConfigurationError, match=r"config\.yaml is not UTF-8 text") as caught:
        load_config(str(tmp_path / "config.yaml"))
    assert "0xff" not in str(caught.value)


def test_keys_can_be_set_from_the_command_line():
    config = load_config(None, ["masking.policy=limited", "topics.0.topic=stores"])
    assert config.masking.policy == "limited"
    assert config.topics[0].topic == "stores"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("masking", "must be key=value"),
        ("topics.x.topic=a", "x must be a number below 6"),
        ("topics.6.topic=a", "6 must be a number below 6"),
        ("masking.policy.x=a", "leads through a value"),
        ("masking.polcy=ops", "masking.polcy: is not a known key"),
        ("masking.policy=[", "is no YAML"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(override, words):
    with pytest.raises(ConfigurationError, match=words):
        load_config(None, [override])


def test_paths_count_from_the_files_folder(load, tmp_path):
    (tmp_path / "own.yaml").write_text("rules: []")
    config = load({"topics": [TOPIC], "rules": {"files": ["own.yaml", "package:rules.yaml"]}})
    assert config.rules.files == (str(tmp_path / "own.yaml"), "package:rules.yaml")


def test_the_schema_for_editors_is_that_of_the_code():
    packaged = resources.files("beam_pipelines.pharmacy").joinpath("pharmacy.schema.json")
    assert json.loads(packaged.read_text("utf-8")) == json_schema()


def test_a_function_of_ones_own_must_be_importable(load):
    own = {"call": "json:nothere", "version": "1"}
    message = refused(load, {"topics": [TOPIC], "datasets": {"drug_ref": {"functions": [own]}}})
    assert "can't be imported" in message
