"""Masking: which class of field is kept, cut, pseudonymized or dropped on its way to the lake."""

from transforms.masking.actions import Action
from transforms.masking.config import DatasetMask, MaskConfig
from transforms.masking.decisions import Decision
from transforms.masking.explain import Difference, Explained, diff, explain, kept_times
from transforms.masking.layout import masked_schema
from transforms.masking.mask import MaskPlan, mask
from transforms.masking.policies import POLICIES
from transforms.masking.transform import MaskFields

__all__ = [
    "POLICIES",
    "Action",
    "DatasetMask",
    "Decision",
    "Difference",
    "Explained",
    "MaskConfig",
    "MaskFields",
    "MaskPlan",
    "diff",
    "explain",
    "kept_times",
    "mask",
    "masked_schema",
]
