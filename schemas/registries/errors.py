"""A registry's "no": the one error of registries that isn't an outage or an unknown id."""

from schemas.errors import SchemasError

__all__ = ["RegistryRefusedError"]


class RegistryRefusedError(SchemasError):
    """A registry refuses, or isn't what it was taken for. Never retry: the next answer is the same.

    Args:
        registry: Which registry, without credentials.
        reason: What is wrong, without the answer's body.
        remedy: What to do about it.
    """

    def __init__(self, registry: str, reason: str, remedy: str) -> None:
        super().__init__(registry, reason, remedy)
        self.registry = registry
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"registry {self.registry}: {self.reason}; {self.remedy}"
