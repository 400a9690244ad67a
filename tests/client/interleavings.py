"""Two applies at once: all of the second runs before one chosen request of the first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from client.processes import Bag, Provider
from harness import Sandbox

from qlik_provider.ledger import Form, inputs_of


@dataclass
class Apply:
    """One resource on its way to its declaration, as the engine takes it there in one phase."""

    form: Form
    outputs: dict[str, Any]
    wanted: Bag
    error: str = ""

    def run(self, provider: Provider) -> None:
        """Check, diff, and update where the diff asks for it; what any of them refuses is the error."""
        self.error = ""
        before = inputs_of(self.outputs, self.form)
        inputs, failures = provider.check(before, self.wanted)
        try:
            said = "" if failures else provider.diff(self.outputs, inputs)
            if said == "DIFF_SOME" or (said == "DIFF_UNKNOWN" and before != inputs):
                self.outputs = provider.update(self.outputs, inputs)
        except grpc.RpcError as error:
            failures.append(str(error.details()))
        self.error = "; ".join(failures)

    @property
    def held(self) -> dict[str, str]:
        """The ledger: what type the stack says it gave to whom."""
        return {subject: entry.type for subject, entry in self.form.parse_people(self.outputs).items()}

    @property
    def removed(self) -> int:
        """How many people the stack counts as removed."""
        return sum(int(text.partition(";")[0]) for text in self.outputs["removed"].values())


def interleave(sandbox: Sandbox, before: Bag, first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """Run `first` up to a request of it, then all of `second`, then the rest of `first`."""
    control = sandbox.control
    hold = control.post("/faults", json={**before, "kind": "hold"}).raise_for_status().json()["id"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        try:
            control.get(f"/faults/{hold}/held").raise_for_status()
            second()
        finally:
            control.delete(f"/faults/{hold}").raise_for_status()
        running.result()
