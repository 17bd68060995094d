import pytest

from schemas.catalog import packaged_dataset, packaged_datasets
from schemas.classification import CLASSES, Classification, classification, unclassified
from schemas.model import AvroSchema

MRN = {"phi": {"class": "D:mrn", "mask": "hmac"}, "confluent:tags": ["PHI"]}
VERSIONS = [
    pytest.param(schema, id=f"{dataset.name}-v{version}")
    for dataset in packaged_datasets()
    for version, schema in enumerate(dataset.versions, 1)
]


def record(name, *fields) -> dict:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name, kind="string", **attributes) -> dict:
    return {"name": name, "type": kind, **attributes}


class TestPackaged:
    @pytest.mark.parametrize("schema", VERSIONS)
    def test_every_field_is_classified(self, schema):
        assert unclassified(schema) == ()
        assert list(classification(schema)) == [f.name for f in schema.fields]

    @pytest.mark.parametrize("schema", VERSIONS)
    def test_every_class_is_one_that_is_listed(self, schema):
        assert {found.cls for found in classification(schema).values()} <= set(CLASSES)

    @pytest.mark.parametrize("schema", VERSIONS)
    def test_tags_and_classes_agree(self, schema):
        for found in classification(schema).values():
            assert (found.cls == "NONE") == (not found.tags)
            assert (found.cls[:2] in ("D:", "Q:")) == (found.tags == ("PHI",))

    def test_as_many_fields_are_tagged_as_the_domain_says(self):
        def tagged(name):
            found = classification(packaged_dataset(name).reader).values()
            return sum(bool(one.tags) for one in found)

        assert (tagged("dispense_event"), tagged("patient_update")) == (18, 21)

    @pytest.mark.parametrize("name", ["dispense_event", "patient_update"])
    def test_a_renamed_field_keeps_its_class(self, name):
        dataset = packaged_dataset(name)
        now = classification(dataset.reader)
        for version in (1, 3):
            writer = classification(dataset.schema(version))
            for one in dataset.reader.fields:
                for written in {one.name, *one.aliases} & writer.keys():
                    assert writer[written] == now[one.name]


class TestRules:
    def test_a_field_that_says_nothing_is_unclassified(self):
        schema = AvroSchema.parse(record("R", field("a", **MRN), field("b")))
        assert unclassified(schema) == ("b",)
        assert classification(schema) == {"a": Classification("D:mrn", "hmac", ("PHI",))}

    @pytest.mark.parametrize("phi", [None, "NONE", {}, {"class": ""}, {"mask": "hmac"}])
    def test_a_class_that_names_nothing_is_none(self, phi):
        assert unclassified(AvroSchema.parse(record("R", field("a", phi=phi)))) == ("a",)

    def test_nested_fields_are_named_by_their_path_and_inherit(self):
        inner = record("In", field("x"), field("y", phi={"class": "NONE"}))
        schema = AvroSchema.parse(
            record("R", field("a", ["null", {"type": "array", "items": inner}], **MRN))
        )
        found = classification(schema)
        assert {path: one.cls for path, one in found.items()} == {"a.x": "D:mrn", "a.y": "NONE"}

    def test_a_type_that_is_used_again_is_classified_at_each_place(self):
        inner = {**record("In", field("x")), "namespace": "p.q"}
        schema = AvroSchema.parse(
            {
                **record("R", field("a", inner, phi={"class": "NONE"}), field("b", "p.q.In")),
                "namespace": "p",
            }
        )
        assert list(classification(schema)) == ["a.x"]
        assert unclassified(schema) == ("b.x",)

    def test_names_follow_the_namespace_around_them(self):
        inner = record("In", field("x", phi={"class": "NONE"}))
        schema = AvroSchema.parse(record("p.q.R", field("a", inner), field("b", "In")))
        assert list(classification(schema)) == ["a.x", "b.x"]

    def test_recursive_schemas_end(self):
        schema = AvroSchema.parse(record("R", field("a", **MRN), field("next", ["null", "R"])))
        assert list(classification(schema)) == ["a"]
        assert unclassified(schema) == ("next",)
