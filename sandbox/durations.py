"""Durations of ISO 8601, as settings and expiries are written."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P(?!$)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?!$)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
_DAYS = {"years": 365, "months": 30, "weeks": 7, "days": 1}


def read_duration(text: str) -> timedelta | None:
    """Return `P7D` or `PT24H` as a span of time, or None for text that is no duration; a month has 30 days."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    parts = {name: int(value) for name, value in match.groupdict(default="0").items()}
    days = sum(parts[name] * length for name, length in _DAYS.items())
    return timedelta(days=days, hours=parts["hours"], minutes=parts["minutes"], seconds=parts["seconds"])
