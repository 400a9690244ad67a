"""The words invented people and groups are made of."""

import unicodedata
from dataclasses import dataclass
from random import Random

DOMAIN = "contoso.test"
PARTNERS = ("fabrikam.test", "partner.test", "northwind.test")

GIVEN = (  # noqa: SIM905  # words read better as words
    "Aarav Agnieszka Ana Anna Anton Aoife Beatriz Birgit Björn Bo Carla Cécile Chinedu Daan Dagmar Dieter Dmitri Dörte"
    " Elena Elif Emre Erik Eva Farid Fatima Federica Francesco Freya Georg Gisela Gustavo Hana Henrik Hiroshi Hugo Igor"
    " Ilse Ingrid Ismail Jakub Jana Jasper João Jürgen Katarzyna Kirsten Kofi Lars Leïla Lena Łukasz Luca Maja Malik"
    " Maria Mateo Mei Nadia Noé Nuno Olga Oskar Paulo Petra Priya Rafael Renée Rosa Søren Sanjay Sara Şebnem Sofía"
    " Stefan Tomás Ulla Viktor Wanda Xavier Yasmin Yuki Zoë Žofia Siobhán Anne-Marie Jean-Luc"
).split()
FAMILY = (  # noqa: SIM905  # words read better as words
    "Müller Silva Berg Nowak Fischer Rossi Hansen Singh García Kim Weber Santos Andersen Dubois Keller Romano Jansen"
    " Moreau Virtanen Sharma Tanaka Costa Vogel Lopes Nielsen Krüger Abdi Bergström Martins Wójcik Braun Neumann"
    " Nakamura Schröder Bauer Dubček Oliveira Ricci Bosch Cruz Torres Svensson Popescu Almeida Castillo Bianchi Brandt"
    " Winkler Olsen Maier Thiel Ortiz Ivanova Lindqvist Mensah Horváth Baumann Rahman Schneider Walsh Murphy Lorenz"
    " O'Neill D'Angelo O'Brien N'Diaye van-der-Berg Škoda Öztürk Łoś Åkesson Peña Grün Weiß Øvergård"
).split()
LONG = (
    ("Maximiliane-Theodora Philippa Constanze", "von und zu Hohenberg-Lindenau auf Schattenfels"),
    ("José María Francisco de los Ángeles", "Fernández de Córdoba y Álvarez de Toledo"),
    ("Venkatanarasimharajuvaripeta", "Subrahmanyam Lakshminarayanan Krishnamurthy"),
)
SERVICES = ("archive", "backup", "badge-reader", "build", "crm-export", "etl-loader", "monitoring", "scanner")
PROJECTS = ("Atlas", "Côte d'Azur", "Delta", "Ökobilanz", "Harbour", "Iris", "Kraków Hub", "Nordlys", "Orbit")


@dataclass(frozen=True)
class Department:
    """A department, how many parts of the company work there, and what they are called."""

    name: str
    parts: float
    titles: tuple[str, ...]


# Some departments are a hundred times the size of others, as in real companies.
DEPARTMENTS = (
    Department("Operations", 300, ("Operator", "Shift Planner", "Process Engineer")),
    Department("Manufacturing", 210, ("Machinist", "Quality Inspector", "Line Planner")),
    Department("Sales", 150, ("Account Manager", "Sales Representative", "Sales Engineer")),
    Department("Logistics", 95, ("Dispatcher", "Warehouse Clerk", "Supply Planner")),
    Department("Customer Service", 80, ("Service Agent", "Service Analyst")),
    Department("Engineering", 62, ("Engineer", "Software Engineer", "Test Engineer")),
    Department("Finance", 34, ("Accountant", "Controller", "Financial Analyst")),
    Department("Marketing", 25, ("Campaign Manager", "Market Analyst")),
    Department("IT", 20, ("Administrator", "Data Engineer", "Support Engineer")),
    Department("HR", 12, ("HR Partner", "Recruiter")),
    Department("Procurement", 7, ("Buyer", "Category Manager")),
    Department("Legal", 3, ("Counsel", "Paralegal")),
    Department("Internal Audit", 1.5, ("Auditor",)),
    Department("Board", 0.5, ("Board Member",)),
)

# Letters that no decomposition takes apart, and those German writes out.
_ASCII = str.maketrans({"ß": "ss", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "ä": "ae", "ö": "oe", "ü": "ue"})


def draw_name(random: Random) -> tuple[str, str]:
    """Return a given name and a family name; a few family names are much more frequent than the rest."""
    family = FAMILY[int(len(FAMILY) * random.random() ** 1.6)]
    return GIVEN[int(len(GIVEN) * random.random())], family


def as_ascii(text: str) -> str:
    """Return the text as mail systems spell it: lower case, no diacritics, blanks as hyphens, apostrophes kept."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_ASCII)).encode("ascii", "ignore").decode()
    return "-".join(plain.split())


def as_nickname(text: str) -> str:
    """Return the text as a mail nickname, which takes no apostrophe."""
    return as_ascii(text).replace("'", "")
