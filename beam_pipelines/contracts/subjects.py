"""Under which subject a dataset is registered."""

import string

from schemas.catalog import Dataset
from transforms.errors import ConfigurationError

__all__ = ["DEFAULT_PATTERN", "SubjectPattern"]

# Confluent's TopicNameStrategy, what its serializers use where nothing else is set.
DEFAULT_PATTERN = "{topic}-value"

_FIELDS = ("topic", "dataset", "record", "fullname")


class SubjectPattern:
    """A pattern such as ``{topic}-value`` or ``{fullname}`` (Confluent's RecordNameStrategy).

    Args:
        text: The pattern; ``{topic}``, ``{dataset}``, ``{record}`` and ``{fullname}`` stand for
            the dataset's topic and name, and its record's name without and with the namespace.

    Raises:
        ConfigurationError: The pattern is broken, or the same for all datasets.
    """

    def __init__(self, text: str) -> None:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError:
            parts = []
        named = [name for _, name, _, _ in parts if name is not None]
        plain = all(not spec and not conversion for _, _, spec, conversion in parts)
        if not named or not plain or set(named) - set(_FIELDS):
            raise ConfigurationError(
                "--subject_pattern must hold a placeholder, and known ones only",
                f"Use {', '.join(f'{{{name}}}' for name in _FIELDS)}; default {DEFAULT_PATTERN}",
            )
        self._text = text

    def subject(self, dataset: Dataset) -> str:
        """Returns the subject of a dataset."""
        return self._text.format(
            topic=dataset.topic,
            dataset=dataset.name,
            record=dataset.reader.name,
            fullname=dataset.reader.fullname,
        )
