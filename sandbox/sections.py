"""What the parts of a world have in common, and how moments and object ids are written."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from sandbox.clock import FIRST_YEAR, LAST_YEAR, stamp

_OBJECT_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DAWN = datetime(2026, 1, 1, tzinfo=UTC)  # when things without a date of their own came into being


def _in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without a zone already is."""
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR - 1}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_uuid(text: str) -> str:
    """Return the object id in lower case, as Graph writes it."""
    # Most of a large world are ids that are written so already.
    return text if _OBJECT_ID.fullmatch(text) else str(UUID(text))


# As JSON a moment is what the services write, so that a document of a world equals one of the API.
Moment = Annotated[datetime, AfterValidator(_in_utc), PlainSerializer(stamp, when_used="json")]
ObjectId = Annotated[str, AfterValidator(_as_uuid)]
Subject = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A part of the world file: camelCase keys, nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


def find_twice(place: str, keys: Iterable[str]) -> Iterator[str]:
    """Yield a line for each key that occurs more than once."""
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"{place}: {key} occurs {count} times"
