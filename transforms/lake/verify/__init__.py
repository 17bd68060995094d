"""Verification: the proof that a lake holds, from files and lists and never from counts."""

from transforms.lake.verify.broker import BrokerView, OpenLetters, TopicOnBroker
from transforms.lake.verify.lake import VerifyOptions, verify_lake
from transforms.lake.verify.report import Breach, Report

__all__ = [
    "Breach",
    "BrokerView",
    "OpenLetters",
    "Report",
    "TopicOnBroker",
    "VerifyOptions",
    "verify_lake",
]
