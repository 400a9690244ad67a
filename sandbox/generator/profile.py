"""How much of what goes wrong in real organisations a made-up one has."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Profile:
    """Shares of the people; a share above 0 means at least one, so that a small world has everything too."""

    guests: float = 0.04
    services: float = 0.005
    disabled: float = 0.03
    recycled: float = 0.02
    without_mail: float = 0.015
    long_names: float = 0.002
    homonyms: float = 0.01
    orphans: float = 0.01
    other_tenant: float = 0.05
    other_type: float = 0.03
    both_types: float = 0.005
    other_case: float = 0.01
    other_subject: float = 0.02
    never_seen: float = 0.03
    provisioned: float = 0.02
    gone: float = 0.01
    excess: float = 0.005

    def count(self, share: str, people: int) -> int:
        """Return how many people a share stands for."""
        value: float = getattr(self, share)
        return max(1, round(value * people)) if value else 0


USUAL = Profile()
PROFILES = {
    "tidy": replace(USUAL, **{field.name: 0.0 for field in fields(Profile)}),
    "usual": USUAL,
    "messy": replace(USUAL, **{field.name: getattr(USUAL, field.name) * 3 for field in fields(Profile)}),
}
