import io
import json

import fastavro
import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from schemas.catalog import packaged_dataset
from schemas.compatibility import Level, check
from schemas.model import AvroSchema


def record(*fields, name="x.Row", **attributes) -> AvroSchema:
    return AvroSchema.parse({"type": "record", "name": name, "fields": list(fields), **attributes})


def field(kind, name="f", **attributes) -> dict:
    return {"name": name, "type": kind, **attributes}


def backward(new, old) -> list[tuple[str, str]]:
    found = check(record(field(new)), [record(field(old))], Level.BACKWARD)
    return [(one.path, one.rule) for one in found]


def enum(*symbols, name="E", **attributes) -> dict:
    return {"type": "enum", "name": name, "symbols": list(symbols), **attributes}


def fixed(size, name="F") -> dict:
    return {"type": "fixed", "name": name, "size": size}


def decimal(precision, scale) -> dict:
    return {
        "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale
    }  # fmt: skip


def logical(kind, name) -> dict:
    return {"type": kind, "logicalType": name}


class TestRules:
    @pytest.mark.parametrize(
        ("new", "old", "expected"),
        [
            ("int", "int", []),
            ("long", "int", []),
            ("double", "float", []),
            ("double", "long", []),
            ("bytes", "string", []),
            ("string", "bytes", []),
            ("int", "long", [("f", "type")]),
            ("float", "double", [("f", "type")]),
            ("string", "int", [("f", "type")]),
            (enum("A", "B"), enum("A"), []),
            (enum("A", "B"), enum("B", "A"), []),
            (enum("A", default="A"), enum("A", "B"), []),
            (enum("A"), enum("A", "B"), [("f", "enum_symbols")]),
            (enum("A"), enum("A", name="G"), [("f", "name")]),
            (enum("A", aliases=["G"]), enum("A", name="G"), []),
            (enum("A", aliases=["y.G"]), enum("A", name="y.G"), []),
            (enum("A", name="y.E"), enum("A"), []),
            (fixed(2), fixed(3), [("f", "fixed_size")]),
            (fixed(2), "bytes", [("f", "type")]),
            (decimal(9, 2), decimal(9, 2), []),
            (decimal(9, 2), decimal(9, 3), [("f", "logical_type")]),
            (decimal(10, 2), decimal(9, 2), [("f", "logical_type")]),
            ("bytes", decimal(9, 2), [("f", "logical_type")]),
            (logical("long", "timestamp-micros"), "long", []),
            (logical("long", "timestamp-micros"), "int", []),
            (
                logical("long", "timestamp-micros"),
                logical("long", "timestamp-millis"),
                [("f", "logical_type")],
            ),
            (
                {"type": "array", "items": "int"},
                {"type": "array", "items": "long"},
                [("f.item", "type")],
            ),
            (
                {"type": "map", "values": "int"},
                {"type": "map", "values": ["null", "int"]},
                [("f.value", "union_branch")],
            ),
            (["null", "int"], "int", []),
            (["null", "long"], "int", []),
            ("int", ["null", "int"], [("f", "union_branch")]),
            ("int", ["int"], []),
            (["null", "string"], "int", [("f", "union_branch")]),
            (["null", "int"], ["null", "int", "string"], [("f", "union_branch")]),
            (["null", "int", "string"], ["int", "null"], []),
            (["null", enum("A")], ["null", enum("A", "B")], [("f", "enum_symbols")]),
            (["null", fixed(2)], fixed(3), [("f", "union_branch")]),
        ],
        ids=lambda value: json.dumps(value)[:60],
    )
    def test_each_rule_of_resolution(self, new, old, expected):
        assert backward(new, old) == expected

    def test_fields_are_found_by_alias(self):
        new = record(field("int", "now", aliases=["before"]))
        assert check(new, [record(field("int", "before"))], Level.BACKWARD) == []

    def test_a_name_wins_over_an_alias(self):
        new = record(field("int", "now", aliases=["before"]))
        old = record(field("string", "before"), field("int", "now"))
        assert check(new, [old], Level.BACKWARD) == []

    def test_a_default_of_null_is_a_default(self):
        new = record(field(["null", "int"], default=None))
        assert check(new, [record()], Level.BACKWARD) == []

    def test_an_added_field_needs_a_default(self):
        (found,) = check(record(field("int")), [record()], Level.BACKWARD)
        assert (found.path, found.rule) == ("f", "missing_default")
        assert found.message == (
            "field f: the old version doesn't write it and the new version has no default; "
            "give it a default, or an alias that names the field it replaces"
        )

    def test_a_removed_field_that_old_readers_need_must_stay(self):
        (found,) = check(record(), [record(field("int"))], Level.FORWARD)
        assert (found.path, found.direction) == ("f", "old_reads_new")
        assert "keep it in the new version" in found.message

    def test_the_path_leads_through_nested_types(self):
        def outer(kind):
            inner = {"type": "record", "name": "In", "fields": [field(kind, "b")]}
            return record(field(["null", {"type": "array", "items": inner}], "a"))

        (found,) = check(outer("int"), [outer("long")], Level.BACKWARD)
        assert found.path == "a.item.b"
        assert "field a.item.b: the new int can't hold the old version's long" in found.message

    def test_recursive_schemas_end(self):
        def chain(kind):
            return record(field(kind), field(["null", "x.Row"], "next", default=None))

        assert check(chain("long"), [chain("int")], Level.BACKWARD) == []
        (found,) = check(chain("int"), [chain("long")], Level.BACKWARD)
        assert found.path == "f"

    def test_another_record_name_is_named_with_the_remedy(self):
        (found,) = check(record(name="x.New"), [record(name="x.Old")], Level.BACKWARD)
        assert (found.path, found.rule) == ("", "name")
        assert "add Old to the new one's aliases" in found.message


