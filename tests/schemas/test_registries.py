import json
import pickle

import pytest

from schemas.errors import UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import (
    CachingRegistry,
    RegisteredSchema,
    RegistryRefusedError,
    open_registry,
)
from schemas.registries.references import inline


class Counting:
    """A registry of given schemas that counts its questions."""

    def __init__(self, *schemas: AvroSchema) -> None:
        self.asked: list[str] = []
        self.schemas = schemas

    def schema_by_id(self, schema_id):
        self.asked.append(schema_id)
        if schema_id != "1":
            raise UnknownSchemaError(schema_id)
        return self.schemas[0]

    def subjects(self):
        return ["a"]

    def versions(self, subject):
        self.asked.append(subject)
        return [RegisteredSchema(str(i), subject, i, s) for i, s in enumerate(self.schemas, 1)]


def decimal(scale: int) -> AvroSchema:
    return AvroSchema.parse(
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": scale}
    )


class TestCache:
    def test_a_known_id_is_asked_for_once(self):
        inner = Counting(decimal(2))
        registry = CachingRegistry(inner)
        assert registry.schema_by_id("1") is registry.schema_by_id("1")
        assert inner.asked == ["1"]

    def test_an_unknown_id_is_asked_for_each_time(self):
        inner = Counting(decimal(2))
        for _ in range(2):
            with pytest.raises(UnknownSchemaError):
                CachingRegistry(inner).schema_by_id("2")
        assert inner.asked == ["2", "2"]

    def test_a_pickle_holds_the_address_but_not_the_cache(self):
        registry = open_registry("package:")
        before = pickle.dumps(registry)
        registry.schema_by_id("1")
        assert pickle.dumps(registry) == before


class TestFingerprints:
    def test_a_fingerprint_is_found_among_all_schemas(self):
        registry = open_registry("package:")
        schema = registry.schema_by_id("2")
        assert registry.schema_by_id(f"{schema.fingerprint:016x}") == schema

    def test_an_unknown_fingerprint_is_an_unknown_schema(self):
        with pytest.raises(UnknownSchemaError, match="00000000000000ff"):
            open_registry("package:").schema_by_id("00000000000000ff")

    def test_a_found_fingerprint_is_remembered(self):
        inner = Counting(decimal(2))
        registry = CachingRegistry(inner)
        for _ in range(2):
            registry.schema_by_id(f"{decimal(2).fingerprint:016x}")
        assert inner.asked == ["a"]

    def test_one_that_stands_for_two_scales_is_refused(self):
        assert decimal(2).fingerprint == decimal(3).fingerprint
        registry = CachingRegistry(Counting(decimal(2), decimal(3)))
        with pytest.raises(RegistryRefusedError, match="differ in logical types"):
            registry.schema_by_id(f"{decimal(2).fingerprint:016x}")


class TestOpening:
    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("", "no known form"),
            ("ftp://host", "no known form"),
            ("package:x", "nothing behind the colon"),
            ("file:", "folder is missing"),
            ("file://", "folder is missing"),
            ("http:", "host is missing"),
            ("https://", "host is missing"),
            ("glue:", "name is missing"),
        ],
    )
    def test_a_bad_address_is_refused_with_the_remedy(self, url, reason):
        with pytest.raises(RegistryRefusedError, match=f"{reason}.*; (use|remove)"):
            open_registry(url)

    def test_an_address_that_is_refused_is_not_shown_in_full(self):
        with pytest.raises(RegistryRefusedError) as error:
            open_registry("postgres://ann:secret@host")
        assert "secret" not in str(error.value)

    @pytest.mark.parametrize("url", ["package:", "file:x"])
    def test_files_take_no_settings(self, url):
        with pytest.raises(RegistryRefusedError, match="takes no settings, got timeout"):
            open_registry(url, timeout=1)

    def test_nothing_is_touched_before_the_first_use(self):
        for url in ("file:nowhere", "http://127.0.0.1:1", "glue:nowhere"):
            assert pickle.loads(pickle.dumps(open_registry(url)))

    def test_errors_survive_pickling(self):
        error = RegistryRefusedError("r", "it says no", "ask again")
        assert str(pickle.loads(pickle.dumps(error))) == "registry r: it says no; ask again"


MONEY = {"type": "fixed", "name": "Money", "namespace": "x.y", "size": 8}


class TestReferences:
    def record(self, *types, **attributes):
        fields = [{"name": f"f{i}", "type": t} for i, t in enumerate(types)]
        return {"type": "record", "name": "R", "fields": fields, **attributes}

    def test_a_type_is_put_in_at_its_first_use(self):
        schema = self.record(["null", "x.y.Money"], {"type": "array", "items": "x.y.Money"})
        whole = inline(schema, {"x.y.Money": MONEY})
        assert whole["fields"][0]["type"] == ["null", MONEY]
        assert whole["fields"][1]["type"] == {"type": "array", "items": "x.y.Money"}
        assert AvroSchema.parse(whole).name == "R"

    def test_short_names_are_found_in_the_namespace_around_them(self):
        schema = self.record("Money", namespace="x.y")
        whole = AvroSchema.parse(inline(schema, {"x.y.Money": MONEY}))
        assert whole.fields[0].node.name == "x.y.Money"

    def test_a_type_without_a_namespace_keeps_none(self):
        schema = self.record("Money", namespace="x.y")
        plain = {"type": "fixed", "name": "Money", "size": 8}
        whole = AvroSchema.parse(inline(schema, {"Money": plain}))
        assert whole.fields[0].node.name == "Money"

    def test_references_of_references_are_put_in(self):
        schema = self.record("x.y.Bill")
        bill = {"type": "record", "name": "x.y.Bill", "fields": [{"name": "sum", "type": "Money"}]}
        whole = AvroSchema.parse(inline(schema, {"x.y.Bill": bill, "x.y.Money": MONEY}))
        assert whole.fields[0].node.fields[0].node.size == 8

    def test_the_schema_itself_is_left_as_it_was(self):
        schema = self.record("x.y.Money")
        before = json.dumps(schema)
        inline(schema, {"x.y.Money": MONEY})
        assert json.dumps(schema) == before
