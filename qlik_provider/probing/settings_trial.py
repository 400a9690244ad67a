"""The one question that is asked of the whole tenant: what a field left out of the license settings means."""

from collections.abc import Mapping

from qlik_provider.client import QlikClient, Writer
from qlik_provider.errors import LeftBehind
from qlik_provider.probing.findings import Found
from qlik_provider.probing.restoration import Ending, insist
from qlik_provider.probing.witness import OK, Untold, describe
from qlik_provider.transport import Answer

PATH = "/api/v1/licenses/settings"
FIELDS = ("autoAssignAnalyzer", "autoAssignProfessional")

DESCRIPTION = (
    "on the license settings of the whole tenant:",
    "  put them without one field that is on, read them, and put both back as they were",
    "  where neither is on, autoAssignAnalyzer is on for a moment: whoever logs in then takes a seat",
)


class SettingsTrial:
    """The license settings, which are afterwards what they were before."""

    def __init__(self, client: QlikClient, writer: Writer, ending: Ending) -> None:
        self._client = client
        self._writer = writer
        self._ending = ending
        self._before = self._read()

    def run(self) -> Found:
        """Leave out a field that is on, and see whether it still is."""
        left_out = next((name for name in FIELDS if self._before[name]), FIELDS[0])
        rest = {name: value for name, value in self._before.items() if name != left_out}
        self._ending.check()
        if not self._before[left_out]:
            self._put({**rest, left_out: True})
        self._ending.check()
        answer = self._put(rest)
        if answer.status != OK:
            return Found(f"refused with {describe(answer)}")
        return Found("keep" if self._read()[left_out] else "false")

    def restore(self) -> None:
        """Put the settings back as they were; raises LeftBehind if they are not."""
        reason = insist(self._is_put_back)
        if reason:
            wanted = ", ".join(f"{name} {str(value).lower()}" for name, value in self._before.items())
            raise LeftBehind(f"the license settings are perhaps not as before ({reason}): put {wanted}")

    def _is_put_back(self) -> bool:
        if self._read() != self._before:
            self._put(self._before)
        return self._read() == self._before

    def _read(self) -> dict[str, bool]:
        answer = self._client.ask(PATH)
        if answer.status != OK or not isinstance(answer.body, Mapping):
            raise Untold(f"GET {PATH} answers {describe(answer)}")
        return {name: bool(answer.body.get(name)) for name in FIELDS}

    def _put(self, body: Mapping[str, bool]) -> Answer:
        return self._writer.ask("PUT", PATH, dict(body))