class TestLevels:
    # The widening of v2 can't be read by v1; the field that v3 adds can't be missed by v3.
    V1, V2, V3 = (
        record(field("int")),
        record(field("long")),
        record(field("long"), field("int", "g")),
    )

    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            (Level.NONE, []),
            (Level.BACKWARD, [("new_reads_old", 1)]),
            (Level.BACKWARD_TRANSITIVE, [("new_reads_old", 0), ("new_reads_old", 1)]),
            (Level.FORWARD, []),
            (Level.FORWARD_TRANSITIVE, [("old_reads_new", 0)]),
            (Level.FULL, [("new_reads_old", 1)]),
            (
                Level.FULL_TRANSITIVE,
                [("new_reads_old", 0), ("old_reads_new", 0), ("new_reads_old", 1)],
            ),
        ],
    )
    def test_each_level_looks_at_its_versions_and_directions(self, level, expected):
        found = check(self.V3, [self.V1, self.V2], level)
        assert [(one.direction, one.against) for one in found] == expected

    @pytest.mark.parametrize("level", Level)
    def test_the_first_version_is_compatible_at_every_level(self, level):
        assert check(self.V1, [], level) == []

    @pytest.mark.parametrize("name", ["dispense_event", "patient_update"])
    def test_the_reader_and_the_newest_packaged_version_read_each_other(self, name):
        dataset = packaged_dataset(name)
        assert check(dataset.schema(3), [dataset.reader], Level.FULL) == []

    def test_the_widened_sequence_number_is_why_version_one_is_behind(self):
        dataset = packaged_dataset("dispense_event")
        found = check(dataset.reader, [dataset.schema(1)], Level.FORWARD)
        assert "source_seq" in {one.path for one in found}


# --------------------------------------------------------------------------------------------
# Against fastavro: a finding means that some value can't be read, none that all can.

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
SAMPLES = {
    "null": [None],
    "boolean": [True],
    "int": [1],
    "long": [2**40],
    "float": [0.5],
    "double": [0.25],
    "bytes": [b"b"],
    "string": ["s"],
}


