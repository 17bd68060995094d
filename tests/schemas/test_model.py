import json
import pickle
from pathlib import Path

import fastavro.schema
import pytest

import schemas
from schemas.errors import SchemaParseError
from schemas.model import AvroSchema
from schemas.nodes import Enum, Fixed, Record, branch_names, recursive_record

PACKAGED = sorted((Path(schemas.__file__).parent / "avsc").glob("*/*.avsc"))
LIST = {
    "type": "record",
    "name": "Cell",
    "namespace": "a.b",
    "fields": [
        {"name": "value", "type": "int", "phi": {"class": "D:mrn"}},
        {"name": "next", "type": ["null", "Cell"], "default": None},
    ],
}


def record(*fields, **rest):
    return {"type": "record", "name": "R", "fields": list(fields), **rest}


def field(kind, **rest):
    return {"name": "f", "type": kind, **rest}


class TestParsing:
    def test_text_bytes_and_dicts_give_equal_schemas(self):
        text = json.dumps(LIST, indent=3)

        parsed = [AvroSchema.parse(x) for x in (LIST, text, text.encode())]

        assert len(set(parsed)) == 1
        assert parsed[0].fullname == "a.b.Cell"
        assert parsed[0].name == "Cell"
        assert [f.name for f in parsed[0].fields] == ["value", "next"]

    def test_the_order_of_keys_does_not_matter_but_attributes_do(self):
        turned = dict(reversed(LIST.items()))
        plain = json.loads(json.dumps(LIST).replace('"phi"', '"note"'))

        assert AvroSchema.parse(LIST) == AvroSchema.parse(turned)
        assert AvroSchema.parse(LIST) != AvroSchema.parse(plain)
        assert AvroSchema.parse(LIST).fingerprint == AvroSchema.parse(plain).fingerprint

    def test_attributes_are_kept_and_the_copy_is_the_callers_own(self):
        schema = AvroSchema.parse(LIST)

        schema.json["fields"][0].clear()

        assert schema.json["fields"][0]["phi"] == {"class": "D:mrn"}

    def test_a_schema_survives_pickling(self):
        schema = AvroSchema.parse(LIST)

        assert pickle.loads(pickle.dumps(schema)) == schema

    def test_a_primitive_is_a_schema_too(self):
        schema = AvroSchema.parse('"string"')

        assert (schema.fullname, schema.fields) == ("string", ())

    def test_names_are_found_in_their_own_namespace_first(self):
        inner = {"type": "fixed", "name": "Id", "size": 2}
        far = {"type": "fixed", "name": "Id", "namespace": "far", "size": 4}
        schema = AvroSchema.parse(
            record(
                {"name": "a", "type": far},
                {"name": "b", "type": inner},
                {"name": "c", "type": "Id"},
                {"name": "d", "type": "far.Id"},
                namespace="near",
            )
        )

        assert [f.node.name for f in schema.fields] == ["far.Id", "near.Id", "near.Id", "far.Id"]

    def test_a_logical_type_on_the_wrong_type_is_ignored(self):
        schema = AvroSchema.parse(record(field({"type": "string", "logicalType": "date"})))

        assert schema.fields[0].node.logical is None

    def test_recursion_is_found_and_reuse_is_no_recursion(self):
        pair = {"type": "enum", "name": "E", "symbols": ["A"]}
        reuse = record(field(pair), {"name": "g", "type": "E"})

        assert recursive_record(AvroSchema.parse(LIST).root).name == "a.b.Cell"
        assert recursive_record(AvroSchema.parse(reuse).root) is None

    def test_branches_get_short_names_unless_two_share_one(self):
        def fixed(name):
            return {"type": "fixed", "name": name, "size": 1}

        union = ["null", "int", fixed("a.X"), fixed("b.X"), fixed("c.Y")]
        schema = AvroSchema.parse(record(field(union)))

        assert branch_names(schema.fields[0].node) == ("null", "int", "a.X", "b.X", "Y")


class TestDefaults:
    @pytest.mark.parametrize(
        ("kind", "value", "raw"),
        [
            ("null", None, None),
            ("boolean", True, True),
            ("int", -3, -3),
            ("double", 3, 3.0),
            ("string", "x", "x"),
            ("bytes", "\u00ff\u0001", b"\xff\x01"),
            (["null", "int"], None, None),
            (["null", "int"], 4, 4),
            (["null", "int", "string"], "x", (2, "x")),
            ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
            ({"type": "map", "values": "int"}, {"a": 1}, [("a", 1)]),
            ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", 1),
            ({"type": "fixed", "name": "F", "size": 2}, "ab", b"ab"),
            ({"type": "bytes", "logicalType": "decimal", "precision": 3}, "\u00ff", -1),
            (
                {
                    "type": "record",
                    "name": "I",
                    "fields": [field("int"), {"name": "g", "type": "int", "default": 9}],
                },
                {"f": 1},
                (1, 9),
            ),
        ],
    )
    def test_a_default_becomes_a_raw_value(self, kind, value, raw):
        schema = AvroSchema.parse(record(field(kind, default=value)))

        assert schema.fields[0].has_default
        assert schema.fields[0].default == raw

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("int", 1 << 31),
            ("int", True),
            ("int", 1.5),
            ("long", "1"),
            ("float", True),
            ("string", None),
            ("bytes", "\u0100"),
            ("boolean", 0),
            (["null", "int"], "x"),
            ({"type": "fixed", "name": "F", "size": 2}, "abc"),
            ({"type": "enum", "name": "E", "symbols": ["A"]}, "B"),
            ({"type": "bytes", "logicalType": "decimal", "precision": 2}, "\u007f"),
            ({"type": "record", "name": "I", "fields": [field("int")]}, {}),
            ({"type": "record", "name": "I", "fields": [field("int")]}, []),
        ],
    )
    def test_a_default_of_another_type_is_refused_at_its_field(self, kind, value):
        with pytest.raises(SchemaParseError, match=r"schema R\.f: the default"):
            AvroSchema.parse(record(field(kind, default=value)))


