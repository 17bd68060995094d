"""Checks of settings that several transforms have alike."""

from typing import Any, Literal, get_args

from transforms.errors import ConfigurationError

#: ``drain`` reads to the ends that there are at the start; ``stream`` goes on for ever.
Mode = Literal["drain", "stream"]


def check_mode(mode: str) -> None:
    """Checks that a mode is one.

    Raises:
        ConfigurationError: It is none.
    """
    if mode not in get_args(Mode):
        raise ConfigurationError(f"mode must be drain or stream, got {mode!r}", "Set it")


def check_positive(settings: Any) -> None:
    """Checks the fields of a dataclass that all are positive numbers.

    Raises:
        ConfigurationError: Names the first that is not.
    """
    for name, value in vars(settings).items():
        if value <= 0:
            raise ConfigurationError(f"{name} must be positive, got {value}", "Raise it")
