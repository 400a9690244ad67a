"""Every request of one real run of the azuread provider, sent again in its order.

`azuread-trace.jsonl` beside this file holds one request a line: method `m`, path `p`, query `q`, `body`, and the
`status` it was answered with. Names in braces stand for ids; a line with `makes` says which members of its answer they
are from; a line with `fault` is a fault that was injected into that run, asked of the control plane at the same place.
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

TRACE = [json.loads(line) for line in (Path(__file__).parent / "azuread-trace.jsonl").read_text().splitlines()]
# By line: what the sandbox answers, where the emulator of that run answered otherwise than the services do.
EXCEPTIONS = {
    343: (200, "that emulator had no openid-configuration, which MSAL reads"),
    348: (201, "that emulator could not make applications from templates yet"),
    349: (400, "that emulator failed on the apostrophe; Graph refuses the filter as malformed"),
}
BRACES = re.compile(r"\{(\w+)\}")


class Replay:
    """The trace against a sandbox: ids of that run are mapped to those of this one."""

    def __init__(self, client):
        self.client = client
        self.ids = {"base": str(client.base_url)}

    def send(self, line):
        """Return the answer to one request of the trace."""
        text, headers = line.get("body", ""), {"Content-Type": "application/json; charset=utf-8"}
        if line["p"].endswith("/token"):
            text = text.replace("{base}", quote(self.ids["base"], safe=""))
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        query = {name: self.fill(value) for name, value in line.get("q", {}).items()}
        answer = self.client.request(
            line["m"], self.fill(line["p"]), params=query, content=self.fill(text), headers=headers
        )
        if answer.is_success and line["p"].endswith("/token"):
            self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        if answer.is_success:
            self.ids |= {name: answer.json()[member] for name, member in line.get("makes", {}).items()}
        return answer

    def fill(self, text):
        """Return the text with the ids of this run; braces of JSON are left alone."""
        return BRACES.sub(lambda found: self.ids.get(found[1], found[0]), text)


def test_every_call_of_the_real_provider_is_answered_as_it_was(azuread):
    replay, differences = Replay(azuread), []
    for number, line in enumerate(TRACE, start=1):
        if "fault" in line:
            azuread.post("/_sandbox/faults", json=line["fault"]).raise_for_status()
            continue
        answer = replay.send(line)
        expected, _ = EXCEPTIONS.get(number, (line["status"], ""))
        if answer.status_code != expected:
            differences.append(f"{number}: {line['m']} {line['p']}: {answer.status_code} {answer.text}, not {expected}")

    assert len(TRACE) == 364
    assert not differences, "\n".join(differences)


def test_an_exception_is_one(azuread):
    assert all(TRACE[number - 1]["status"] != expected for number, (expected, _) in EXCEPTIONS.items())
