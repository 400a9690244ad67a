"""Bodies whose members are written in camelCase, and the ones most transfers have."""

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from sandbox.bodies import Body


class CamelBody(Body):
    """The body of a request, under the service's names."""

    model_config = ConfigDict(alias_generator=to_camel)


class NewOwner(CamelBody):
    """The user something is given to."""

    owner_id: str = Field(min_length=1)


class NewUser(CamelBody):
    """The user an automation or its connection is given to."""

    user_id: str = Field(min_length=1)
