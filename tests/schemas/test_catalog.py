import json
import pickle
from importlib.resources import files

import pytest

from schemas.catalog import packaged_dataset, packaged_datasets
from schemas.compatibility import Level, check

DATASETS = [d.name for d in packaged_datasets()]
EVOLVED = ["dispense_event", "patient_update"]
HEADER = ["event_id", "event_time", "produced_at", "source_system", "source_seq", "tenant_id"]


def names(schema) -> list[str]:
    return [field.name for field in schema.fields]


class TestDatasets:
    @pytest.mark.parametrize("name", DATASETS)
    def test_the_event_time_is_a_timestamp_in_microseconds(self, name):
        dataset = packaged_dataset(name)
        times = {f.name: f.node.logical for f in dataset.reader.fields}
        assert times[dataset.event_time].name == "timestamp-micros"

    @pytest.mark.parametrize("name", DATASETS)
    def test_the_key_names_required_fields_of_the_reader(self, name):
        dataset = packaged_dataset(name)
        kinds = {f.name: f.node.kind for f in dataset.reader.fields}
        assert {kinds[key] for key in dataset.key} == {"string"}

    @pytest.mark.parametrize("name", DATASETS)
    def test_every_version_resolves_to_the_reader(self, name):
        dataset = packaged_dataset(name)
        assert check(dataset.reader, dataset.versions, Level.BACKWARD_TRANSITIVE) == []

    @pytest.mark.parametrize("name", DATASETS)
    def test_every_version_reads_all_before_it(self, name):
        versions = packaged_dataset(name).versions
        for i, schema in enumerate(versions):
            assert check(schema, versions[:i], Level.BACKWARD_TRANSITIVE) == []

    @pytest.mark.parametrize("name", DATASETS)
    def test_all_versions_share_the_namespace(self, name):
        fullnames = {schema.fullname for schema in packaged_dataset(name).versions}
        assert len(fullnames) == 1
        assert fullnames.pop().startswith("io.pharmabeam.events.v1.")

    def test_an_unknown_dataset_names_those_there_are(self):
        with pytest.raises(KeyError, match="dispense_event, patient_update, "):
            packaged_dataset("orders")

    def test_an_unknown_version_is_refused(self):
        for version in (0, 4):
            with pytest.raises(KeyError, match="must be 1 to 3"):
                packaged_dataset("dispense_event").schema(version)

    def test_a_dataset_survives_pickling(self):
        dataset = packaged_dataset("dispense_event")
        assert pickle.loads(pickle.dumps(dataset)) == dataset

    def test_the_readers_have_the_fields_of_the_domain(self):
        assert len(packaged_dataset("dispense_event").reader.fields) == 50
        assert len(packaged_dataset("inventory_movement").reader.fields) == 28
        assert len(packaged_dataset("patient_update").reader.fields) == 40
        for name in ("dispense_event", "inventory_movement", "patient_update"):
            assert names(packaged_dataset(name).reader)[:6] == HEADER


class TestEvolution:
    """The packaged versions must exercise each kind of change that decoders have to cope with."""

    @pytest.mark.parametrize("name", EVOLVED)
    @pytest.mark.parametrize("version", [1, 3])
    def test_fields_are_added_removed_and_renamed(self, name, version):
        dataset = packaged_dataset(name)
        writer, reader = set(names(dataset.schema(version))), set(names(dataset.reader))
        renamed = {a for f in dataset.reader.fields for a in f.aliases if a in writer}
        assert renamed
        assert writer - reader - renamed
        assert reader - writer

    @pytest.mark.parametrize("name", EVOLVED)
    @pytest.mark.parametrize("version", [1, 3])
    def test_shared_fields_are_in_another_order(self, name, version):
        dataset = packaged_dataset(name)
        writer, reader = names(dataset.schema(version)), names(dataset.reader)
        assert [n for n in writer if n in reader] != [n for n in reader if n in writer]

    @pytest.mark.parametrize("name", EVOLVED)
    def test_the_old_sequence_number_is_promoted_from_int(self, name):
        old, now, _ = packaged_dataset(name).versions
        kinds = [next(f.node.kind for f in s.fields if f.name == "source_seq") for s in (old, now)]
        assert kinds == ["int", "long"]

    @pytest.mark.parametrize(
        ("name", "field"), [("dispense_event", "event_type"), ("patient_update", "op")]
    )
    def test_the_newest_enum_has_a_symbol_that_readers_take_for_their_default(self, name, field):
        dataset = packaged_dataset(name)
        newest, reader = (
            next(f.node for f in s.fields if f.name == field)
            for s in (dataset.schema(3), dataset.reader)
        )
        assert set(newest.symbols) > set(reader.symbols)
        assert reader.default


class TestRegistryFile:
    def test_it_lists_every_version_once_under_its_topic_in_the_order_of_ids(self):
        listed = json.loads((files("schemas") / "avsc" / "registry.json").read_text())["schemas"]
        expected = [
            (f"{d.topic}-value", version, f"{d.name}/v{version}.avsc")
            for d in packaged_datasets()
            for version in range(1, len(d.versions) + 1)
        ]
        assert [(e["subject"], e["version"], e["file"]) for e in listed] == expected
        assert [e["id"] for e in listed] == [str(i) for i in range(1, len(expected) + 1)]
