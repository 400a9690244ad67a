"""The questions that take a user: the test subject is created, changed and deleted again."""

from collections.abc import Mapping, Sequence
from typing import Any

from qlik_provider.client import QlikClient, Writer
from qlik_provider.entitlements import fold
from qlik_provider.errors import LeftBehind
from qlik_provider.probing.findings import Found
from qlik_provider.probing.restoration import Ending, insist
from qlik_provider.probing.witness import describe, members_of
from qlik_provider.transport import Answer

PATH = "/api/v1/users"
NAME = "qlik-provider probe"
EMAIL = "qlik-provider-probe@example.invalid"  # a domain that is never anybody's: RFC 2606
NO_ROLE = "qlik-provider-probe"
HARMLESS_ROLE = "AuditAdmin"  # removed from the subject, who never has it

_CREATED, _DONE, _PARTIAL, _REFUSED, _GONE, _UNSUPPORTED = 201, 204, 207, 400, 404, 415

DESCRIPTION = (
    "  create it as a user, twice, change its name, status and roles, and delete it; nobody gets a mail",
    "  the tenant keeps the record of a deleted user, which nothing takes away",
)


class UserTrial:
    """The test subject as a user, who is afterwards as deleted as the tenant can."""

    def __init__(self, client: QlikClient, writer: Writer, subject: str, ending: Ending) -> None:
        self.answers: dict[str, Found] = {}
        self._client = client
        self._writer = writer
        self._subject = subject
        self._ending = ending
        self._created: set[str] = set()

    def run(self) -> None:
        """Create the subject without a status, then as invited, and change it."""
        status = self._try_creating()
        if status in {"invited", "provisioned"}:
            self._try_transitions(self._id())
        if status:
            self._try_changes(self._id())
            self.restore()
        if status not in {"", "invited", "provisioned"}:
            created = self._create({"status": "invited", "email": EMAIL})
            if created.status != _CREATED:
                self._leave("status-transitions", f"no user can be invited: {describe(created)}")
                return
            self._try_transitions(self._id())

    def restore(self) -> None:
        """Delete the user; raises LeftBehind if it is still there."""
        reason = insist(self._is_deleted)
        if reason:
            raise LeftBehind(f"{self._subject} is perhaps still a user ({reason}); delete it by hand")

    def _is_deleted(self) -> bool:
        """Delete the user, as it was created and as it is listed, and tell whether it is gone."""
        for id in self._created | set(self._find_all()):
            if self._writer.ask("DELETE", f"{PATH}/{id}", None).status in {_DONE, _GONE}:
                self._created.discard(id)
        return not self._created and not self._find_all()

    def _try_creating(self) -> str:
        """Create the subject without a status; return the one it has."""
        created = self._create({})
        if created.status != _CREATED:
            for name in ("new-user-status", "user-role-operations", "unknown-role", "json-patch"):
                self._leave(name, f"no user can be created: {describe(created)}")
            return ""
        status = str(members_of(created).get("status"))
        self.answers["new-user-status"] = Found(status)
        return status

    def _try_transitions(self, id: str) -> None:
        """Make active, and disable, a user who never logged in."""
        made_active = self._patch(id, "replace", "/status", "active").status == _DONE
        disabled = self._patch(id, "replace", "/status", "disabled").status == _DONE
        words = {(True, True): "any", (False, True): "toDisabled", (False, False): "activeAndDisabledOnly"}
        self.answers["status-transitions"] = Found(words.get((made_active, disabled), "to active only"))

    def _try_changes(self, id: str) -> None:
        """Change name and roles."""
        patched = self._patch(id, "replace", "/name", NAME, content_type="application/json-patch+json")
        words = {_DONE: "accepted", _UNSUPPORTED: "refused415"}
        self.answers["json-patch"] = Found(words.get(patched.status, describe(patched)))
        removed = self._patch(id, "remove-value", "/assignedRoles", {"name": HARMLESS_ROLE})
        words = {_DONE: "all", _REFUSED: "replaceOnly"}
        self.answers["user-role-operations"] = Found(words.get(removed.status, describe(removed)))
        replaced = self._patch(id, "replace", "/assignedRoles", [{"name": NO_ROLE}])
        words = {_PARTIAL: "partial207", _REFUSED: "request400"}
        self.answers["unknown-role"] = Found(words.get(replaced.status, describe(replaced)))

    def _create(self, more: Mapping[str, str]) -> Answer:
        self._ending.check()
        answer = self._writer.ask("POST", PATH, {"subject": self._subject, "name": NAME, **more})
        if answer.status == _CREATED:
            self._created.add(str(members_of(answer).get("id")))
        return answer

    def _patch(self, id: str, op: str, path: str, value: Any, content_type: str = "application/json") -> Answer:
        self._ending.check()
        body = [{"op": op, "path": path, "value": value}]
        return self._writer.ask("PATCH", f"{PATH}/{id}", body, content_type)

    def _id(self) -> str:
        return next(iter(self._created))

    def _find_all(self) -> Sequence[str]:
        """Return the ids of the users of this subject who are not deleted."""
        return [user.id for user in self._client.read_users() if fold(user.subject) == fold(self._subject)]

    def _leave(self, name: str, because: str) -> None:
        self.answers[name] = Found(because=because)
