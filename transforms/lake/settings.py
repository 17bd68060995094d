"""Where a lake's objects are and how to reach them; knows no vendor's client."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from transforms.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Where S3 is and how to reach it.

    Attributes:
        endpoint_url: Address of a compatible server; None for Amazon S3.
        region: AWS region.
        access_key_id: Static credentials; None for the usual AWS chain.
        secret_access_key: See ``access_key_id``.
        session_token: See ``access_key_id``.
        verify: False turns off the check of TLS certificates; a path names a CA bundle.
        kms_key_id: Encrypts every object with this AWS KMS key (SSE-KMS); None leaves it to the
            bucket's default.
        patience_s: How long an outage is waited out before the partition fails, in seconds.
        timeout_s: Time-out of one attempt's connection and of each read, in seconds.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    verify: bool | str = True
    kms_key_id: str | None = None
    patience_s: float = 120.0
    timeout_s: float = 20.0


def split_root(root: str) -> tuple[str, str]:
    """Splits ``s3://bucket/prefix`` into bucket and ``prefix/``.

    Raises:
        ConfigurationError: It is no such address.
    """
    parts = urlsplit(root)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or not prefix:
        raise ConfigurationError(
            f"lake_root must be s3://bucket/prefix, got {root!r}",
            "A lake owns everything below its prefix, so the prefix can't be empty",
        )
    return parts.netloc, prefix + "/"
