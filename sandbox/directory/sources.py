"""Where related objects are found: the tables behind members, owners and memberships."""

from sandbox.paging import Clause, Listing, Order

# The collections of documents whose items are directory objects, with Graph's type of them.
KINDS = {
    "applications": "application",
    "servicePrincipals": "servicePrincipal",
    "devices": "device",
    "contacts": "orgContact",
    "administrativeUnits": "administrativeUnit",
}

# What an object is, and its body: the joins below find it in the table it is in.
_WHENS = " ".join(f"WHEN '{collection}' THEN '{kind}'" for collection, kind in KINDS.items())
_KIND = (
    "CASE WHEN people.id IS NOT NULL THEN 'user' WHEN groups.id IS NOT NULL THEN 'group'"
    f" ELSE CASE things.collection {_WHENS} END END AS kind,"
    " coalesce(people.body, groups.body, things.body) AS body"
)
_NAMES = ", ".join(f"'{collection}'" for collection in KINDS)
# Most members are people: nothing else is looked up for those that are.
_JOINS = (
    " LEFT JOIN people ON people.id = link.id"
    " LEFT JOIN groups ON people.id IS NULL AND groups.id = link.id"
    " LEFT JOIN documents AS things ON people.id IS NULL AND groups.id IS NULL"
    f" AND things.collection IN ({_NAMES}) AND things.id = link.id"
)
# A cast to one type needs its table only.
_CASTS = {
    "microsoft.graph.user": ("'user' AS kind, people.body AS body", " JOIN people ON people.id = link.id"),
    "microsoft.graph.group": ("'group' AS kind, groups.body AS body", " JOIN groups ON groups.id = link.id"),
    "microsoft.graph.servicePrincipal": (
        "'servicePrincipal' AS kind, things.body AS body",
        " JOIN documents AS things ON things.collection = 'servicePrincipals' AND things.id = link.id",
    ),
    "microsoft.graph.administrativeUnit": (
        "'administrativeUnit' AS kind, things.body AS body",
        " JOIN documents AS things ON things.collection = 'administrativeUnits' AND things.id = link.id",
    ),
    "microsoft.graph.device": (
        "'device' AS kind, things.body AS body",
        " JOIN documents AS things ON things.collection = 'devices' AND things.id = link.id",
    ),
    "microsoft.graph.orgContact": (
        "'orgContact' AS kind, things.body AS body",
        " JOIN documents AS things ON things.collection = 'contacts' AND things.id = link.id",
    ),
    "": (_KIND, _JOINS),
}
_DIRECT = "(SELECT object_id AS id, seq FROM links WHERE relation = ? AND group_id = ?) AS link"
_CONTAINING = "(SELECT group_id AS id, seq FROM links WHERE relation = 'members' AND object_id = ?) AS link"
_REACHED = (
    "(WITH RECURSIVE reached (id) AS ("
    "SELECT object_id FROM links WHERE relation = 'members' AND group_id = ?"
    " UNION SELECT links.object_id FROM links JOIN reached ON links.group_id = reached.id"
    " WHERE links.relation = 'members') SELECT id FROM reached) AS link"
)
_REACHING = (
    "(WITH RECURSIVE reaching (id) AS ("
    "SELECT group_id FROM links WHERE relation = 'members' AND object_id = ?"
    " UNION SELECT links.group_id FROM links JOIN reaching ON links.object_id = reaching.id"
    " WHERE links.relation = 'members') SELECT id FROM reaching) AS link"
)
_IN_ORDER = Order("link.seq", "link.seq")
_BY_ID = Order("link.id", "link.id")


def direct_listing(relation: str, parent_id: str, cast: str = "") -> Listing:
    """Return what an object refers to in a relation, in the order it was added."""
    return _listing(_DIRECT, (relation, parent_id), _IN_ORDER, cast)


def reached_listing(group_id: str, cast: str = "") -> Listing:
    """Return the members of a group and of every group in it, each once."""
    return _listing(_REACHED, (group_id,), _BY_ID, cast)


def containing_listing(object_id: str, cast: str = "") -> Listing:
    """Return the groups and units that have an object as a direct member."""
    return _listing(_CONTAINING, (object_id,), _IN_ORDER, cast)


def reaching_listing(object_id: str, cast: str = "") -> Listing:
    """Return the groups and units an object is in, be it through other groups, each once."""
    return _listing(_REACHING, (object_id,), _BY_ID, cast)


def _listing(source: str, params: tuple[str, ...], order: Order, cast: str) -> Listing:
    columns, joins = _CASTS[cast]
    return Listing(columns, Clause(source + joins, params), order)
