"""The user of the tenant that somebody is to have, and what it is created with; performs no I/O."""

import re
from dataclasses import dataclass

from qlik_provider.entitlements import Entitlement, parse_entitlement

USER = "user"  # the one type of a user of the tenant

_NAMED = re.compile(r"(?P<name>.*\S) <(?P<mail>[^<>]+)>")


@dataclass(frozen=True)
class Account(Entitlement):
    """A user that somebody is to have, every key that asks for it, whose it is, and the name it is created with."""

    name: str = ""

    def __str__(self) -> str:
        return f"{self.type} via {', '.join(self.keys)} for {self.name} <{self.mail}>"


def parse_account(text: str) -> Account:
    """Return the account written as `user via <key>[, <key>…] for <name> <<e-mail>>`.

    Raises ValueError, saying the form, when `text` is anything else.
    """
    form = f"{text!r} is not of the form 'user via <key>[, <key>…] for <name> <<e-mail>>'"
    try:
        entitlement = parse_entitlement(text)
    except ValueError:
        raise ValueError(form) from None
    named = _NAMED.fullmatch(entitlement.mail)
    if named is None or entitlement.type != USER:
        raise ValueError(form)
    return Account(USER, entitlement.keys, named["mail"], named["name"])


def write_name(display_name: str, mail: str) -> str:
    """Return a display name as an account can hold it, in one line and without marks of its form; else the e-mail."""
    return " ".join(display_name.replace(";", ",").replace("<", "(").replace(">", ")").split()) or mail
