"""Speed and memory; never part of `make test`: a shared machine makes timed tests lie."""
