import pickle
import uuid

import boto3
import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from schemas.errors import RegistryUnavailableError, SchemasError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError, open_registry
from schemas.registries.glue.client import GlueRegistry, translate

SCHEMA = AvroSchema.parse({"type": "enum", "name": "a.Color", "symbols": ["RED"]})
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SETTINGS = {"region_name": "eu-west-1"}
OPERATIONS = [
    "CreateSchema",
    "GetSchemaVersion",
    "ListSchemas",
    "ListSchemaVersions",
    "RegisterSchemaVersion",
]


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def moto():
    with mock_aws():
        boto3.client("glue", **SETTINGS).create_registry(RegistryName="pharmacy")
        yield open_registry("glue:pharmacy", **SETTINGS)


@pytest.fixture
def stub():
    """A registry whose Glue answers what the test tells: moto knows no listings."""
    registry = GlueRegistry("pharmacy", SETTINGS, sleep=lambda _: None)
    with Stubber(registry._client()) as stubber:
        yield registry, stubber
        stubber.assert_no_pending_responses()


def version(number: int, status: str = "AVAILABLE", **more) -> dict:
    return {
        "SchemaVersionId": str(uuid.UUID(int=number)),
        "VersionNumber": number,
        "Status": status,
        "DataFormat": "AVRO",
        "SchemaDefinition": '"int"',
        **more,
    }


class TestAnswers:
    def test_a_registered_schema_is_found_by_its_id(self, moto):
        assert moto.schema_by_id(moto.register("colors", SCHEMA)) == SCHEMA

    def test_registering_again_gives_the_same_id(self, moto):
        assert moto.register("colors", SCHEMA) == moto.register("colors", SCHEMA)

    def test_a_second_version_has_an_id_of_its_own(self, moto):
        more = AvroSchema.parse({**SCHEMA.json, "symbols": ["RED", "BLUE"]})
        assert moto.register("colors", SCHEMA) != (second := moto.register("colors", more))
        assert pickle.loads(pickle.dumps(moto)).schema_by_id(second) == more

    @pytest.mark.parametrize("schema_id", [ID, "1", ID.upper()])
    def test_an_unknown_id_is_an_unknown_schema(self, moto, schema_id):
        with pytest.raises(UnknownSchemaError):
            moto.schema_by_id(schema_id)

    def test_subjects_are_listed_over_all_pages(self, stub):
        registry, stubber = stub
        stubber.add_response(
            "list_schemas", {"Schemas": [{"SchemaName": "b"}], "NextToken": "more"}
        )
        stubber.add_response("list_schemas", {"Schemas": [{"SchemaName": "a"}]})
        assert registry.subjects() == ["a", "b"]

    def test_versions_come_oldest_first_without_those_that_were_not_accepted(self, stub):
        registry, stubber = stub
        listed = [version(n) for n in (3, 2, 1)]
        rows = [{"SchemaVersionId": one["SchemaVersionId"]} for one in listed]
        stubber.add_response("list_schema_versions", {"Schemas": rows})
        for one in (listed[0], version(2, "FAILURE"), listed[2]):
            stubber.add_response("get_schema_version", one)
        assert [v.version for v in registry.versions("a")] == [1, 3]

    def test_an_unknown_subject_has_no_versions(self, stub):
        registry, stubber = stub
        stubber.add_client_error("list_schema_versions", "EntityNotFoundException")
        assert registry.versions("a") == []

    def test_a_version_that_is_still_being_checked_is_unknown(self, stub):
        registry, stubber = stub
        stubber.add_response("get_schema_version", version(1, "PENDING"))
        with pytest.raises(UnknownSchemaError):
            registry.schema_by_id(str(uuid.UUID(int=1)))

    def test_a_schema_that_is_not_avro_is_refused(self, stub):
        registry, stubber = stub
        stubber.add_response("get_schema_version", version(1, DataFormat="JSON"))
        with pytest.raises(RegistryRefusedError, match="is JSON; only Avro"):
            registry.schema_by_id(str(uuid.UUID(int=1)))


class TestRegister:
    def answer(self, stubber, *statuses: str) -> None:
        first, *rest = statuses
        stubber.add_response(
            "register_schema_version",
            {"SchemaVersionId": ID, "VersionNumber": 1, "Status": first},
        )
        for status in rest:
            stubber.add_response("get_schema_version", version(1, status))

    def test_it_waits_for_the_registrys_check(self, stub):
        registry, stubber = stub
        self.answer(stubber, "PENDING", "PENDING", "AVAILABLE")
        assert registry.register("a", SCHEMA) == ID

    def test_an_incompatible_version_is_refused(self, stub):
        registry, stubber = stub
        self.answer(stubber, "PENDING", "FAILURE")
        with pytest.raises(RegistryRefusedError, match="breaks the compatibility level of a"):
            registry.register("a", SCHEMA)

    def test_a_check_without_end_is_an_outage(self, stub):
        registry, stubber = stub
        self.answer(stubber, *["PENDING"] * 21)
        with pytest.raises(RegistryUnavailableError, match="still being checked"):
            registry.register("a", SCHEMA)


class TestFaults:
    def test_a_missing_registry_is_refused(self, moto):
        del moto
        with pytest.raises(RegistryRefusedError, match="create the Glue registry"):
            open_registry("glue:elsewhere", **SETTINGS).register("a", SCHEMA)

    def test_nobody_listening_is_an_outage(self):
        away = open_registry("glue:pharmacy", endpoint_url="http://127.0.0.1:1", **SETTINGS)
        with pytest.raises(RegistryUnavailableError, match="EndpointConnectionError"):
            away.schema_by_id(ID)

    @pytest.mark.parametrize("missing", ["region", "profile"])
    def test_an_incomplete_configuration_is_refused(self, monkeypatch, missing):
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        settings = {} if missing == "region" else {"profile_name": "nobody"}
        with pytest.raises(RegistryRefusedError, match=r"check region, profile"):
            open_registry("glue:pharmacy", **settings).schema_by_id(ID)

    def test_unknown_settings_are_refused_by_name(self):
        with pytest.raises(RegistryRefusedError, match="no setting password; use"):
            open_registry("glue:pharmacy", password="s3cret")


def client_error(code: str, status: int = 400) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": "canary"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GetSchemaVersion")


class TestTable:
    def test_no_error_of_the_operations_in_use_is_unmapped(self):
        model = botocore.session.get_session().get_service_model("glue")
        shapes = {e.name for op in OPERATIONS for e in model.operation_model(op).error_shapes}
        assert "InternalServiceException" in shapes
        for code in shapes:
            error = translate(client_error(code), "r")
            assert isinstance(error, RegistryUnavailableError) or "look the code up" not in str(
                error
            )

    def test_no_error_of_the_vendor_is_unmapped(self):
        kinds = [
            kind
            for kind in vars(botocore.exceptions).values()
            if isinstance(kind, type) and issubclass(kind, botocore.exceptions.BotoCoreError)
        ]
        assert len(kinds) > 50
        for kind in kinds:
            assert isinstance(translate(kind.__new__(kind), "r"), SchemasError)

    def test_unlisted_codes_go_by_their_status(self):
        assert type(translate(client_error("New", 503), "r")) is RegistryUnavailableError
        assert type(translate(client_error("New", 429), "r")) is RegistryUnavailableError
        assert type(translate(client_error("New", 400), "r")) is RegistryRefusedError

    def test_the_vendors_text_is_not_passed_on(self):
        for code in ("AccessDeniedException", "InternalServiceException", "New"):
            assert "canary" not in str(translate(client_error(code), "r"))
