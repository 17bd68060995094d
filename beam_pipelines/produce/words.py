"""Word lists from which names, addresses and drugs are made. No person or place is meant."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words("""
Ada Alan Amira Andre Anita Arlo Bela Bruno Carla Cedric Chen Clara Dana Diego Dora Edgar Elena
Emil Esther Fay Felix Gina Gordon Grace Hal Hana Hugo Ida Igor Ines Ivan Jade Jamal Jin Joan
Jonas Kai Karen Kofi Lara Leo Lina Lucas Mabel Marco Maya Milo Nadia Ned Nora Olga Omar Otis
Paula Pedro Priya Quinn Ravi Rita Rosa Ruth Samir Sara Simon Sofia Tariq Tess Theo Uma Vera
Victor Wanda Wendell Xenia Yara Yusuf Zane Zoë José Renée Søren
""")

LAST_NAMES = _words("""
Abbott Adeyemi Alvarez Anand Baker Barlow Bianchi Brandt Castillo Chandra Chen Costa Dalton Diaz
Dubois Eaton Ekström Farrow Fischer Flores Garner Gupta Haddad Hansen Hoang Ibarra Ito Jarvis
Jensen Kaplan Keller Kim Kowalski Lambert Larsen Lopez Madden Marsh Mensah Moreau Nagy Nakamura
Nguyen Novak O'Brien Okafor Ortiz Park Patel Pereira Quigley Ramos Reyes Rossi Sato Schultz Shah
Silva Suarez Tanaka Thorne Tran Ueda Ulrich Vance Vargas Vogel Walsh Weber Wong Xu Yamada Yoder
Young Zamora Ziegler Müller Núñez D'Angelo
""")

STREETS = _words("""
Alder Ash Bayview Birch Bluff Bridge Canal Cedar Chapel Chestnut Church Clover Cypress Dogwood
Elm Fern Garden Grove Harbor Hazel Hickory Hill Juniper Lake Laurel Linden Locust Magnolia Maple
Meadow Mill Mulberry Oak Orchard Park Pecan Pine Poplar Prairie Quarry Ridge River School Spring
Spruce Summit Sycamore Union Valley View Walnut Willow
""")

STREET_KINDS = ("St", "Ave", "Rd", "Ln", "Dr", "Blvd", "Ct", "Way")

# City, county, state, first three digits of its ZIP codes, IANA time zone, hours behind UTC in
# summer (the stream's day is in summer time; Phoenix has none).
CITIES = (
    ("Brookhaven", "Suffolk", "NY", "117", "America/New_York", 4),
    ("Fairport", "Monroe", "NY", "144", "America/New_York", 4),
    ("Medford", "Middlesex", "MA", "021", "America/New_York", 4),
    ("Ardmore", "Montgomery", "PA", "190", "America/New_York", 4),
    ("Decatur", "DeKalb", "GA", "300", "America/New_York", 4),
    ("Kissimmee", "Osceola", "FL", "347", "America/New_York", 4),
    ("Cary", "Wake", "NC", "275", "America/New_York", 4),
    ("Dublin", "Franklin", "OH", "430", "America/New_York", 4),
    ("Evanston", "Cook", "IL", "602", "America/Chicago", 5),
    ("Plano", "Collin", "TX", "750", "America/Chicago", 5),
    ("Katy", "Harris", "TX", "774", "America/Chicago", 5),
    ("Edina", "Hennepin", "MN", "554", "America/Chicago", 5),
    ("Franklin", "Williamson", "TN", "370", "America/Chicago", 5),
    ("Aurora", "Arapahoe", "CO", "800", "America/Denver", 6),
    ("Sandy", "Salt Lake", "UT", "840", "America/Denver", 6),
    ("Tempe", "Maricopa", "AZ", "852", "America/Phoenix", 7),
    ("Pasadena", "Los Angeles", "CA", "911", "America/Los_Angeles", 7),
    ("Fremont", "Alameda", "CA", "945", "America/Los_Angeles", 7),
    ("Bellevue", "King", "WA", "980", "America/Los_Angeles", 7),
    ("Hillsboro", "Washington", "OR", "971", "America/Los_Angeles", 7),
)

LABELERS = (
    "Northgate Pharma",
    "Bluestone Labs",
    "Meridian Generics",
    "Ostara Health",
    "Pinecrest Rx",
    "Quanta Therapeutics",
    "Sable Point",
    "Tamarack Labs",
    "Velora",
    "Westbrook Pharmacal",
)

# Directions to the patient, by dosage form.
SIGS = {
    "TABLET": ("TAKE 1 TABLET BY MOUTH ONCE DAILY", "TAKE 1 TABLET BY MOUTH TWICE DAILY WITH FOOD"),
    "CAPSULE": ("TAKE 1 CAPSULE BY MOUTH EVERY MORNING", "TAKE 1 CAPSULE BY MOUTH AT BEDTIME"),
    "INJECTION": ("INJECT UNDER THE SKIN ONCE WEEKLY", "INJECT 10 UNITS UNDER THE SKIN AT BEDTIME"),
    "INHALER": ("INHALE 2 PUFFS EVERY 4 TO 6 HOURS AS NEEDED", "INHALE 1 PUFF TWICE DAILY"),
    "SPRAY": ("USE 1 SPRAY IN EACH NOSTRIL ONCE DAILY", "USE 2 SPRAYS IN EACH NOSTRIL DAILY"),
    "FILM": ("PLACE 1 FILM UNDER THE TONGUE DAILY", "PLACE 1 FILM UNDER THE TONGUE TWICE DAILY"),
}

DIAGNOSES = (
    "I10", "E11.9", "E78.5", "F41.1", "J45.909", "E03.9", "K21.9", "M54.50", "G89.29", "J02.9",
)  # fmt: skip

ALLERGIES = ("penicillin", "sulfonamides", "aspirin", "codeine", "latex", "peanut")
LANGUAGES = ("en", "es", "zh", "vi", "fr", "ar")

# NCPDP reject codes that operations watch: not covered, prior authorization, plan limits,
# refill too soon, drug utilization review.
REJECTS = (("70",), ("75",), ("76",), ("79",), ("88",), ("75", "76"), ("79", "88"))

# BIN, PCN, kind of payer (see PAYMENT_TYPES in the dispense stream).
PAYERS = (
    ("610502", "MEDDAET", "MEDICARE_D"), ("015581", "03200000", "MEDICARE_D"),
    ("004336", "ADV", "COMMERCIAL"), ("610014", "PBMX", "COMMERCIAL"),
    ("003858", "A4", "COMMERCIAL"), ("610279", "9999", "COMMERCIAL"),
    ("610239", "FEPRX", "OTHER_GOV"), ("012353", "MCAIDADV", "MEDICAID"),
    ("610591", "STMCD", "MEDICAID"), ("015995", "GDC", "DISCOUNT_CARD"),
)  # fmt: skip
