"""Form bodies, which token endpoints take."""

from urllib.parse import parse_qsl

from starlette.requests import Request


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a field that occurs twice the last value stands."""
    body = await request.body()
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
