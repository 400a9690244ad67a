"""`azuread.GroupWithoutMembers` as the plugin handles it, without its waits: a table of Graph calls.

Calls and their order: entra.md 3.1, 3.2 and a recording of plugin 6.11 (azuread-trace.jsonl); shapes of inputs and
outputs: states written by the plugin.
"""

import uuid
from typing import Any

from sandbox.engine.differences import Detailed, compare
from sandbox.engine.directory import Directory
from sandbox.engine.providers import Difference, Reading
from sandbox.engine.refusals import CheckFailure, ProviderFailure
from sandbox.engine.states import State, split_urn
from sandbox.engine.values import Properties, has_unknown

GROUP = "azuread:index/groupWithoutMembers:GroupWithoutMembers"
INPUTS = {"displayName", "description", "mailNickname", "mailEnabled", "securityEnabled"}
INPUTS |= {"types", "dynamicMembership", "preventDuplicateNames"}
DYNAMIC = "DynamicMembership"
# Where the program says nothing these stand; the other inputs keep what the directory has.
DEFAULTS: Properties = {
    "description": "",
    "dynamicMembership": None,
    "mailEnabled": False,
    "preventDuplicateNames": False,
    "securityEnabled": False,
    "types": None,
}
# Outputs of a security group that was never mail-enabled, is not written back and is in no administrative unit.
_FALSE = ["assignableToRole", "autoSubscribeNewMembers", "externalSendersAllowed", "hideFromAddressLists"]
_FALSE += ["hideFromOutlookClients", "writebackEnabled"]
_EMPTY = ["onpremisesDomainName", "onpremisesNetbiosName", "onpremisesSamAccountName", "onpremisesSecurityIdentifier"]
_UNSET = ["administrativeUnitIds", "behaviors", "provisioningOptions"]
CONSTANTS: Properties = {
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_EMPTY, ""),
    **dict.fromkeys(_UNSET),
    "onpremisesGroupType": None,
}


