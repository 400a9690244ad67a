"""The guard: whatever a rehearsal could reach is a sandbox on this machine."""

import os
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

from sandbox.engine.refusals import Refusal
from sandbox.engine.states import State, split_urn
from sandbox.loopback import is_loopback

_CONFIGURED = ("QLIK_TENANT", "ARM_METADATA_HOSTNAME", "qlik:tenant", "azuread:metadataHost")
_CREDENTIALS = ("ARM_CLIENT_ID", "ARM_TENANT_ID", "ARM_CLIENT_SECRET")


def refuse_all_but_sandboxes(config: dict[str, str], states: Iterable[State]) -> None:
    """Return when every tenant and directory in environment, configuration and checkpoint answers as a sandbox."""
    urls = {source: url for source, url in _reachable(config, states) if url}
    if not urls.get("ARM_METADATA_HOSTNAME"):
        for name in _CREDENTIALS:
            if os.environ.get(name):
                raise Refusal(f"{name} is set and ARM_METADATA_HOSTNAME is not: no sandbox would be the directory")
    for source, url in urls.items():
        if not is_loopback(url):
            raise Refusal(f"{source} is {url}: a rehearsal reaches sandboxes on loopback only")
    configured = {_origin(url) for source, url in urls.items() if source in _CONFIGURED}
    for base in sorted({_origin(url) for url in urls.values()}):
        _ask(base, must_answer=base in configured)


def _reachable(config: dict[str, str], states: Iterable[State]) -> Iterable[tuple[str, str]]:
    for name in _CONFIGURED:
        yield name, config.get(name, "") if ":" in name else os.environ.get(name, "")
    for state in states:
        for properties in (state.inputs, state.outputs):
            tenant = properties.get("tenant", "")
            if state.custom and isinstance(tenant, str):
                yield f"the tenant of {split_urn(state.urn)[1]} in the checkpoint", tenant


def _origin(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"https://{url}")
    return f"{parts.scheme}://{parts.netloc}"


def _ask(base: str, *, must_answer: bool) -> None:
    """Refuse what is not a sandbox; where a sandbox of the checkpoint is gone, nobody is there to be harmed."""
    import httpx  # noqa: PLC0415  a program without a tenant need not wait for it

    try:
        with httpx.Client(verify=ssl.create_default_context(), trust_env=False, timeout=5) as http:
            answer = http.get(f"{base}/_sandbox/").json()
    except (httpx.HTTPError, ValueError) as error:
        if isinstance(error, httpx.TransportError) and not must_answer:
            return
        raise Refusal(f"{base} does not answer as a sandbox: {error}") from error
    if not isinstance(answer, dict) or answer.get("sandbox") != 1:
        raise Refusal(f"{base} is not a sandbox")
