"""The questions about the rest of a tenant that reading answers; each returns what it found or raises Untold."""

from qlik_provider.probing.findings import Found
from qlik_provider.probing.witness import OK, STATUSES, Question, Untold, Witness, describe, href_of, members_of

_NOBODY = "00000000000000000000ffff"  # has the form of an id, and is nobody's
_BAD_REQUEST, _NOT_FOUND, _MOVED = 400, 404, 301
_PAGES = 10  # of items: enough to find one that stands in no space


def find_default_status(witness: Witness) -> Found:
    """Tell which users the unfiltered list shows."""
    shown, active, everybody = (_count_users(witness, statuses) for statuses in ((), ("active",), STATUSES))
    if active == everybody:
        raise Untold("every user of this tenant is active")
    answers = {active: "active", everybody: "all", everybody - _count_users(witness, ("deleted",)): "all but deleted"}
    return Found(answers.get(shown, f"{shown} of {everybody} users, {active} of them active"))


def find_filter_status(witness: Witness) -> Found:
    """Tell whether a filter that says nothing of the status finds users who are not active."""
    user = _first_user(witness, ("disabled", "provisioned", "invited"))
    found = witness.body("users", limit="1", filter=f'id eq "{user}"').get("data")
    return Found("all" if found else "active")


def find_deleted_user(witness: Witness) -> Found:
    """Tell what asking for a deleted user by id is answered."""
    answer = witness.ask(f"users/{_first_user(witness, ('deleted',))}")
    return Found({OK: "shown", _NOT_FOUND: "notFound404"}.get(answer.status, describe(answer)))


def find_unauthorized(witness: Witness) -> Found:
    """Tell whether somebody without a token is answered with errors or with nothing."""
    answer = witness.client.ask("/api/v1/users/me", is_signed=False)
    if answer.body is None:
        return Found("empty")
    return Found("errors" if "errors" in members_of(answer) else describe(answer))


def find_me(witness: Witness) -> Found:
    """Tell how `users/me` leads to the caller."""
    is_redirect = witness.me.status == _MOVED and witness.my_id
    return Found("301 to the caller's own user" if is_redirect else str(witness.me.status))


def find_date(witness: Witness) -> Found:
    """Tell whether answers carry the time."""
    return Found("present" if witness.me.headers.get("date") else "absent")


def find_rate_headers(witness: Witness) -> Found:
    """Tell whether a success says what is left of the rate limit."""
    headers = witness.ask("tenants/me").headers
    return Found(", ".join(sorted({name.lower() for name in headers if "ratelimit" in name.lower()})) or "none")


def find_not_found(path: str) -> Question:
    """Return the question what asking for a thing there is not is answered."""

    def find_error(witness: Witness) -> Found:
        return Found(describe(witness.ask(f"{path}/{_NOBODY}")))

    return find_error


def find_page_limit(path: str) -> Question:
    """Return the question how many items a page holds at most."""

    def find_limit(witness: Witness) -> Found:
        answer = witness.ask(path, limit="101")
        if answer.status != OK:
            return Found(f"100, 101 is refused with {answer.status}")
        count = len(members_of(answer).get("data", ()))
        if not href_of(members_of(answer)):
            raise Untold(f"101 is accepted, and there are only {count}")
        return Found(f"101 is accepted, {count} came")

    return find_limit


def find_spaces_limit(witness: Witness) -> Found:
    """Tell how many spaces may be asked for at once."""
    for limit in ("100", "1000"):
        answer = witness.ask("spaces", limit=str(int(limit) + 1))
        if answer.status == _BAD_REQUEST:
            return Found(limit)
    return Found("more than 1000" if answer.status == OK else describe(answer))


def find_space_events(witness: Witness) -> Found:
    """Tell under which names the audits know the events of spaces."""
    names = []
    for name, prefix in (("core", "com.qlik.core.space"), ("legacy", "com.qlik.space")):
        kinds = (f"{prefix}.created", f"{prefix}.assignment.created")
        if any(witness.body("audits", limit="1", eventType=kind).get("data") for kind in kinds):
            names.append(name)
    if not names:
        raise Untold("no space was created within the time of the audits")
    return Found("both" if len(names) > 1 else names[0])


def find_webhook_types(witness: Witness) -> Found:
    """Tell whether webhooks offer the events of licenses."""
    types = [str(item.get("name")) for item in witness.body("webhooks/event-types")["data"]]
    return Found("offered" if any(type.startswith("com.qlik.license.") for type in types) else "auditsOnly")


def find_personal_items(witness: Witness) -> Found:
    """Tell whether an administrator sees what others keep in no space."""
    for number, page in enumerate(witness.pages("items", "next", notOwnerId=witness.my_id)):
        if any(not item.get("spaceId") and item.get("ownerId") != witness.my_id for item in page["data"]):
            return Found("visible")
        if number + 1 == _PAGES:
            break
    raise Untold("no item of others stands in no space; they may be hidden, or there may be none")


def _count_users(witness: Witness, statuses: tuple[str, ...]) -> int:
    """Return how many users have one of these statuses, or how many there are without a filter."""
    params = {"filter": _any_of(statuses)} if statuses else {}
    total = witness.body("users", limit="1", totalResults="true", **params).get("totalResults")
    if not isinstance(total, int):
        raise Untold("the users come without totalResults")
    return total


def _first_user(witness: Witness, statuses: tuple[str, ...]) -> str:
    """Return the id of a user with one of these statuses."""
    found = witness.body("users", limit="1", filter=_any_of(statuses))["data"]
    if not found:
        raise Untold(f"no user of this tenant is {' or '.join(statuses)}")
    return str(found[0]["id"])


def _any_of(statuses: tuple[str, ...]) -> str:
    return "(" + " or ".join(f'status eq "{status}"' for status in statuses) + ")"


TENANT_QUESTIONS: dict[str, Question] = {
    "users-default-status": find_default_status,
    "filter-default-status": find_filter_status,
    "deleted-user": find_deleted_user,
    "license-webhooks": find_webhook_types,
    "spaces-max-limit": find_spaces_limit,
    "space-events": find_space_events,
    "admin-personal-items": find_personal_items,
    "unauthorized-body": find_unauthorized,
    "me-redirect": find_me,
    "date-header": find_date,
    "rate-limit-headers": find_rate_headers,
    "users-error": find_not_found("users"),
    "groups-error": find_not_found("groups"),
    "roles-error": find_not_found("roles"),
    "licenses-page-limit": find_page_limit("licenses/assignments"),
    "users-page-limit": find_page_limit("users"),
}
