"""Confluent-compatible registries (Confluent, Apicurio, Karapace, Redpanda) over HTTP."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

# The client takes httpx2 where it is installed; its errors must be known by the same import.
from confluent_kafka.schema_registry.common._httpx_compat import httpx
from confluent_kafka.schema_registry.error import OAuthTokenError, SchemaRegistryError

from schemas.errors import RegistryUnavailableError, SchemasError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.protocol import RegisteredSchema
from schemas.registries.references import inline

__all__ = ["ConfluentRegistry", "translate"]

# The vendor's defaults wait for ever and retry for long. Waiting is the pipeline's business: it
# knows which partitions an outage holds up, and says so.
_DEFAULTS = {"timeout": 10, "max.retries": 1, "retries.wait.ms": 200}

_LARGEST_ID = 2**31 - 1  # ids are Java ints; a larger one needs no question


class ConfluentRegistry:
    """A registry that speaks Confluent's HTTP API.

    Args:
        url: ``http(s)://...``; several with commas are tried in turn.
        settings: Those of the vendor's client, such as ``basic.auth.user.info``.
    """

    def __init__(self, url: str, settings: Mapping[str, Any]) -> None:
        self._url = url
        self._settings = dict(settings)
        self._name = ",".join(map(_without_credentials, url.split(",")))
        self._connected: SchemaRegistryClient | None = None

    def schema_by_id(self, schema_id: str) -> AvroSchema:
        """See `SchemaRegistry`."""
        if not schema_id.isdecimal() or int(schema_id) > _LARGEST_ID:
            raise UnknownSchemaError(schema_id)
        with self._translated(schema_id):
            found = self._client().get_schema(int(schema_id))
        return self._parse(f"schema {schema_id}", found)

    def subjects(self) -> list[str]:
        """See `SchemaRegistry`."""
        with self._translated():
            return sorted(self._client().get_subjects())

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """See `SchemaRegistry`."""
        with self._translated():
            try:
                numbers = self._client().get_versions(subject)
            except SchemaRegistryError as error:
                if error.error_code == _SUBJECT_NOT_FOUND:
                    return []
                raise
            found = [self._client().get_version(subject, number) for number in numbers]
        return [
            RegisteredSchema(
                id=str(one.schema_id),
                subject=subject,
                version=int(one.version or 0),
                schema=self._parse(f"{subject} version {one.version}", one.schema),
            )
            for one in found
        ]

    def register(self, subject: str, schema: AvroSchema) -> str:
        """See `SchemaRegistry`. The registry's own compatibility level applies."""
        with self._translated():
            text = json.dumps(schema.json)
            return str(self._client().register_schema(subject, Schema(text, "AVRO")))

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> tuple[Any, ...]:
        return ConfluentRegistry, (self._url, self._settings)

    def _client(self) -> SchemaRegistryClient:
        if self._connected is None:
            try:
                settings = {**_DEFAULTS, **self._settings, "url": self._url}
                self._connected = SchemaRegistryClient(settings)
            except (ValueError, TypeError, OSError) as error:
                raise RegistryRefusedError(
                    self._name,
                    f"its settings are not usable: {_harmless(error)}",
                    "see confluent_kafka.schema_registry for the names and forms",
                ) from None
        return self._connected

    def _parse(self, what: str, found: Schema) -> AvroSchema:
        if found.schema_type not in (None, "AVRO"):
            raise RegistryRefusedError(
                self._name, f"{what} is {found.schema_type}", "only Avro can be read"
            )
        if not found.references:
            return AvroSchema.parse(found.schema_str or "")
        return AvroSchema.parse(self._standalone(found))

    def _standalone(self, found: Schema) -> Any:
        definitions: dict[str, Any] = {}
        with self._translated():
            for reference in found.references or ():
                used = self._client().get_version(
                    reference.subject or "", reference.version or "latest"
                )
                definitions[str(reference.name)] = self._standalone(used.schema)
            return inline(json.loads(found.schema_str or "null"), definitions)

    @contextmanager
    def _translated(self, schema_id: str | None = None) -> Iterator[None]:
        try:
            yield
        except SchemasError:
            raise
        except _VENDOR_ERRORS as error:
            # Not chained: an answer's body or an address may hold what no log may show.
            raise translate(error, self._name, schema_id) from None


