"""Confluent-compatible registries over HTTP."""