class TestRefusals:
    @pytest.mark.parametrize(
        ("document", "place", "rule"),
        [
            ("{", "line 1", "is not JSON"),
            (record(field("Missing")), "R.f", "unknown type 'Missing'"),
            (record(field(7)), "R.f", "neither a name"),
            (record(field({})), "R.f", "has no type"),
            (record({"name": "f"}), "R.f", "has no type"),
            (record({"name": "1f", "type": "int"}), "R", "a field whose name"),
            (record(field("int"), field("int")), "R", "two fields of one name"),
            ({"type": "record", "name": "R"}, "R", "without fields"),
            ({"type": "record", "name": "a-b", "fields": []}, "(root)", "whose name"),
            ({"type": "record", "name": "int", "fields": []}, "(root)", "primitive type int"),
            (record(field([])), "R.f", "without branches"),
            (record(field(["int", ["null"]])), "R.f", "directly inside"),
            (record(field(["int", "int"])), "R.f", "two branches"),
            (record(field({"type": "array"})), "R.f", "without items"),
            (record(field({"type": "map"})), "R.f", "without values"),
            (record(field({"type": "enum", "name": "E", "symbols": []})), "R.f", "symbols"),
            (record(field({"type": "enum", "name": "E", "symbols": ["A", "A"]})), "R.f", "twice"),
            (record(field({"type": "enum", "name": "E", "symbols": ["a b"]})), "R.f", "not a name"),
            (
                record(field({"type": "enum", "name": "E", "symbols": ["A"], "default": "B"})),
                "R.f",
                "none of its symbols",
            ),
            (record(field({"type": "fixed", "name": "F", "size": -1})), "R.f", "no size"),
            (record(field({"type": "fixed", "name": "R", "size": 1})), "R.f", "second time"),
            (record(field("int", aliases="x")), "R.f", "aliases"),
            (record(field({"type": "bytes", "logicalType": "decimal"})), "R.f", "precision"),
            (
                record(
                    field({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3})
                ),
                "R.f",
                "scale",
            ),
            (
                record(
                    field(
                        {
                            "type": "fixed",
                            "name": "F",
                            "size": 1,
                            "logicalType": "decimal",
                            "precision": 3,
                        }
                    )
                ),
                "R.f",
                "does not fit into 1 bytes",
            ),
        ],
    )
    def test_a_bad_schema_is_refused_with_its_place_and_rule(self, document, place, rule):
        with pytest.raises(SchemaParseError) as caught:
            AvroSchema.parse(document)

        assert caught.value.place == place
        assert rule in str(caught.value)

    def test_hostile_nesting_is_refused_before_the_stack_ends(self):
        document = "int"
        for _ in range(500):
            document = {"type": "array", "items": document}

        with pytest.raises(SchemaParseError, match="deeper"):
            AvroSchema.parse(document)


class TestCanonicalForm:
    def test_the_fingerprint_of_null_is_that_of_the_specification(self):
        # Avro 1.12, "Schema Fingerprints": the empty seed, run over "null" in quotes.
        assert AvroSchema.parse('"null"').fingerprint == 0x63DD24E7CC258F8A

    @pytest.mark.parametrize("path", PACKAGED, ids=lambda p: f"{p.parent.name}-{p.stem}")
    def test_packaged_schemas_have_the_form_and_fingerprint_that_fastavro_finds(self, path):
        schema = AvroSchema.parse(path.read_text())
        canonical = fastavro.schema.to_parsing_canonical_form(json.loads(path.read_text()))

        assert schema.canonical == canonical
        assert schema.fingerprint.to_bytes(8, "little").hex() == fastavro.schema.fingerprint(
            canonical, "CRC-64-AVRO"
        )

    def test_named_types_are_written_once_and_attributes_dropped(self):
        assert AvroSchema.parse(LIST).canonical == (
            '{"name":"a.b.Cell","type":"record","fields":[{"name":"value","type":"int"},'
            '{"name":"next","type":["null","a.b.Cell"]}]}'
        )

    def test_every_kind_of_type_has_its_form(self):
        document = record(
            {"name": "a", "type": {"type": "array", "items": {"type": "map", "values": "long"}}},
            {"name": "b", "type": {"type": "fixed", "name": "F", "size": 3}},
            {"name": "c", "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}},
        )
        schema = AvroSchema.parse(document)

        assert schema.canonical == fastavro.schema.to_parsing_canonical_form(document)
        assert [type(f.node) for f in schema.fields[1:]] == [Fixed, Enum]
        assert isinstance(schema.root, Record)
