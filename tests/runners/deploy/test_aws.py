"""The templates of IAM, bucket and lifecycle policies, each by itself."""

import json
import string
import warnings
from itertools import chain

import pytest

from tests.runners.deploy.iam import FOLDER, VALUES, Call, is_allowed, pairs, rendered, statements

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It still asks pkg_resources for its version.
    from parliament import analyze_policy_string

ROLES = ("writer", "loader", "copy", "sweeper", "reader")
LOGINS = ("login-cluster", "login-workgroup")
TRUSTS = ("trust-kubernetes", "trust-redshift")
LAKE = f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}/{VALUES['LAKE_PREFIX']}/"
COMMIT = LAKE + "_commits/pharmacy.dispense/id/0/00000000000000000001.json"
DATA = LAKE + "data/dispense_event/event_date=2026-01-31/x.parquet"
KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
OURS = {KEY: VALUES["KMS_KEY_ARN"]}
CREATE = {"s3:if-none-match": "*"}
#: What anybody could do were it not for the bucket's policy.
ALL = [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]


def lets(action, resource, **context):
    """Whether the bucket's policy lets somebody through who may do everything."""
    secure = {"aws:SecureTransport": "true", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/x"}
    call = Call(action, resource, {**secure, **context})
    return is_allowed(call, ALL, statements("bucket-policy"))


class TestTemplates:
    def test_each_is_known_here(self):
        names = {path.stem for path in FOLDER.glob("*.json")}
        assert names == {*ROLES, *LOGINS, *TRUSTS, "bucket-policy", "lifecycle"}

    def test_each_variable_is_used_by_one(self):
        used = chain.from_iterable(
            string.Template(path.read_text()).get_identifiers() for path in FOLDER.glob("*.json")
        )
        assert set(used) == set(VALUES)

    @pytest.mark.parametrize("name", [*ROLES, *LOGINS, "bucket-policy"])
    def test_the_linter_finds_nothing(self, name):
        findings = analyze_policy_string(rendered(name), ignore_private_auditors=True).findings
        assert not [f"{each.issue}: {each.detail}" for each in findings]

    def test_the_linter_would_find_something(self):
        wrong = rendered("reader").replace("s3:GetObject", "s3:ReadObject")
        assert analyze_policy_string(wrong, ignore_private_auditors=True).findings

    @pytest.mark.parametrize("name", ROLES)
    def test_a_role_names_each_action_and_no_place_outside_of_the_lake(self, name):
        bucket = f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}"
        for action, resource in chain.from_iterable(map(pairs, statements(name))):
            assert "*" not in action
            assert resource in (bucket, VALUES["KMS_KEY_ARN"]) or resource.startswith(LAKE)


class TestBucketPolicy:
    def test_a_commit_is_created_and_never_written_over(self):
        assert lets("s3:PutObject", COMMIT, **CREATE, **OURS)
        assert not lets("s3:PutObject", COMMIT, **OURS)
        assert not lets("s3:PutObject", LAKE + "_lake.json", **OURS)

    @pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
    @pytest.mark.parametrize("place", [COMMIT, LAKE + "_lake.json"])
    def test_nobody_deletes_a_commit_not_even_the_sweeper(self, action, place):
        sweeper = {"aws:PrincipalArn": VALUES["SWEEPER_ROLE_ARN"]}
        admin = {"aws:PrincipalArn": VALUES["ADMIN_ROLE_ARN"]}
        assert not lets(action, place)
        assert not lets(action, place, **sweeper)
        assert not lets(action, place, **admin)

    def test_only_the_sweeper_deletes_data_files(self):
        assert not lets("s3:DeleteObject", DATA)
        assert lets("s3:DeleteObject", DATA, **{"aws:PrincipalArn": VALUES["SWEEPER_ROLE_ARN"]})

    def test_only_the_administrator_sets_lifecycle_rules(self):
        bucket = f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}"
        admin = {"aws:PrincipalArn": VALUES["ADMIN_ROLE_ARN"]}
        assert not lets("s3:PutLifecycleConfiguration", bucket)
        assert lets("s3:PutLifecycleConfiguration", bucket, **admin)

    @pytest.mark.parametrize("place", [COMMIT, DATA, "arn:aws:s3:::company-lake"])
    def test_nothing_goes_over_plain_http(self, place):
        assert lets("s3:GetObject", place)
        assert not lets("s3:GetObject", place, **{"aws:SecureTransport": "false"})

    def test_what_is_encrypted_otherwise_is_refused(self):
        assert lets("s3:PutObject", DATA, **OURS)
        assert not lets("s3:PutObject", DATA)
        assert not lets("s3:PutObject", DATA, **{KEY: OURS[KEY].replace("1234abcd", "ffffffff")})

    def test_it_grants_nothing(self):
        assert {each["Effect"] for each in statements("bucket-policy")} == {"Deny"}


class TestLifecycle:
    RULES = json.loads(rendered("lifecycle"))["Rules"]

    def test_no_rule_reaches_what_must_stay(self):
        lake = VALUES["LAKE_PREFIX"]
        must_stay = ("_lake.json", "_commits/", "_told_gaps.json", "_rewrites/")
        for rule in self.RULES:
            prefix = rule["Filter"]["Prefix"]
            for name in must_stay:
                assert not f"{lake}/{name}".startswith(prefix)
                assert not prefix.startswith(f"{lake}/{name}")

    def test_data_files_never_expire_by_age(self):
        assert all(
            "Expiration" not in rule and "NoncurrentVersionExpiration" not in rule
            for rule in self.RULES
            if "/data/" in rule["Filter"]["Prefix"]
        )


class TestTrust:
    def test_one_service_account_takes_a_role(self):
        (statement,) = statements("trust-kubernetes")
        provider = VALUES["OIDC_PROVIDER"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{provider}")
        assert statement["Condition"]["StringEquals"] == {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": "system:serviceaccount:pharmabeam:writer",
        }

    def test_redshift_takes_the_role_of_copy_for_this_account_only(self):
        (statement,) = statements("trust-redshift")
        assert statement["Action"] == "sts:AssumeRole"
        assert all(name.endswith(".amazonaws.com") for name in statement["Principal"]["Service"])
        assert statement["Condition"]["StringEquals"] == {
            "aws:SourceAccount": VALUES["AWS_ACCOUNT"]
        }
