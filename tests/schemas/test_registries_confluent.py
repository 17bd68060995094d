import pickle

import confluent_kafka.schema_registry.error as vendor
import pytest
from confluent_kafka.schema_registry.common._httpx_compat import httpx

from schemas.errors import RegistryUnavailableError, SchemasError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError, open_registry
from schemas.registries.confluent.client import translate
from tests.registry.fake import running

SCHEMA = AvroSchema.parse({"type": "enum", "name": "a.Color", "symbols": ["RED"]})
QUICK = {"max.retries": 0, "timeout": 2}


@pytest.fixture(scope="module")
def server():
    with running(credentials="ann:s3cret") as started:
        yield started


@pytest.fixture
def fake(server):
    yield server
    server.faults.__init__()
    server.schemas.clear()
    server.subjects.clear()


@pytest.fixture
def registry(fake):
    return open_registry(fake.url, **{"basic.auth.user.info": "ann:s3cret"}, **QUICK)


class TestAnswers:
    def test_a_registered_schema_is_found_by_its_id(self, registry):
        assert registry.schema_by_id(registry.register("a", SCHEMA)) == SCHEMA

    def test_attributes_survive_the_registry(self, registry):
        tagged = AvroSchema.parse({"type": "string", "confluent:tags": ["PHI"]})
        assert registry.schema_by_id(registry.register("a", tagged)) == tagged

    def test_versions_come_oldest_first_with_their_ids(self, registry):
        long = AvroSchema.parse('"long"')
        ids = [registry.register("a", schema) for schema in (SCHEMA, long)]
        versions = registry.versions("a")
        assert [(v.id, v.subject, v.version) for v in versions] == [
            (ids[0], "a", 1),
            (ids[1], "a", 2),
        ]
        assert [v.schema for v in versions] == [SCHEMA, long]
        assert registry.subjects() == ["a"]

    def test_an_unknown_subject_has_no_versions(self, registry):
        assert registry.versions("a") == []

    def test_an_unknown_id_is_an_unknown_schema_until_it_appears(self, registry, fake):
        schema_id = registry.register("a", SCHEMA)
        fake.faults.hidden_ids = {int(schema_id)}
        fresh = pickle.loads(pickle.dumps(registry))
        with pytest.raises(UnknownSchemaError):
            fresh.schema_by_id(schema_id)
        fake.faults.hidden_ids = set()
        assert fresh.schema_by_id(schema_id) == SCHEMA

    @pytest.mark.parametrize("schema_id", ["x", "", "-1", "4294967295"])
    def test_what_cannot_be_an_id_is_not_asked_for(self, registry, fake, schema_id):
        before = len(fake.requests)
        with pytest.raises(UnknownSchemaError):
            registry.schema_by_id(schema_id)
        assert len(fake.requests) == before

    def test_references_are_resolved(self, registry, fake):
        registry.register("color", SCHEMA)
        reference = {"name": "a.Color", "subject": "color", "version": 1}
        schema_id = fake.add("list", {"type": "array", "items": "a.Color"}, references=[reference])
        assert registry.schema_by_id(str(schema_id)).root.items.symbols == ("RED",)

    def test_a_schema_that_is_not_avro_is_refused(self, registry, fake):
        schema_id = fake.add("a", "{}", schemaType="JSON")
        with pytest.raises(RegistryRefusedError, match="is JSON; only Avro"):
            registry.schema_by_id(str(schema_id))


class TestFaults:
    @pytest.mark.parametrize("fault", [{"down": True}, {"status": 500}, {"status": 429}])
    def test_an_outage_is_worth_another_try(self, registry, fake, fault):
        vars(fake.faults).update(fault)
        with pytest.raises(RegistryUnavailableError):
            registry.subjects()
        vars(fake.faults).update(down=False, status=0)
        assert registry.subjects() == []

    def test_a_slow_registry_is_an_outage(self, fake):
        fake.faults.slow = 0.5
        slow = open_registry(
            fake.url, **{"basic.auth.user.info": "ann:s3cret", "max.retries": 0, "timeout": 0.1}
        )
        with pytest.raises(RegistryUnavailableError, match=r"no connection \(ReadTimeout\)"):
            slow.subjects()

    def test_nobody_listening_is_an_outage(self):
        with pytest.raises(RegistryUnavailableError, match="ConnectError"):
            open_registry("http://127.0.0.1:1", **QUICK).subjects()

    def test_wrong_credentials_are_refused_and_not_shown(self, fake):
        wrong = open_registry(fake.url.replace("//", "//ann:wr0ng@"), **QUICK)
        with pytest.raises(RegistryRefusedError, match=r"401.*basic.auth.user.info") as error:
            wrong.subjects()
        assert "wr0ng" not in str(error.value) + repr(wrong)

    def test_an_incompatible_schema_is_refused(self, registry, fake):
        fake.faults.conflict = True
        with pytest.raises(RegistryRefusedError, match=r"409.*contracts check"):
            registry.register("a", SCHEMA)

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b'"x"', b"null"])
    def test_an_answer_that_is_no_registrys_is_refused(self, registry, fake, body):
        fake.faults.body = body
        with pytest.raises(SchemasError):
            registry.schema_by_id("1")

    def test_unknown_settings_are_refused_by_name(self, fake):
        odd = open_registry(fake.url, **{"basic.auth.user": "ann:s3cret"})
        with pytest.raises(RegistryRefusedError, match=r"Unrecognized.*basic\.auth\.user") as error:
            odd.subjects()
        assert "s3cret" not in str(error.value)

    def test_a_missing_certificate_file_is_refused(self):
        odd = open_registry("https://127.0.0.1:1", **{"ssl.ca.location": "nowhere.pem"})
        with pytest.raises(RegistryRefusedError, match="settings are not usable"):
            odd.subjects()


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(sub) for sub in kind.__subclasses__()))


class TestTable:
    def test_no_error_of_the_vendor_is_unmapped(self):
        listed = {
            kind
            for name in vendor.__all__
            if issubclass(kind := getattr(vendor, name), Exception)
            and kind.__module__ == vendor.__name__
        }
        assert listed == {vendor.SchemaRegistryError, vendor.OAuthTokenError}
        for error in (vendor.SchemaRegistryError(418, -1, "x"), vendor.OAuthTokenError("x")):
            assert isinstance(translate(error, "r"), SchemasError)

    def test_no_error_of_its_http_client_is_unmapped(self):
        for kind in subclasses(httpx.HTTPError) | subclasses(httpx.InvalidURL):
            error = kind.__new__(kind, "x")
            assert isinstance(translate(error, "r"), SchemasError)

    @pytest.mark.parametrize("status", range(400, 600))
    def test_every_status_is_an_outage_or_a_refusal(self, status):
        error = translate(vendor.SchemaRegistryError(status, -1, "x"), "r", "7")
        expected = RegistryUnavailableError if status >= 500 else RegistryRefusedError
        if status in (408, 425, 429):
            expected = RegistryUnavailableError
        assert type(error) is expected

    def test_an_untrusted_certificate_is_refused(self):
        error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
        assert "ssl.ca.location" in str(translate(error, "r"))

    def test_the_vendors_text_is_not_passed_on(self):
        for error in (vendor.SchemaRegistryError(500, 50001, "canary"), ValueError("canary")):
            assert "canary" not in str(translate(error, "r"))
