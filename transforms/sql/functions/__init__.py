"""The domain's checks as functions that expressions may call.

Each takes whole columns, gives null where an argument is null, and raises on no text.
"""

from typing import Final

from transforms.sql.function import Function
from transforms.sql.functions.dea import dea_second_letter, is_dea
from transforms.sql.functions.epc import epc_gtin, epc_serial
from transforms.sql.functions.gtin import gtin_fits_ndc, gtin_ndc10, is_gtin
from transforms.sql.functions.ndc import ndc11, ndc12
from transforms.sql.functions.npi import is_npi
from transforms.sql.functions.places import zip_in_state
from transforms.sql.functions.serial import is_gs1_serial
from transforms.sql.functions.sizes import utf8_bytes

_TEXT: Final = ("VARCHAR",)
_TEXTS: Final = ("VARCHAR", "VARCHAR")

FUNCTIONS: Final[tuple[Function, ...]] = tuple(
    Function(name=call.__name__, call=call, takes=takes, gives=gives, doc=doc)
    for call, takes, gives, doc in (
        (dea_second_letter, _TEXT, "VARCHAR", "The second character of a DEA number."),
        (epc_gtin, _TEXT, "VARCHAR", "The GTIN-14 of an SGTIN, URN or SGTIN-96."),
        (epc_serial, _TEXT, "VARCHAR", "The serial number of an SGTIN, URN or SGTIN-96."),
        (gtin_fits_ndc, _TEXTS, "BOOLEAN", "Whether the NDC in a GTIN-14 may be this NDC."),
        (gtin_ndc10, _TEXT, "VARCHAR", "The ten digits of the NDC in a GTIN-14."),
        (is_dea, _TEXT, "BOOLEAN", "Whether it is a DEA number: letters and check digit."),
        (is_gs1_serial, _TEXT, "BOOLEAN", "Whether it is 1 to 20 characters of GS1's set 82."),
        (is_gtin, _TEXT, "BOOLEAN", "Whether it is a GTIN with a right check digit."),
        (is_npi, _TEXT, "BOOLEAN", "Whether it is an NPI: ten digits and Luhn over 80840."),
        (ndc11, _TEXT, "VARCHAR", "The NDC in the 11 digits of billing; null if ambiguous."),
        (ndc12, _TEXT, "VARCHAR", "The NDC in the 12 digits of the format to come."),
        (utf8_bytes, _TEXT, "BIGINT", "Bytes in UTF-8, as a VARCHAR of Redshift counts them."),
        (zip_in_state, _TEXTS, "BOOLEAN", "Whether a ZIP code's first digits are the state's."),
    )
)
"""Named checks, registered in every engine of the product."""

__all__ = ["FUNCTIONS"]
