"""The roles that log in to Redshift as the AWS identity, held against what the driver asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.client
import pytest

from tests.runners.deploy.iam import VALUES, Call, is_allowed, pairs, statements
from transforms.errors import WarehouseUnavailableError
from transforms.redshift import RedshiftSettings, connect

#: Nobody listens at its port 1: what is asked of AWS comes before.
NOWHERE = "127.0.0.1"
SOON = datetime.now(UTC) + timedelta(minutes=5)
ANSWERS: dict[str, dict[str, Any]] = {
    "DescribeClusters": {"Clusters": [{"Endpoint": {"Address": NOWHERE, "Port": 1}}]},
    "GetClusterCredentials": {"DbUser": "u", "DbPassword": "p", "Expiration": SOON},
    "GetWorkgroup": {"workgroup": {"endpoint": {"address": NOWHERE, "port": 1}}},
    "GetCredentials": {"dbUser": "u", "dbPassword": "p", "expiration": SOON},
}
OF_AWS = f"{VALUES['AWS_REGION']}:{VALUES['AWS_ACCOUNT']}"
PLACES = {
    "DescribeClusters": ["*"],
    "GetClusterCredentials": [
        f"arn:aws:redshift:{OF_AWS}:dbuser:{VALUES['REDSHIFT_CLUSTER']}/{VALUES['REDSHIFT_USER']}",
        f"arn:aws:redshift:{OF_AWS}:dbname:{VALUES['REDSHIFT_CLUSTER']}/"
        f"{VALUES['REDSHIFT_DATABASE']}",
    ],
    "GetWorkgroup": [VALUES["REDSHIFT_WORKGROUP_ARN"]],
    "GetCredentials": [VALUES["REDSHIFT_WORKGROUP_ARN"]],
}


@pytest.fixture
def asked(monkeypatch) -> list[Call]:
    """What is asked of AWS, which answers as documented."""
    calls: list[Call] = []

    def answer(client, operation, parameters):
        service = client.meta.service_model.signing_name
        assert not parameters.get("AutoCreate"), "that needs redshift:CreateClusterUser"
        calls.extend(Call(f"{service}:{operation}", place) for place in PLACES[operation])
        return dict(ANSWERS[operation])

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", answer)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    return calls


@pytest.mark.parametrize(
    ("name", "login"),
    [
        (
            "login-cluster",
            {"cluster_identifier": VALUES["REDSHIFT_CLUSTER"], "user": VALUES["REDSHIFT_USER"]},
        ),
        ("login-workgroup", {"workgroup": "one"}),
    ],
)
def test_a_login_may_ask_for_what_it_needs_and_no_more(asked, name, login):
    settings = RedshiftSettings(iam=True, region=VALUES["AWS_REGION"], **login)
    with pytest.raises(WarehouseUnavailableError):
        connect(settings)
    found = statements(name)
    assert all(is_allowed(call, found) for call in asked)
    granted = {pair for statement in found for pair in pairs(statement)}
    assert granted == {(call.action, call.resource) for call in asked}
