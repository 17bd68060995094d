"""The command `contracts`: the packaged schemas against a schema registry."""
