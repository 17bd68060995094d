"""Steps of a migration."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change of the schema.

    Attributes:
        version: Its name in ``schema_history``.
        statements: What it runs.
        in_transaction: False for what Redshift refuses within one.
        recorded: False for what ``schema_history`` itself stands on.
    """

    version: str
    statements: tuple[str, ...]
    in_transaction: bool = True
    recorded: bool = True

    @property
    def sha256(self) -> str:
        """Digest of its statements."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()