class AzureadProvider:
    """The provider of one phase; metadata and token are fetched at once, as the plugin's configure does."""

    def __init__(self, config: dict[str, str]) -> None:
        self._directory = Directory(config.get("metadataHost", config.get("azuread:metadataHost", "")))

    def check(self, urn: str, olds: Properties, news: Properties) -> Properties:  # noqa: ARG002
        """Return the inputs; those outside the table are refused by name."""
        type, name = split_urn(urn)
        which = f"{type} resource '{name}' has a problem:"
        problems = [f"{which} the rehearsal does not know {key}" for key in sorted(news.keys() - INPUTS)]
        if news.get("mailEnabled"):
            problems.append(f"{which} the rehearsal makes no mail-enabled groups")
        elif "securityEnabled" not in news:
            problems.append(
                f'{which} Missing required argument. "security_enabled": one of '
                f"`mail_enabled,security_enabled` must be specified. Examine values at '{name}.securityEnabled'."
            )
        if (DYNAMIC in (news.get("types") or ())) != bool(news.get("dynamicMembership")):
            problems.append(f"{which} `dynamic_membership` and `types` {DYNAMIC!r} belong together")
        if problems:
            raise CheckFailure(problems)
        membership = news.get("dynamicMembership")
        marked = {"dynamicMembership": {"__defaults": [], **membership}} if membership else {}
        return {"__defaults": [], **news, **marked}

    def diff(self, old: State, news: Properties) -> Difference:
        """Return how outputs and inputs differ; another mail nickname or other types would need a new group."""
        wanted = {**DEFAULTS, **_plain(news)}
        detailed: Detailed = {}
        for key, value in wanted.items():
            before, after = _normal(old.outputs.get(key)), _normal(value)
            if isinstance(before, dict) and isinstance(after, dict):
                detailed |= compare({key: before}, {key: after})
            elif before != after or has_unknown(after):
                detailed[key] = "update" if key in news else "delete"
        replaces = tuple(key for key in ("mailNickname", "types") if key in detailed)
        return Difference(bool(detailed), replaces, detailed)

    def preview_update(self, old: State, news: Properties) -> Properties:
        """Return the outputs as the update will leave them."""
        return {**old.outputs, **DEFAULTS, **_plain(news)}

    def create(self, urn: str, inputs: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Create the group, let it change its name and back as the plugin does, and read it."""
        name = inputs["displayName"]
        if inputs.get("preventDuplicateNames"):
            self._refuse_duplicate(name, "")
        body = {
            "@odata.type": "#microsoft.graph.group",
            **_writable(inputs),
            "groupTypes": inputs.get("types") or [],
            "isAssignableToRole": False,
            "mailNickname": inputs.get("mailNickname") or str(uuid.uuid4())[:10],
            "owners@odata.bind": [f"{self._directory.base}/directoryObjects/{self._directory.caller}"],
            "resourceBehaviorOptions": [],
            "resourceProvisioningOptions": [],
        }
        id = f"/groups/{self._directory.post('/groups', body, f'Creating group {name!r}')['id']}"
        for shown in (f"TERRAFORM_UPDATE_{uuid.uuid4()}", name):
            renamed = {"@odata.type": "#microsoft.graph.group", "displayName": shown}
            self._directory.patch(id, renamed, f"Updating group {name!r}")
        return id, self._read(id, inputs)

    def update(self, old: State, news: Properties) -> Properties:
        """Change the group and read it."""
        if news.get("preventDuplicateNames"):
            self._refuse_duplicate(news["displayName"], old.id)
        body = {"@odata.type": "#microsoft.graph.group", **_writable(news)}
        self._directory.patch(old.id, body, f"Updating {old.id}")
        outputs = self._read(old.id, news)
        # What a refresh has read as empty stays empty; otherwise it is absent.
        return {key: [] if old.outputs.get(key) == [] and not value else value for key, value in outputs.items()}

    def read(self, old: State) -> Reading | None:
        """Return the group, with those inputs the program had given."""
        if self._directory.get(old.id, f"Retrieving {old.id}") is None:
            return None
        outputs = self._read(old.id, old.outputs)
        outputs |= {key: [] for key in _UNSET}
        outputs["types"] = outputs["types"] or []
        return Reading(old.id, outputs, {key: _project(outputs, key, old.inputs[key]) for key in old.inputs})

    def delete(self, old: State) -> None:
        """Delete the group; one that is not there is an error, as it is to the plugin."""
        if self._directory.get(old.id, f"Retrieving {old.id}") is None:
            raise ProviderFailure(f"Retrieving group with ID {old.id!r}: group was not found")
        self._directory.delete(old.id, f"Deleting {old.id}")
        if self._directory.get(old.id, f"Retrieving {old.id}") is not None:
            raise ProviderFailure(f"Waiting for deletion of {old.id}")

    def close(self) -> None:
        """Close the connections."""
        self._directory.close()

    def _read(self, id: str, given: Properties) -> Properties:
        group = self._directory.get(id, f"Retrieving {id}")
        if group is None:
            raise ProviderFailure(f"Retrieving {id}: group was not found")
        owners = self._directory.list(f"{id}/owners", f"Retrieving owners of {id}")
        self._directory.list(f"{id}/memberOf", f"Retrieving administrative units of {id}")
        rule = group["membershipRule"]
        membership = {"enabled": group.get("membershipRuleProcessingState") == "On", "rule": rule}
        return {
            **CONSTANTS,
            "description": group.get("description") or "",
            "displayName": group["displayName"],
            "dynamicMembership": None if rule is None else membership,
            "id": id,
            "mail": group.get("mail") or "",
            "mailEnabled": bool(group.get("mailEnabled")),
            "mailNickname": group.get("mailNickname") or "",
            "objectId": group["id"],
            "onpremisesSyncEnabled": bool(group.get("onPremisesSyncEnabled")),
            "owners": sorted(owner["id"] for owner in owners),
            "preferredLanguage": group.get("preferredLanguage") or "",
            "preventDuplicateNames": bool(given.get("preventDuplicateNames")),
            "proxyAddresses": group.get("proxyAddresses") or [],
            "securityEnabled": bool(group.get("securityEnabled")),
            "theme": group.get("theme") or "",
            "types": group.get("groupTypes") or None,
            "visibility": group.get("visibility") or "",
        }

    def _refuse_duplicate(self, name: str, id: str) -> None:
        found = self._directory.list(
            f"/groups?$filter=displayName eq '{name}'", "Could not check for existing group(s)"
        )
        for group in found:
            if group["displayName"] == name and f"/groups/{group['id']}" != id:
                raise ProviderFailure(f"a group named {name!r} exists already with the ID {group['id']!r}; import it")


def _writable(inputs: Properties) -> dict[str, Any]:
    membership = inputs.get("dynamicMembership")
    state = {"membershipRuleProcessingState": "On" if membership["enabled"] else "Paused"} if membership else {}
    return {
        "description": inputs.get("description") or None,
        "displayName": inputs["displayName"],
        "mailEnabled": False,
        "membershipRule": membership["rule"] if membership else None,
        "securityEnabled": bool(inputs.get("securityEnabled")),
        **state,
    }


def _plain(inputs: Properties) -> Properties:
    return {
        key: _plain(value) if isinstance(value, dict) else value for key, value in inputs.items() if key != "__defaults"
    }


def _normal(value: Any) -> Any:
    return (sorted(value) if isinstance(value, list) else value) or None


def _project(outputs: Properties, key: str, given: Any) -> Any:
    if key == "dynamicMembership" and outputs[key]:
        return {"__defaults": [], **outputs[key]}
    return outputs.get(key, given)
