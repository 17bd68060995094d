"""AWS Glue Schema Registry."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
)

from schemas.errors import RegistryUnavailableError, SchemasError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.protocol import RegisteredSchema

__all__ = ["GlueRegistry", "translate"]

_SETTINGS = {"region_name", "profile_name", "endpoint_url", "compatibility"}

# Waiting out an outage is the pipeline's business; here only a blip is bridged.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})

# Glue checks a new version's compatibility after it has answered.
_CHECK_TRIES = 20
_CHECK_SECONDS = 0.5


class GlueRegistry:
    """A registry in AWS Glue; a subject is a Glue schema.

    Args:
        registry: The Glue registry's name.
        settings: ``region_name``, ``profile_name``, ``endpoint_url``; ``compatibility`` is the
            level of schemas that are made here (default ``BACKWARD``).
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        registry: str,
        settings: Mapping[str, Any],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if unknown := sorted(settings.keys() - _SETTINGS):
            raise RegistryRefusedError(
                f"glue:{registry}",
                f"it takes no setting {', '.join(unknown)}",
                f"use {', '.join(sorted(_SETTINGS))}",
            )
        self._registry = registry
        self._settings = dict(settings)
        self._sleep = sleep
        self._connected: Any = None

    def schema_by_id(self, schema_id: str) -> AvroSchema:
        """See `SchemaRegistry`. A version that Glue hasn't accepted (yet) is unknown."""
        if not _is_uuid(schema_id):
            raise UnknownSchemaError(schema_id)
        with self._translated(schema_id):
            found = self._client().get_schema_version(SchemaVersionId=schema_id)
        if found["Status"] != "AVAILABLE":
            raise UnknownSchemaError(schema_id)
        return self._parse(found)

    def subjects(self) -> list[str]:
        """See `SchemaRegistry`."""
        with self._translated():
            pages = self._client().get_paginator("list_schemas")
            pages = pages.paginate(RegistryId={"RegistryName": self._registry})
            return sorted(one["SchemaName"] for page in pages for one in page["Schemas"])

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """See `SchemaRegistry`."""
        with self._translated():
            ids = self._version_ids(subject)
            found = [self._client().get_schema_version(SchemaVersionId=one) for one in ids]
        versions = [
            RegisteredSchema(
                id=one["SchemaVersionId"],
                subject=subject,
                version=int(one["VersionNumber"]),
                schema=self._parse(one),
            )
            for one in found
            if one["Status"] == "AVAILABLE"
        ]
        return sorted(versions, key=lambda one: one.version)

    def register(self, subject: str, schema: AvroSchema) -> str:
        """See `SchemaRegistry`. The Glue schema's own compatibility level applies."""
        text = json.dumps(schema.json)
        with self._translated():
            answer = self._register(subject, text)
            status = answer.get("Status") or answer.get("SchemaVersionStatus")
            self._await_check(subject, answer["SchemaVersionId"], status)
        return str(answer["SchemaVersionId"])

    def __repr__(self) -> str:
        return f"glue:{self._registry}"

    def __reduce__(self) -> tuple[Any, ...]:
        return GlueRegistry, (self._registry, self._settings)

    def _client(self) -> Any:
        if self._connected is None:
            session = boto3.Session(
                region_name=self._settings.get("region_name"),
                profile_name=self._settings.get("profile_name"),
            )
            self._connected = session.client(
                "glue", endpoint_url=self._settings.get("endpoint_url"), config=_CONFIG
            )
        return self._connected

    def _schema_id(self, subject: str) -> dict[str, str]:
        return {"RegistryName": self._registry, "SchemaName": subject}

    def _version_ids(self, subject: str) -> list[str]:
        pages = self._client().get_paginator("list_schema_versions")
        try:
            listed = list(pages.paginate(SchemaId=self._schema_id(subject)))
        except ClientError as error:
            if _code(error) == _NOT_FOUND:
                return []
            raise
        return [one["SchemaVersionId"] for page in listed for one in page["Schemas"]]

    def _register(self, subject: str, text: str) -> dict[str, Any]:
        try:
            answer = self._client().register_schema_version(
                SchemaId=self._schema_id(subject), SchemaDefinition=text
            )
        except ClientError as error:
            if _code(error) != _NOT_FOUND:
                raise
            answer = self._client().create_schema(
                RegistryId={"RegistryName": self._registry},
                SchemaName=subject,
                DataFormat="AVRO",
                Compatibility=self._settings.get("compatibility", "BACKWARD"),
                SchemaDefinition=text,
            )
        return dict(answer)

    def _await_check(self, subject: str, version_id: str, status: str | None) -> None:
        for _ in range(_CHECK_TRIES):
            if status == "AVAILABLE":
                return
            if status == "FAILURE":
                raise RegistryRefusedError(
                    repr(self),
                    f"the schema breaks the compatibility level of {subject}",
                    "run `contracts check`",
                )
            self._sleep(_CHECK_SECONDS)
            status = self._client().get_schema_version(SchemaVersionId=version_id)["Status"]
        raise RegistryUnavailableError(repr(self), f"{subject} is still being checked")

    def _parse(self, found: Mapping[str, Any]) -> AvroSchema:
        if found["DataFormat"] != "AVRO":
            raise RegistryRefusedError(
                repr(self),
                f"schema version {found['SchemaVersionId']} is {found['DataFormat']}",
                "only Avro can be read",
            )
        return AvroSchema.parse(found["SchemaDefinition"])

    @contextmanager
    def _translated(self, schema_id: str | None = None) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            # Not chained: the vendor's text may hold parts of the request.
            raise translate(error, repr(self), schema_id) from None


def translate(
    error: ClientError | BotoCoreError, registry: str, schema_id: str | None = None
) -> SchemasError:
    """Maps a vendor's error to ours.

    Args:
        error: What the vendor's client raised.
        registry: Names the registry in the message.
        schema_id: The id that was asked for, if one was.
    """
    if isinstance(error, HTTPClientError | ConnectionError):
        return RegistryUnavailableError(registry, f"no connection ({type(error).__name__})")
    if isinstance(error, BotoCoreError):
        return RegistryRefusedError(
            registry,
            f"the AWS client can't ask ({type(error).__name__})",
            "check region, profile, credentials and endpoint",
        )
    code = _code(error)
    if code == _NOT_FOUND and schema_id is not None:
        return UnknownSchemaError(schema_id)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _OUTAGES or (code not in _REFUSALS and (status >= 500 or status == 429)):
        return RegistryUnavailableError(registry, f"it answered {code}")
    return RegistryRefusedError(registry, f"it answered {code}", _REFUSALS.get(code, _ANY_REMEDY))


_NOT_FOUND = "EntityNotFoundException"
_OUTAGES = {
    "ConcurrentModificationException",
    "InternalServiceException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_CREDENTIALS = "check the AWS credentials"
_ANY_REMEDY = "look the code up in the AWS Glue API reference"
# Error code -> remedy.
_REFUSALS = {
    _NOT_FOUND: "create the Glue registry, or mend its name and the region",
    "AccessDeniedException": "grant the role glue:GetSchemaVersion and glue:ListSchema*",
    "AlreadyExistsException": "another writer was first: run it again",
    "ExpiredTokenException": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidInputException": "check the names, and that the schema is Avro",
    "InvalidSignatureException": _CREDENTIALS,
    "ResourceNumberLimitExceededException": "raise the quota, or delete old versions",
    "UnrecognizedClientException": _CREDENTIALS,
}


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "an unknown error"))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
