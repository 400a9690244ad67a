"""The questions about licenses that reading answers; each returns what it found or raises Untold."""

from urllib.parse import urlsplit

from qlik_provider.entitlements import fold
from qlik_provider.probing.findings import Found
from qlik_provider.probing.trial_types import CAPACITY
from qlik_provider.probing.witness import OK, Question, Untold, Witness, describe, href_of, members_of

_ROWS = "licenses/assignments"
_BOT = "qlikbot\\"
_BAD_REQUEST = 400


def find_link_host(witness: Witness) -> Found:
    """Tell whose host the next link of the rows names."""
    href = href_of(witness.body(_ROWS, limit="1"))
    if not href:
        raise Untold("the license has fewer than two rows")
    own = {urlsplit(witness.client.tenant).netloc, *witness.tenant.hostnames, ""}
    return Found("tenant" if urlsplit(href).netloc in own else "internal")


def find_last_link(witness: Witness) -> Found:
    """Tell how the last page says that it is the last."""
    *_, rows = witness.pages(_ROWS, "page")
    users = witness.body("users", limit="100", filter=f'id eq "{witness.my_id}"')
    forms = {name: _form_of_link(page) for name, page in (("rows", rows), ("users", users))}
    if len(set(forms.values())) == 1:
        return Found(forms["users"])
    return Found(", ".join(f"{form} for {name}" for name, form in forms.items()))


def find_subject_case(witness: Witness) -> Found:
    """Tell whether rows write the domain of a subject as the users do."""
    own = {fold(user.subject): user.subject for user in witness.users}
    pairs = ((own.get(fold(row.subject), ""), row.subject) for row in witness.rows)
    forms = {compare_domains(given, stored) for given, stored in pairs} - {""}
    if not forms:
        raise Untold("no row has the domain of a user in lower case; --write tells it")
    if len(forms) > 1:
        raise Untold(f"the rows have it both ways, {' and '.join(sorted(forms))}; --write tells it")
    return Found(forms.pop())


def compare_domains(given: str, stored: str) -> str:
    """Return how a domain is kept, or nothing where the subject has none in lower case."""
    domain, backslash, _ = given.partition("\\")
    if not backslash or domain == domain.upper():
        return ""
    return {domain: "asGiven", domain.upper(): "upperDomain"}.get(stored.partition("\\")[0], "another form")


def find_sort(witness: Witness) -> Found:
    """Tell whether rows can be sorted by subject."""
    if len({fold(row.subject) for row in witness.rows}) < 2:  # noqa: PLR2004  # an order needs two
        raise Untold("the license has rows of fewer than two subjects")
    orders = []
    for sort in ("+subject", "-subject"):
        answer = witness.ask(_ROWS, limit="100", sort=sort)
        if answer.status != OK:
            return Found("refused400" if answer.status == _BAD_REQUEST else describe(answer))
        orders.append([fold(str(item.get("subject"))) for item in answer.body["data"]])
    up, down = orders
    if up == down:
        return Found("ignored")
    return Found("responseFields" if up == sorted(up) and down == sorted(down, reverse=True) else "in another order")


def find_filter(witness: Witness) -> Found:
    """Tell whether rows are filtered by subject."""
    row = next((row for row in witness.rows if '"' not in row.subject), None)
    if row is None:
        raise Untold("the license has no row")
    subject = row.subject.replace("\\", "\\\\")
    answer = witness.ask(_ROWS, limit="100", filter=f'subject eq "{subject}"')
    if answer.status != OK:
        return Found("deprecatedOnly" if answer.status == _BAD_REQUEST else describe(answer))
    found = {fold(str(item.get("subject"))) for item in answer.body["data"]}
    return Found(
        {frozenset({fold(row.subject)}): "responseFields", frozenset(): "finds nothing"}.get(
            frozenset(found), "ignored"
        )
    )


def find_operators(witness: Witness) -> Found:
    """Tell whether rows are filtered by what a value contains."""
    known = {fold(user.subject): user for user in witness.users if user.name and '"' not in user.name}
    user = next((known[fold(row.subject)] for row in witness.rows if fold(row.subject) in known), None)
    if user is None:
        raise Untold("no user of this tenant holds a row")
    texts = (f'name co "{user.name}"', f'subject co "{user.subject.rpartition(chr(92))[2]}"')
    answers = [witness.ask(_ROWS, limit="100", filter=text) for text in texts]
    if any(answer.status == OK for answer in answers):
        return Found("eqAndCo")
    return Found("eq" if {answer.status for answer in answers} == {_BAD_REQUEST} else describe(answers[0]))


def find_capacity_types(witness: Witness) -> Found:
    """Tell which types the overview of a capacity license names."""
    types = CAPACITY & {allotment.name for allotment in witness.overview.allotments}
    if not types:
        raise Untold("this is no capacity license")
    return Found({CAPACITY: "listed", frozenset({"fullUser"}): "fullUserOnly"}.get(types, ", ".join(sorted(types))))


def find_bot_seats(witness: Witness) -> Found:
    """Tell whether the users of OAuth clients are given seats where everybody is; one may have been given by hand."""
    bots = {fold(user.subject) for user in witness.users if fold(user.subject).startswith(_BOT)}
    gives = any(members_of(witness.ask("licenses/settings")).values())
    is_capacity = CAPACITY & {allotment.name for allotment in witness.overview.allotments}
    if not bots or not (gives or is_capacity):
        raise Untold("no OAuth client has a user here, or nobody is given a seat without being assigned one")
    return Found("autoAssigned" if bots <= {fold(row.subject) for row in witness.rows} else "none")


def find_error(witness: Witness) -> Found:
    """Tell the shape of a refusal; the code is the service's own."""
    answer = witness.ask(_ROWS, limit="0")
    return Found(" ".join([str(answer.status), *sorted(members_of(answer))]))


def find_settings(witness: Witness) -> Found:
    """Tell which fields the license settings have."""
    names = set(witness.body("licenses/settings"))
    both = names == {"autoAssignAnalyzer", "autoAssignProfessional"}
    return Found("both fields" if both else ", ".join(sorted(names)) or "no field")


def _form_of_link(page: dict[str, object]) -> str:
    """Return how a last page shows its missing continuation."""
    links = page.get("links")
    if not isinstance(links, dict) or "next" not in links:
        return "absent"
    return "nullHref" if links["next"] == {"href": None} else "another form"


LICENSE_QUESTIONS: dict[str, Question] = {
    "subject-case": find_subject_case,
    "assignments-sort": find_sort,
    "assignments-filter": find_filter,
    "assignments-filter-operators": find_operators,
    "capacity-allotments": find_capacity_types,
    "bot-seats": find_bot_seats,
    "next-link-host": find_link_host,
    "next-link-last": find_last_link,
    "licenses-error": find_error,
    "licenses-settings": find_settings,
}
