"""The columnar Avro decoder: all rows in lock-step, each row's verdict its own.

The writer schema is compiled once into columns. Each row has a cursor; field after field is read
for all rows at once. A row is good only if nothing illegal was read in it and its cursor stands
exactly at its own end, so a bad datum cannot move its neighbor. The rows that fail go once more
through ``schemas.strict``, which names the reason or overrules the mark.
"""

from schemas.columnar.decoder import BadDatum, DecodedBatch, Decoder

__all__ = ["BadDatum", "DecodedBatch", "Decoder"]
