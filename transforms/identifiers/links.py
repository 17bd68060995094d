"""Links: numbers by which rows of one thing join, in every dataset and for good.

``HMAC-SHA256(K, canonical texts)[:8] & (2**63 - 1)``. ``K`` belongs to one domain and entity and
comes from a root that is never rotated, whereas a pseudonym changes with its key's version. So a
patient has one link in dispense events and in patient updates, this year and the next.

A link is as personal as a pseudonym: who holds the root can tell whose it is. The chance that any
two of 18 million things share a link is 0.00002; of a billion, 0.05.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from pydantic import BaseModel, ConfigDict, Field

from transforms.identifiers.canonical import canonical
from transforms.identifiers.keyed_hash import KeyedHash
from transforms.identifiers.remembered import Remembered
from transforms.secrets import DerivedKeys, root_key

#: Fits a BIGINT of any engine, and is never negative.
LINK_TYPE: Final = pa.int64()

_MASK: Final = np.uint64(2**63 - 1)
_DIGEST_BYTES: Final = 32
#: What a null's link is on its way: no hash is negative.
_NOTHING: Final = -1
#: The root where there is none. It stands here, so it hides nothing.
_PUBLIC_ROOT: Final = bytes(32)

_Name = Annotated[str, Field(min_length=1)]


class Link(BaseModel):
    """A link column: whose link it is, and the columns that name that one.

    Attributes:
        entity: What is linked, such as ``patient``. Equal values of one entity have equal links,
            those of two entities never.
        of: The columns that name it together; a link is null where one of them is null or blank.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity: _Name
    of: Annotated[tuple[_Name, ...], Field(min_length=1)]


class LinkKeys(DerivedKeys):
    """The keys of all entities of one domain.

    Args:
        root: The link root, 32 bytes as Base64 or hexadecimal text; None for links without a key,
            where the lake holds in clear what they are of, so that there is nothing to hide.
        domain: Links join within a domain, never across two.

    Raises:
        SecretError: The root is no such text. The message doesn't hold it.
    """

    def __init__(self, root: str | None, *, domain: str) -> None:
        held = _PUBLIC_ROOT if root is None else root_key(root, "the link key")
        super().__init__(held, domain, check="link check")

    def of(self, entity: str) -> bytes:
        """Returns the key of an entity, 32 bytes. No version or policy goes into it."""
        return self.derive(f"link|{entity}")


class Links:
    """Makes the links of one entity, and remembers the latest.

    Args:
        key: The entity's key, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._hash = KeyedHash(key)
        self._numbers = Remembered(self._of_texts)

    def of(self, columns: Sequence[pa.Array]) -> pa.Array:
        """Returns the link of each row, int64 from 0 on; null where a part is null or blank.

        Args:
            columns: The parts, of types that have a canonical text; dictionary-encoded or not.
        """
        parts = [_Part(column) for column in columns]
        rows, distinct = _distinct(parts)
        texts = [part.texts_at(codes) for part, codes in zip(parts, distinct, strict=True)]
        joined = pc.binary_join_element_wise(*texts, "").fill_null("")
        numbers = np.array(self._numbers.of(joined.to_pylist()), np.int64)[rows]
        return pa.array(numbers, LINK_TYPE, mask=numbers == _NOTHING)

    def _of_texts(self, texts: Sequence[str]) -> list[int]:
        digests = b"".join(self._hash.digests(text.encode() for text in texts))
        firsts = np.frombuffer(digests, ">u8")[:: _DIGEST_BYTES // 8] & _MASK
        known = np.fromiter(map(bool, texts), np.bool_, len(texts))
        numbers: list[int] = np.where(known, firsts.astype(np.int64), _NOTHING).tolist()
        return numbers


class _Part:
    """A column as numbers of its distinct values, with their canonical texts."""

    def __init__(self, column: pa.Array) -> None:
        encoded = column if pt.is_dictionary(column.type) else column.dictionary_encode()
        # The last one is that of null.
        self._texts = pa.concat_arrays([canonical(encoded.dictionary), pa.nulls(1, pa.string())])
        self.size = len(self._texts)
        indices = encoded.indices.cast(pa.int64()).fill_null(self.size - 1)
        self.codes = np.asarray(indices)

    def texts_at(self, codes: np.ndarray[Any, Any]) -> pa.Array:
        return self._texts.take(pa.array(codes))


def _distinct(
    parts: Sequence[_Part],
) -> tuple[np.ndarray[Any, Any], list[np.ndarray[Any, Any]]]:
    """Returns each row's combination by its number, and the parts' codes of each combination."""
    rows, seen = _numbered(parts[0].codes)
    codes = [seen]
    for part in parts[1:]:
        # No more combinations than rows: the product of the two stays far below 2**63.
        rows, seen = _numbered(rows * part.size + part.codes)
        before, here = np.divmod(seen, part.size)
        codes = [*(each[before] for each in codes), here]
    return rows, codes


def _numbered(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    # By hashing: numpy's unique sorts.
    encoded = pa.array(values).dictionary_encode()
    return np.asarray(encoded.indices).astype(np.int64), np.asarray(encoded.dictionary)
