"""From an address to a registry."""

from collections.abc import Callable
from typing import Any

from schemas.registries.caching import CachingRegistry
from schemas.registries.errors import RegistryRefusedError
from schemas.registries.files import FileRegistry, PackagedRegistry
from schemas.registries.protocol import SchemaRegistry

__all__ = ["open_registry"]


def open_registry(url: str, **settings: Any) -> SchemaRegistry:
    """Opens a registry. Nothing is read or connected before its first use.

    Args:
        url: ``package:`` (this package's own schemas), ``file:DIR``, ``http://...`` or
            ``https://...`` (Confluent-compatible; several addresses with commas), or
            ``glue:REGISTRY_NAME`` (AWS Glue).
        **settings: ``http(s)``: those of ``confluent_kafka.schema_registry``, such as
            ``{"basic.auth.user.info": "user:password", "ssl.ca.location": "ca.pem"}``. ``glue``:
            ``region_name``, ``profile_name``, ``endpoint_url`` and ``compatibility``. They may
            hold secrets and show in no message, log or repr; pickles hold them.

    Returns:
        The registry, with a cache before it.

    Raises:
        RegistryRefusedError: The address has another form, or the registry takes no settings.
    """
    scheme, _, rest = url.partition(":")
    if scheme not in _OPENERS:
        raise RegistryRefusedError(
            f"{scheme[:20]}:...",
            "the address has no known form",
            "use package:, file:DIR, http(s)://HOST or glue:REGISTRY_NAME",
        )
    return CachingRegistry(_OPENERS[scheme](url, rest, settings))


def _package(url: str, rest: str, settings: dict[str, Any]) -> SchemaRegistry:
    if rest:
        raise RegistryRefusedError(url, "package: takes nothing behind the colon", "remove it")
    _no_settings(url, settings)
    return PackagedRegistry()


def _file(url: str, rest: str, settings: dict[str, Any]) -> SchemaRegistry:
    if not rest.removeprefix("//"):
        raise RegistryRefusedError(url, "the folder is missing", "use file:DIR")
    _no_settings(url, settings)
    return FileRegistry(rest.removeprefix("//"))


def _confluent(url: str, rest: str, settings: dict[str, Any]) -> SchemaRegistry:
    # Imported late: a worker that reads files needs no HTTP client.
    from schemas.registries.confluent.client import ConfluentRegistry

    if not rest.startswith("//") or len(rest) == 2:
        raise RegistryRefusedError(f"{url[:8]}...", "the host is missing", "use http(s)://HOST")
    return ConfluentRegistry(url, settings)


def _glue(url: str, rest: str, settings: dict[str, Any]) -> SchemaRegistry:
    from schemas.registries.glue.client import GlueRegistry

    if not rest:
        raise RegistryRefusedError(url, "the registry's name is missing", "use glue:REGISTRY_NAME")
    return GlueRegistry(rest, settings)


def _no_settings(url: str, settings: dict[str, Any]) -> None:
    if settings:
        names = ", ".join(sorted(settings))
        raise RegistryRefusedError(url, f"it takes no settings, got {names}", "remove them")


_OPENERS: dict[str, Callable[[str, str, dict[str, Any]], SchemaRegistry]] = {
    "package": _package,
    "file": _file,
    "http": _confluent,
    "https": _confluent,
    "glue": _glue,
}
