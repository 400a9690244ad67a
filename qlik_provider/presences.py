"""Who of some people is in the directory, looked up one by one: only what it says of a person proves that they left.

Disabled is proven by the account itself; deleted by the recycle bin, or by two 404s, the second of which says that the
bin has nobody either. A directory in which nobody is found is another one, so there 404s prove nothing.
https://learn.microsoft.com/graph/api/user-get, https://learn.microsoft.com/graph/api/directory-deleteditems-get
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from qlik_provider.errors import NoEvidence, QlikProviderError
from qlik_provider.graph import BATCH, SERVICE, GraphClient
from qlik_provider.rungs import Presence
from qlik_provider.wire import GraphAccount, GraphMember, GraphReply, parse_body

_OK, _NOT_FOUND = 200, 404
_NO_SUCH = "Request_ResourceNotFound"
_USER = "#microsoft.graph.user"
ATTEMPTS = 2  # once more for what was not answered


@dataclass(frozen=True)
class Presences:
    """What the directory proves of people, by object id, and why it proves nothing of others."""

    known: Mapping[str, Presence] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def read_presences(client: GraphClient, ids: Collection[str], witnesses: Collection[str]) -> Presences:
    """Return who is present, who left, and of whom nothing is proven; raises nothing.

    `witnesses` are the object ids of others who are in this directory.
    """
    try:
        accounts = _ask(client, {*ids, *witnesses}, "/users/{id}?$select=id,accountEnabled")
        missing = [id for id in ids if _is_missing(accounts.get(id))]
        binned = _ask(client, missing, "/directory/deletedItems/{id}")
    except QlikProviderError as error:
        return Presences({}, dict.fromkeys(ids, str(error)))
    is_ours = any(_read_account(id, reply) is not None for id, reply in accounts.items())
    known: dict[str, Presence] = {}
    reasons: dict[str, str] = {}
    for id in ids:
        enabled = _read_account(id, accounts.get(id))
        if enabled is not None:
            known[id] = "present" if enabled else "left"
        elif id not in missing:
            reasons[id] = _explain("users", accounts.get(id))
        elif _is_binned(id, binned.get(id)) or (is_ours and _is_missing(binned.get(id))):
            known[id] = "left"
        elif _is_missing(binned.get(id)):
            reasons[id] = "the directory has neither them nor anybody else this stack knows, so it may be another one"
        else:
            reasons[id] = _explain("directory/deletedItems", binned.get(id))
    return Presences(known, reasons)


def _ask(client: GraphClient, ids: Iterable[str], url: str) -> dict[str, GraphReply]:
    """Return the reply to each question; what was not answered for good is asked once more, and may be missing."""
    replies: dict[str, GraphReply] = {}
    for _ in range(ATTEMPTS):
        left = iter([id for id in ids if replies.get(id) is None or replies[id].status not in {_OK, _NOT_FOUND}])
        while asked := list(islice(left, BATCH)):
            answers = {reply.id: reply for reply in client.read_batch([url.replace("{id}", id) for id in asked])}
            replies |= {id: answers[place] for place, id in enumerate(asked) if place in answers}
    return replies


def _read_account(id: str, reply: GraphReply | None) -> bool | None:
    """Return whether the account of an object id is enabled; None where the reply shows no such account."""
    account = _parse(reply, GraphAccount)
    return account.account_enabled if account and account.id.casefold() == id.casefold() else None


def _is_binned(id: str, reply: GraphReply | None) -> bool:
    item = _parse(reply, GraphMember)
    return item is not None and item.id.casefold() == id.casefold() and item.kind in {"", _USER}


def _parse(reply: GraphReply | None, shape: Any) -> Any:
    if reply is None or reply.status != _OK:
        return None
    try:
        return parse_body(SERVICE, "GET", "/users", reply.body, shape)
    except NoEvidence:
        return None


def _is_missing(reply: GraphReply | None) -> bool:
    """Tell whether the directory itself says that it has no such object."""
    error = reply.body.get("error") if reply is not None and isinstance(reply.body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return reply is not None and reply.status == _NOT_FOUND and code == _NO_SUCH


def _explain(what: str, reply: GraphReply | None) -> str:
    if reply is None:
        return f"{what} was not answered"
    if reply.status == 403:  # noqa: PLR2004 - forbidden
        return f"{what} is forbidden to this client; grant it the application permission User.Read.All"
    return f"{what} answered {reply.status} and shows no account"
