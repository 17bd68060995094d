"""Data quality: dead letters now; rules and references join them here."""

from transforms.quality.dead_letters import DEAD_LETTERS, SealDeadLetters, open_dead_letters

__all__ = ["DEAD_LETTERS", "SealDeadLetters", "open_dead_letters"]