def translate(error: Exception, registry: str, schema_id: str | None = None) -> SchemasError:
    """Maps a vendor's error to ours.

    Args:
        error: What the vendor's client raised.
        registry: Names the registry in the message, without credentials.
        schema_id: The id that was asked for, if one was.
    """
    kind = next(kind for kind in _TABLE if isinstance(error, kind))
    return _TABLE[kind](error, registry, schema_id)


_SUBJECT_NOT_FOUND = 40401
_SCHEMA_NOT_FOUND = 40403

_Maker = Callable[[Any, str, str | None], SchemasError]

# HTTP status -> reason, remedy. All others above 400 are refusals too.
_REFUSALS = {
    401: ("it wants credentials, or other ones (401)", "set basic.auth.user.info"),
    403: ("these credentials may not do that (403)", "grant the rights on the subject"),
    404: ("it doesn't know that address (404)", "check the URL's path and the subject"),
    409: ("the schema breaks the subject's compatibility level (409)", "run `contracts check`"),
    422: ("it calls the schema, the version or the level invalid (422)", "mend the schema"),
}
_RETRIABLE = {408, 425, 429}


def _from_answer(error: SchemaRegistryError, registry: str, schema_id: str | None) -> SchemasError:
    status = error.http_status_code
    if schema_id is not None and error.error_code == _SCHEMA_NOT_FOUND:
        return UnknownSchemaError(schema_id)
    if status in _RETRIABLE or status >= 500:
        return RegistryUnavailableError(registry, f"it answered {status}")
    reason, remedy = _REFUSALS.get(status, (f"it answered {status}", "check the URL"))
    return RegistryRefusedError(registry, reason, remedy)


def _from_transport(error: Exception, registry: str, schema_id: str | None) -> SchemasError:
    del schema_id
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RegistryRefusedError(
            registry, "its TLS certificate isn't trusted", "set ssl.ca.location"
        )
    return RegistryUnavailableError(registry, f"no connection ({type(error).__name__})")


def _from_token(error: OAuthTokenError, registry: str, schema_id: str | None) -> SchemasError:
    del error, schema_id
    return RegistryUnavailableError(registry, "no OAuth token is to be had")


def _from_nonsense(error: Exception, registry: str, schema_id: str | None) -> SchemasError:
    del schema_id
    return RegistryRefusedError(
        registry,
        f"its answer isn't that of a schema registry ({type(error).__name__})",
        "check the URL; some registries want a path such as /apis/ccompat/v7",
    )


_TABLE: dict[type[Exception], _Maker] = {
    SchemaRegistryError: _from_answer,
    OAuthTokenError: _from_token,
    httpx.UnsupportedProtocol: _from_nonsense,
    httpx.TransportError: _from_transport,
    httpx.HTTPError: _from_nonsense,
    httpx.InvalidURL: _from_nonsense,
    ssl.SSLError: _from_transport,
    OSError: _from_transport,
    # The vendor's client trusts the shape of an answer.
    ValueError: _from_nonsense,
    TypeError: _from_nonsense,
    KeyError: _from_nonsense,
    AttributeError: _from_nonsense,
}
_VENDOR_ERRORS = tuple(_TABLE)


def _without_credentials(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "of an unreadable address"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def _harmless(error: Exception) -> str:
    """What may be told of a settings error: the vendor's sentences name keys, but also URLs."""
    text = str(error)
    return text if text.startswith(("Unrecognized properties", "ssl.")) else type(error).__name__
