"""The tenant's rate limits: a bucket for each caller and tier, over a window of five minutes (qlik-api.md 1.3)."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

WINDOW = 300.0  # seconds
TENANT = ""  # the caller under which the limit of the whole tenant stands
_SHARE = 0.5  # of what all users of the tenant might use together
_COUNT_HOLDS = 60.0  # seconds for which the number of users is not counted again

LimitedTier = Literal["T1", "T2", "S200", "S1000"]
_PER_MINUTE: dict[LimitedTier, int] = {"T1": 1000, "T2": 100, "S200": 200, "S1000": 1000}

Rate = Annotated[int, Field(ge=1, le=1_000_000)]
# What a world or the control plane says: on, off, or requests a minute by tier.
Rates = bool | dict[LimitedTier, Rate]


class LimitSettings(BaseModel):
    """What is changed of the limits while the sandbox runs; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    on: bool | None = None
    scale: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    tiers: dict[LimitedTier, Rate] | None = None
    others: dict[LimitedTier, Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]] | None = None
    reset: bool = False


@dataclass
class _Bucket:
    """What a caller has left in a tier, since when, and until when the tier is blocked."""

    left: float
    at: float
    until: float = 0.0

    def fill(self, now: float, capacity: float, gain: float) -> None:
        """Let the time go on: `gain` requests a second come back, or go to others where it is negative."""
        if now < self.at:
            # The clock was set back: nothing that was asked lies in the past any more.
            self.left, self.until = capacity, 0.0
        self.left = max(0.0, min(capacity, self.left + (now - self.at) * gain if now > self.at else self.left))
        self.at = now

    def renew(self, now: float, capacity: float, loss: float) -> None:
        """Let the time go on in fixed windows: at the end of one the whole budget comes back."""
        if now < self.at or now - self.at >= WINDOW:
            self.left, self.until, self.at = capacity, 0.0, now
        self.left = max(0.0, min(self.left, capacity - loss * (now - self.at)))

    def wait(self, now: float) -> int:
        """Return the whole seconds for which the tier is still blocked."""
        return max(0, math.ceil(self.until - now))


@dataclass
class Limits:
    """The buckets of every caller, and what the control plane changed about them."""

    rates: Rates = True
    settings: LimitSettings = field(default_factory=LimitSettings)
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    _users: tuple[int, float] = (0, -math.inf)

    def begin(self, rates: Rates) -> None:
        """Start anew, as a world wants it."""
        self.rates, self.settings = rates, LimitSettings()
        self.refill()

    def refill(self) -> None:
        """Give every caller the whole budget again."""
        self._buckets.clear()
        self._users = (0, -math.inf)

    def change(self, settings: LimitSettings) -> None:
        """Change what the settings name."""
        given = settings.model_dump(exclude_unset=True, exclude={"reset"})
        self.settings = self.settings.model_copy(update=given)
        if settings.reset:
            self.refill()

    @property
    def is_on(self) -> bool:
        """Say whether anything is limited."""
        return self.settings.on if self.settings.on is not None else self.rates is not False

    def per_minute(self, tier: LimitedTier) -> float:
        """Return the requests a minute that one caller has in a tier."""
        world = self.rates if isinstance(self.rates, dict) else {}
        known = {**_PER_MINUTE, **world, **(self.settings.tiers or {})}
        return known[tier] * (self.settings.scale or 1.0)

    def take(
        self, caller: str, tier: LimitedTier, operation: str, now: float, count_users: Callable[[], int], *, fixed: bool
    ) -> int:
        """Count one request; return 0, or the seconds to wait for one that is too many.

        `fixed` is for windows that end, in the place of buckets that fill all the time.
        """
        name = f"{tier} {operation}" if tier == "S200" else tier
        share = self._tenant_share(now, count_users)
        budgets = [(self._bucket((caller, name), tier, now, 1.0, fixed=fixed), 1.0)]
        budgets.append((self._bucket((TENANT, name), tier, now, share, fixed=fixed), share))
        waits = [self._block(bucket, tier, now, factor, fixed=fixed) for bucket, factor in budgets]
        if any(waits):
            return max(waits)
        for bucket, _ in budgets:
            bucket.left -= 1
        return 0

    def show(self, now: float) -> dict[str, Any]:
        """Return the limits in force, and what every caller has left."""
        return {
            "on": self.is_on,
            "window": int(WINDOW),
            "scale": self.settings.scale or 1.0,
            "tiers": {tier: self.per_minute(tier) for tier in _PER_MINUTE},
            "others": dict(self.settings.others or {}),
            "buckets": list(self._show_buckets(now)),
        }

    def _show_buckets(self, now: float) -> Iterator[dict[str, Any]]:
        for (caller, name), bucket in sorted(self._buckets.items()):
            yield {"caller": caller, "tier": name, "left": int(bucket.left), "retryAfter": bucket.wait(now)}

    def _tenant_share(self, now: float, count_users: Callable[[], int]) -> float:
        """Return how many times the budget of one caller the whole tenant has: half a time for each user."""
        count, at = self._users
        if not 0 <= now - at < _COUNT_HOLDS:
            count, at = count_users(), now
            self._users = (count, at)
        return max(count, 1) * _SHARE

    def _bucket(self, key: tuple[str, str], tier: LimitedTier, now: float, factor: float, *, fixed: bool) -> _Bucket:
        """Return a bucket as it is by now."""
        rate = self.per_minute(tier) * factor
        capacity = rate * WINDOW / 60
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(capacity, now)
        others = (self.settings.others or {}).get(tier, 0.0)
        if fixed:
            bucket.renew(now, capacity, others)
        else:
            bucket.fill(now, capacity, rate / 60 - others)
        return bucket

    def _block(self, bucket: _Bucket, tier: LimitedTier, now: float, factor: float, *, fixed: bool) -> int:
        """Return the seconds until the tier is open; an empty bucket closes it."""
        if now >= bucket.until and bucket.left < 1:
            gain = self.per_minute(tier) * factor / 60 - (self.settings.others or {}).get(tier, 0.0)
            seconds = bucket.at + WINDOW - now if fixed else (1 - bucket.left) / gain if gain > 0 else WINDOW
            bucket.until = now + max(1, math.ceil(min(seconds, WINDOW)))
        return bucket.wait(now)
