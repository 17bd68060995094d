"""The keys that a partition's rows were masked with, which a chain of commits holds on to.

Each commit tells check values of the keys in use, among its versions, and carries on those of the
commits before it. So a key that was exchanged under its old name, whoever did it, is noticed before
it makes rows that join with none of the earlier ones.
"""

from collections.abc import Mapping

from transforms.errors import LakeMismatchError
from transforms.lake.commit import SegmentCommit
from transforms.segment import KEY_CHECK


def versions_after(before: SegmentCommit, versions: Mapping[str, str]) -> dict[str, str]:
    """Returns the versions of the commit that follows another one.

    Args:
        before: The last commit of the chain.
        versions: What the rows to be committed depend on.

    Raises:
        LakeMismatchError: A key is another one than under the same name before.
    """
    held = {name: check for name, check in before.versions.items() if name.startswith(KEY_CHECK)}
    for name, check in held.items():
        if versions.get(name, check) != check:
            raise LakeMismatchError(
                f"the key {name.removeprefix(KEY_CHECK)} is another one than that of the rows that "
                f"{before.owner} has",
                "Give masking.key and masking.link_key their old values; a new masking.key needs a "
                "new masking.key_version, and links can have no new key",
            )
    return {**held, **versions}
