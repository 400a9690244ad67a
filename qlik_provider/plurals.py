"""Numbers as people read them, in the form that a noun or a verb has for one; performs no I/O."""


def count_of(number: int, one: str, many: str = "") -> str:
    """Return a number and what is counted: `1 removal`, `2 removals`; `many` where that is more than an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def count_people(number: int) -> str:
    """Return how many people that is: `1 person`, `2 people`."""
    return count_of(number, "person", "people")
