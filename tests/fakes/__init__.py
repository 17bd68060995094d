"""Fakes: code with the interface of the real thing, and with tests of its own."""
