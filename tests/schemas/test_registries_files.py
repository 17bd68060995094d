import json
import pickle

import pytest

from schemas.catalog import packaged_datasets
from schemas.errors import UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError, open_registry

INT, LONG = AvroSchema.parse('"int"'), AvroSchema.parse('"long"')


@pytest.fixture
def registry(tmp_path):
    return open_registry(f"file:{tmp_path / 'registry'}")


class TestPackaged:
    def test_it_knows_every_packaged_version(self):
        registry = open_registry("package:")
        for dataset in packaged_datasets():
            versions = registry.versions(f"{dataset.topic}-value")
            assert tuple(v.schema for v in versions) == dataset.versions
            assert [registry.schema_by_id(v.id) for v in versions] == list(dataset.versions)
        assert len(registry.subjects()) == len(packaged_datasets())

    def test_it_is_read_only(self):
        with pytest.raises(RegistryRefusedError, match="read-only; register with"):
            open_registry("package:").register("a", INT)

    def test_it_survives_pickling(self):
        registry = pickle.loads(pickle.dumps(open_registry("package:")))
        assert registry.schema_by_id("1").name == "DispenseEvent"


class TestRegister:
    def test_ids_count_up_and_versions_count_by_subject(self, registry):
        assert [registry.register("a", INT), registry.register("a", LONG)] == ["1", "2"]
        assert [(v.id, v.version, v.schema) for v in registry.versions("a")] == [
            ("1", 1, INT),
            ("2", 2, LONG),
        ]
        assert registry.schema_by_id("2") == LONG
        assert registry.subjects() == ["a"]

    def test_the_same_schema_keeps_its_id_under_every_subject(self, registry):
        assert {registry.register(subject, INT) for subject in ("a", "a", "b")} == {"1"}
        assert [len(registry.versions(subject)) for subject in ("a", "b")] == [1, 1]

    @pytest.mark.parametrize("subject", ["", "../a", "a/b", ".a"])
    def test_a_subject_that_leaves_the_folder_is_refused(self, registry, subject):
        with pytest.raises(RegistryRefusedError, match="must be a file name"):
            registry.register(subject, INT)

    def test_an_unknown_subject_has_no_versions(self, registry):
        registry.register("a", INT)
        assert registry.versions("b") == []

    def test_an_unknown_id_is_asked_for_again(self, registry, tmp_path):
        registry.register("a", INT)
        with pytest.raises(UnknownSchemaError):
            registry.schema_by_id("2")
        open_registry(f"file:{tmp_path / 'registry'}").register("a", LONG)
        assert registry.schema_by_id("2") == LONG

    def test_it_survives_pickling(self, registry):
        registry.register("a", INT)
        assert pickle.loads(pickle.dumps(registry)).schema_by_id("1") == INT


ENTRY = {"id": "1", "subject": "a", "version": 1, "file": "a/v1.avsc"}


class TestBadFolders:
    def write(self, folder, document) -> None:
        folder.mkdir()
        text = document if isinstance(document, str) else json.dumps(document)
        (folder / "registry.json").write_text(text)

    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            ("{", "registry.json must be"),
            ([], "registry.json must be"),
            ({"schemas": 1}, "registry.json must be"),
            ({"schemas": [1]}, "entry 0"),
            ({"schemas": [ENTRY | {"id": 1}]}, "entry 0"),
            ({"schemas": [ENTRY | {"version": True}]}, "entry 0"),
            ({"schemas": [ENTRY | {"more": 1}]}, "entry 0"),
            ({"schemas": [ENTRY | {"file": "../v1.avsc"}]}, "leaves the folder"),
            ({"schemas": [ENTRY | {"file": "/v1.avsc"}]}, "leaves the folder"),
            ({"schemas": [ENTRY, ENTRY]}, "names a version twice"),
            ({"schemas": [ENTRY]}, r"a/v1.avsc can't be read \(FileNotFoundError\)"),
        ],
    )
    def test_a_broken_list_is_refused_with_its_place(self, registry, tmp_path, document, reason):
        self.write(tmp_path / "registry", document)
        with pytest.raises(RegistryRefusedError, match=reason):
            registry.schema_by_id("1")

    def test_a_missing_folder_is_refused_with_the_remedy(self, registry):
        with pytest.raises(RegistryRefusedError, match="contracts register"):
            registry.subjects()