@st.composite
def types(draw, path="R", depth=2):
    """Types whose names tell their place, so that two draws often agree in names."""
    shapes = ["primitive"] * 3 + ["enum", "fixed"]
    shapes += ["array", "map", "union", "record"] if depth else []
    match draw(st.sampled_from(shapes)):
        case "enum":
            symbols = draw(st.lists(st.sampled_from("ABC"), min_size=1, unique=True))
            default = {"default": symbols[0]} if draw(st.booleans()) else {}
            return enum(*symbols, name=f"E{path}", **default)
        case "fixed":
            return fixed(draw(st.integers(1, 2)), name=f"F{path}")
        case "array":
            return {"type": "array", "items": draw(types(f"{path}a", depth - 1))}
        case "map":
            return {"type": "map", "values": draw(types(f"{path}m", depth - 1))}
        case "union":
            branches = draw(st.lists(types(f"{path}u", 0), min_size=1, max_size=3))
            return list({kind_of(branch): branch for branch in branches}.values())
        case "record":
            return draw(rows(path, depth))
    return draw(st.sampled_from(PRIMITIVES))


@st.composite
def rows(draw, path="R", depth=2):
    names = draw(st.lists(st.sampled_from("fgh"), unique=True, max_size=3))
    fields = [field(draw(types(f"{path}{name}", depth - 1)), name) for name in names]
    if draw(st.booleans()):
        fields.append(field(["null", "int"], "optional", default=None))
    return {"type": "record", "name": f"R{path}", "fields": fields}


def row_of(kind) -> dict:
    return {"type": "record", "name": "R", "fields": [field(kind)]}


def kind_of(schema) -> str:
    return schema["type"] if isinstance(schema, dict) else str(schema)


def name_of(schema) -> str:
    return schema.get("name", schema["type"]) if isinstance(schema, dict) else schema


def samples(schema) -> list:
    """Values that reach every symbol and branch of a type."""
    if isinstance(schema, list):
        # With the branch's name: some values are of several branches.
        return [(name_of(branch), value) for branch in schema for value in samples(branch)]
    if isinstance(schema, str):
        return SAMPLES[schema]
    match schema["type"]:
        case "enum":
            return schema["symbols"]
        case "fixed":
            return [bytes(schema["size"])]
        case "array":
            return [samples(schema["items"])]
        case "map":
            return [{str(i): value for i, value in enumerate(samples(schema["values"]))}]
    columns = {f["name"]: samples(f["type"]) for f in schema["fields"]}
    count = max(map(len, columns.values()), default=1)
    return [{name: c[i % len(c)] for name, c in columns.items()} for i in range(count)]


def fastavro_reads(reader, writer) -> bool:
    try:
        parsed = fastavro.parse_schema(writer), fastavro.parse_schema(reader)
        for value in samples(writer):
            stream = io.BytesIO()
            fastavro.schemaless_writer(stream, parsed[0], value)
            stream.seek(0)
            fastavro.schemaless_reader(stream, *parsed)
    except fastavro.read.SchemaResolutionError:
        return False
    return True


class TestAgainstFastavro:
    @settings(max_examples=400, deadline=None)
    @given(reader=rows(), writer=rows())
    @example(reader=row_of("bytes"), writer=row_of(["bytes", fixed(1)]))
    @example(reader=row_of("string"), writer=row_of(["string", enum("A")]))
    @example(reader=row_of("float"), writer=row_of(["float", "double"]))
    def test_a_finding_means_that_a_value_cannot_be_read(self, reader, writer):
        found = check(AvroSchema.parse(reader), [AvroSchema.parse(writer)], Level.BACKWARD)
        assert (found == []) == fastavro_reads(reader, writer)

    @settings(max_examples=100, deadline=None)
    @given(schema=rows())
    def test_every_schema_reads_itself(self, schema):
        parsed = AvroSchema.parse(schema)
        assert check(parsed, [parsed], Level.FULL_TRANSITIVE) == []
