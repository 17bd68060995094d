"""Redshift's SQL in PostgreSQL's words: tokens are changed, nothing is parsed that needn't be."""

from runners.local.redshift.sql.plan import Copy, Plan, Relay, Script
from runners.local.redshift.sql.rewriter import plan
from runners.local.redshift.sql.utility import IDLE_TIMEOUTS

__all__ = ["IDLE_TIMEOUTS", "Copy", "Plan", "Relay", "Script", "plan"]
