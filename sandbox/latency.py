"""Latency: how long answers take beyond the work for them."""

import random
import re

from pydantic import BaseModel, ConfigDict

from sandbox.faults import Pattern, Seconds


class Latency(BaseModel):
    """Every answer comes `seconds` later, give or take `jitter`; only those of a path where there is one."""

    model_config = ConfigDict(extra="forbid")

    seconds: Seconds = 0
    jitter: Seconds = 0
    path: Pattern = ""

    def of(self, path: str) -> float:
        """Return the seconds an answer to this path waits."""
        if not (self.seconds or self.jitter) or re.search(self.path, path) is None:
            return 0
        # Not a secret: it only has to differ from answer to answer.
        return max(0.0, self.seconds + random.uniform(-self.jitter, self.jitter))  # noqa: S311
