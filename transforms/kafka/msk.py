"""Signing in to Amazon MSK with the worker's IAM role: the extra ``msk``."""

import os

from transforms.errors import ConfigurationError


def token(_config: str = "") -> tuple[str, float]:
    """Returns an IAM token and when it ends, in seconds since 1970: librdkafka's ``oauth_cb``.

    Raises:
        ConfigurationError: The extra isn't installed, no region is set, or AWS gives no token.
    """
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    except ImportError as error:
        raise ConfigurationError(
            "sasl.oauthbearer.method aws-msk-iam needs the extra msk, which is not installed",
            "Run on every worker: pip install 'pharmabeam[msk]'",
        ) from error
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError(
            "sasl.oauthbearer.method aws-msk-iam needs the AWS region", "Set AWS_REGION"
        )
    try:
        text, expires_ms = MSKAuthTokenProvider.generate_auth_token(region)
    except Exception as error:
        # Its text may name an account; its type tells what is missing.
        raise ConfigurationError(
            f"AWS gave no token for Amazon MSK ({type(error).__name__})",
            "Check the worker's credentials and its role's kafka-cluster permissions",
        ) from error
    return text, expires_ms / 1000
