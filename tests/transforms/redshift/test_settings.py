"""Settings that can't work are refused before anything is touched."""

import pytest

from transforms.errors import ConfigurationError
from transforms.redshift import RedshiftSettings

LOGIN = {"host": "h", "user": "u", "password": "env:P"}


def test_a_password_by_reference_is_enough():
    assert RedshiftSettings(**LOGIN).port == 5439


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"password": "hunter2"}, "stands in clear"),
        ({"host": ""}, "host, user and password are needed"),
        ({"password": None}, "host, user and password are needed"),
        ({"iam": True}, "exclude each other"),
        ({"iam": True, "password": None}, "cluster_identifier, or the workgroup"),
        ({"schema": 'a"; drop'}, "schema must be a plain lower-case name"),
        ({"copy_role": "admin"}, "copy_role must be default or the ARN"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changes, what):
    with pytest.raises(ConfigurationError, match=what) as caught:
        RedshiftSettings(**(LOGIN | changes))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("named", [{"cluster_identifier": "c"}, {"workgroup": "w"}])
def test_iam_needs_no_password(named):
    assert RedshiftSettings(iam=True, **named).iam
