import pickle

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.transforms.masking.masks import ROOT
from transforms.errors import SecretError
from transforms.masking.keys import MaskKeys


def keys(root=ROOT, version=3, domain="shop", policy="limited"):
    return MaskKeys(root, version=version, domain=domain, policy=policy)


class TestMaskKeys:
    def test_a_key_is_hkdf_of_domain_policy_and_purpose(self):
        derived = HKDF(hashes.SHA256(), 32, None, b"shop|limited|D:mrn").derive(b"Z" * 32)
        assert keys().derive("D:mrn") == derived

    def test_each_domain_policy_purpose_and_root_has_its_own(self):
        made = {
            keys().derive("a"),
            keys().derive("b"),
            keys(domain="other").derive("a"),
            keys(policy="pseudonymised").derive("a"),
            keys(root="5b" * 32).derive("a"),
        }
        assert len(made) == 5

    def test_the_check_value_names_the_root(self):
        assert keys().check == keys(version=4).check != keys(root="5b" * 32).check

    def test_base64_is_the_same_key(self):
        assert keys(root="WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=").check == keys().check

    @pytest.mark.parametrize("root", ["", "5a" * 31, "5a" * 33, "no key at all", "é" * 32])
    def test_anything_else_is_refused_and_not_shown(self, root):
        with pytest.raises(SecretError, match="32 bytes") as caught:
            keys(root=root)
        assert not root or root not in str(caught.value)

    def test_they_are_never_pickled_and_never_shown(self):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(keys())
        assert ROOT not in repr(keys())
        assert repr(bytes.fromhex(ROOT)) not in repr(keys())
