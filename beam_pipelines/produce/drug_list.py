"""The drugs of the stream. Strengths, forms and schedules are real, brands and prices made up."""

from typing import NamedTuple


class Drug(NamedTuple):
    """One line of the list.

    Attributes:
        name: Nonproprietary name.
        brand: Brand name, or empty.
        form: Dosage form.
        route: Route of administration.
        unit: Unit of the quantity: EA, GM or ML.
        package: Units in a package.
        daily: Units a day, or 0 where the package is the dose.
        price: Hundredths of a cent a unit.
        schedule: DEA schedule.
        strengths: What it comes in.
        pdc_class: Class of the adherence measures (PQA), or empty.
        atc: ATC code.
        mme_factor: Morphine milligram equivalents, thousandths; 0 for none.
    """

    name: str
    brand: str
    form: str
    route: str
    unit: str
    package: int
    daily: int
    price: int
    schedule: str
    strengths: tuple[str, ...]
    pdc_class: str
    atc: str
    mme_factor: int


_FORMS = {
    "T": ("TABLET", "ORAL"),
    "C": ("CAPSULE", "ORAL"),
    "J": ("INJECTION", "SUBCUTANEOUS"),
    "H": ("INHALER", "INHALATION"),
    "S": ("SPRAY", "NASAL"),
    "F": ("FILM", "SUBLINGUAL"),
}

# name;brand;form;unit;package;daily;cents;schedule;strengths;class;atc;mme
_LIST = """
atorvastatin;Lipidane;T;EA;90;1;9;NONE;10 MG|20 MG|40 MG;STATIN;C10AA05;0
rosuvastatin;;T;EA;90;1;11;NONE;5 MG|10 MG|20 MG;STATIN;C10AA07;0
simvastatin;;T;EA;90;1;6;NONE;20 MG|40 MG;STATIN;C10AA01;0
lisinopril;Prinivane;T;EA;100;1;4;NONE;5 MG|10 MG|20 MG|40 MG;RASA;C09AA03;0
losartan;;T;EA;90;1;8;NONE;25 MG|50 MG|100 MG;RASA;C09CA01;0
amlodipine;;T;EA;90;1;4;NONE;2.5 MG|5 MG|10 MG;;C08CA01;0
metformin;;T;EA;100;2;3;NONE;500 MG|850 MG|1000 MG;DIABETES_ALL;A10BA02;0
sitagliptin;Januvance;T;EA;30;1;1650;NONE;50 MG|100 MG;DIABETES_ALL;A10BH01;0
empagliflozin;Jardelle;T;EA;30;1;1890;NONE;10 MG|25 MG;DIABETES_ALL;A10BK03;0
semaglutide;Ozelis;J;ML;3;0;31000;NONE;2 MG/3 ML;DIABETES_ALL;A10BJ06;0
insulin glargine;Lantara;J;ML;15;0;640;NONE;100 UNIT/ML;;A10AE04;0
apixaban;Eliquane;T;EA;60;2;960;NONE;2.5 MG|5 MG;DOAC;B01AF02;0
levothyroxine;Thyrovel;T;EA;90;1;12;NONE;25 MCG|50 MCG|75 MCG|100 MCG;;H03AA01;0
omeprazole;;C;EA;90;1;7;NONE;20 MG|40 MG;;A02BC01;0
sertraline;;T;EA;90;1;8;NONE;25 MG|50 MG|100 MG;;N06AB06;0
escitalopram;;T;EA;90;1;9;NONE;10 MG|20 MG;;N06AB10;0
gabapentin;;C;EA;90;3;6;NONE;100 MG|300 MG;;N02BF01;0
amoxicillin;;C;EA;30;3;10;NONE;250 MG|500 MG;;J01CA04;0
azithromycin;;T;EA;6;1;95;NONE;250 MG;;J01FA10;0
albuterol;Ventorel;H;GM;18;0;310;NONE;90 MCG;;R03AC02;0
fluticasone;;S;GM;16;0;95;NONE;50 MCG;;R01AD08;0
prednisone;;T;EA;21;3;8;NONE;5 MG|10 MG|20 MG;;H02AB07;0
hydrochlorothiazide;;T;EA;90;1;3;NONE;12.5 MG|25 MG;;C03AA03;0
montelukast;;T;EA;90;1;10;NONE;5 MG|10 MG;;R03DC03;0
oxycodone;Roxelan;T;EA;30;4;22;CII;5 MG|10 MG;;N02AA05;1500
methylphenidate;;T;EA;30;2;60;CII;10 MG|20 MG;;N06BA04;0
buprenorphine-naloxone;;F;EA;30;2;390;CIII;8-2 MG;;N07BC51;0
alprazolam;;T;EA;60;2;5;CIV;0.25 MG|0.5 MG|1 MG;;N05BA12;0
zolpidem;;T;EA;30;1;8;CIV;5 MG|10 MG;;N05CF02;0
pregabalin;Lyrelle;C;EA;60;2;35;CV;75 MG|150 MG;;N03AX16;0
"""


def _parsed(line: str) -> Drug:
    name, brand, form, unit, package, daily, cents, schedule, strengths, kind, atc, mme = (
        line.split(";")
    )
    return Drug(
        name=name,
        brand=brand,
        form=_FORMS[form][0],
        route=_FORMS[form][1],
        unit=unit,
        package=int(package),
        daily=int(daily),
        price=int(cents) * 100,
        schedule=schedule,
        strengths=tuple(strengths.split("|")),
        pdc_class=kind,
        atc=atc,
        mme_factor=int(mme),
    )


DRUGS = tuple(_parsed(line) for line in _LIST.split("\n") if line)
