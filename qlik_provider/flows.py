"""How a program signs in to Microsoft Entra: what azuread would do with the same variables, and nothing else."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from qlik_provider.errors import CredentialsError

_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}
_TENANT = re.compile(r"[A-Za-z0-9._-]+")
WAYS = (
    "sign in with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC=true beside ARM_TENANT_ID and"
    " ARM_CLIENT_ID, with ARM_USE_MSI=true, or with ARM_USE_CLI=true after az login"
)


@dataclass(frozen=True)
class SignIn:
    """One way to sign in; `variables` says who signs in, `caller` who it is that Graph refuses, `proof` by what."""

    variables: ClassVar[str]
    proof: ClassVar[str]
    caller: ClassVar[str] = "ARM_CLIENT_ID"


@dataclass(frozen=True)
class Application(SignIn):
    """An application of the directory, whatever it proves itself with."""

    tenant_id: str
    client_id: str


@dataclass(frozen=True)
class Certificate(Application):
    """A PKCS#12 archive with the certificate and its private key."""

    variables = "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_CERTIFICATE"
    proof = "ARM_CLIENT_CERTIFICATE"
    archive: bytes = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Secret(Application):
    """A client secret."""

    variables = "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET"
    proof = "ARM_CLIENT_SECRET"
    secret: str = field(repr=False)


@dataclass(frozen=True)
class IdToken(Application):
    """An ID token that somebody else put there, in a variable or in a file that is written anew before it ends."""

    variables = "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_OIDC_TOKEN"
    proof = "ARM_OIDC_TOKEN"
    token: str = field(repr=False)
    path: str


@dataclass(frozen=True)
class PipelineToken(Application):
    """An ID token that a pipeline is asked for; with a service connection it is one of Azure DevOps, else of GitHub."""

    variables = "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_OIDC_REQUEST_URL, ARM_OIDC_REQUEST_TOKEN"
    proof = "ARM_OIDC_REQUEST_TOKEN"
    url: str
    bearer: str = field(repr=False)
    connection: str


@dataclass(frozen=True)
class ManagedIdentity(SignIn):
    """The identity of the machine; of several the one with `client_id`."""

    variables = "ARM_USE_MSI, ARM_MSI_ENDPOINT, ARM_CLIENT_ID"
    proof = caller = "ARM_USE_MSI"
    endpoint: str
    client_id: str


@dataclass(frozen=True)
class AzureCli(SignIn):
    """Whoever is logged in to the Azure CLI; `is_asked_for` unless that is what was left."""

    variables = proof = caller = "ARM_USE_CLI"
    tenant_id: str
    is_asked_for: bool


Flow = Certificate | Secret | IdToken | PipelineToken | ManagedIdentity | AzureCli


def choose_flow(environment: Mapping[str, str]) -> Flow:
    """Return the way azuread signs in with these variables, in its order; raises CredentialsError naming what to set.

    Of the ways whose variables are complete the first one is taken, and no other is tried when it fails. Where azuread
    would go on to the user of the Azure CLI although a part of an application is set, nobody signs in.

    https://registry.terraform.io/providers/hashicorp/azuread/latest/docs#authenticating-to-azure-active-directory
    """
    chosen = _choose_application(environment)
    if chosen is not None:
        return chosen
    tenant_id, client_id = _read_tenant(environment), _read_either(environment, "ARM_CLIENT_ID")
    if _is_true(environment, "ARM_USE_MSI"):
        return ManagedIdentity(environment.get("ARM_MSI_ENDPOINT", "").strip(), client_id)
    wants_cli = _is_true(environment, "ARM_USE_CLI", default=True)
    if wants_cli and environment.get("ARM_USE_CLI"):
        return AzureCli(tenant_id, is_asked_for=True)
    begun = client_id or _proofs(environment) or _wants_id_token(environment)
    if not wants_cli or begun:
        raise _incomplete(environment, tenant_id, client_id)
    return AzureCli(tenant_id, is_asked_for=False)


def is_chosen(environment: Mapping[str, str]) -> bool:
    """Tell whether anybody said who signs in; not where only the user of the Azure CLI would be left."""
    try:
        flow = choose_flow(environment)
    except CredentialsError:
        return False
    return not isinstance(flow, AzureCli) or flow.is_asked_for


def read_id_token(flow: IdToken) -> str:
    """Return the ID token as it stands now: a file is written anew while a run goes on."""
    return _read_file("ARM_OIDC_TOKEN_FILE_PATH", flow.path) if flow.path else flow.token


def _choose_application(environment: Mapping[str, str]) -> Certificate | Secret | IdToken | PipelineToken | None:
    """Return the first application whose variables are complete."""
    # Faults of a variable are told also where its way is not taken: azuread starts with them.
    archive = _decode_certificate(environment.get("ARM_CLIENT_CERTIFICATE", ""))
    token = _read_either(environment, "ARM_OIDC_TOKEN")
    secret = _read_either(environment, "ARM_CLIENT_SECRET")
    client_id, tenant_id = _read_either(environment, "ARM_CLIENT_ID"), _read_tenant(environment)
    if not (tenant_id and client_id):
        return None
    path = environment.get("ARM_CLIENT_CERTIFICATE_PATH", "").strip()
    if archive or path:
        archive = archive or _read_bytes("ARM_CLIENT_CERTIFICATE_PATH", path)
        return Certificate(tenant_id, client_id, archive, environment.get("ARM_CLIENT_CERTIFICATE_PASSWORD", ""))
    if secret:
        return Secret(tenant_id, client_id, secret)
    if not _wants_id_token(environment):
        return None
    if token:
        return IdToken(tenant_id, client_id, token, environment.get("ARM_OIDC_TOKEN_FILE_PATH", ""))
    url, bearer = (_first(environment, *names) for names in (_REQUEST_URLS, _REQUEST_TOKENS))
    if url and bearer:
        connection = _first(environment, *_CONNECTIONS)
        if not connection and environment.get("SYSTEM_OIDCREQUESTURI") == url:
            reason = "is not set; Azure DevOps gives an ID token for a service connection only"
            raise CredentialsError("ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", reason)
        return PipelineToken(tenant_id, client_id, url, bearer, connection)
    return None


_REQUEST_URLS = ("ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI")
_REQUEST_TOKENS = ("ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN")
_CONNECTIONS = ("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID")


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name].strip() for name in names if environment.get(name)), "")


def _wants_id_token(environment: Mapping[str, str]) -> bool:
    wishes = [_is_true(environment, name) for name in ("ARM_USE_OIDC", "ARM_USE_AKS_WORKLOAD_IDENTITY")]
    return any(wishes)


def _proofs(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that are set and that only an application has."""
    names = (
        "ARM_CLIENT_CERTIFICATE",
        "ARM_CLIENT_CERTIFICATE_PATH",
        "ARM_CLIENT_SECRET",
        "ARM_CLIENT_SECRET_FILE_PATH",
    )
    return [name for name in names if environment.get(name)]


def _incomplete(environment: Mapping[str, str], tenant_id: str, client_id: str) -> CredentialsError:
    """Return what is said when a way to sign in lacks a variable, or none was begun."""
    is_workload = _is_true(environment, "ARM_USE_AKS_WORKLOAD_IDENTITY")
    for name, value, given in (
        ("ARM_TENANT_ID", tenant_id, "AZURE_TENANT_ID"),
        ("ARM_CLIENT_ID", client_id, "AZURE_CLIENT_ID"),
    ):
        if not value:
            hint = f"azuread does not read {given}: set it to the same value" if is_workload else WAYS
            return CredentialsError(name, f"is not set; {hint}")
    if is_workload:
        reason = "is not set; azuread does not read AZURE_FEDERATED_TOKEN_FILE: set it to the same value"
        return CredentialsError("ARM_OIDC_TOKEN_FILE_PATH", reason)
    if _wants_id_token(environment):
        url = _first(environment, *_REQUEST_URLS)
        if url or _first(environment, *_REQUEST_TOKENS):
            name = "ARM_OIDC_REQUEST_TOKEN" if url else "ARM_OIDC_REQUEST_URL"
            return CredentialsError(name, "is not set; in a pipeline it comes with its pair")
        reason = (
            "is not set; with ARM_USE_OIDC give it, ARM_OIDC_TOKEN_FILE_PATH, or the pair of a pipeline,"
            " ARM_OIDC_REQUEST_URL and ARM_OIDC_REQUEST_TOKEN (on GitHub: permissions id-token: write)"
        )
        return CredentialsError("ARM_OIDC_TOKEN", reason)
    return CredentialsError("ARM_CLIENT_SECRET", f"is not set; {WAYS}")


def _read_tenant(environment: Mapping[str, str]) -> str:
    tenant_id = environment.get("ARM_TENANT_ID", "").strip()
    given = environment.get("AZURE_TENANT_ID", "")
    if _is_true(environment, "ARM_USE_AKS_WORKLOAD_IDENTITY") and given:
        if tenant_id not in {"", given}:
            raise CredentialsError("ARM_TENANT_ID", "differs from AZURE_TENANT_ID, which the workload identity gives")
        tenant_id = given
    if tenant_id and not _TENANT.fullmatch(tenant_id):
        raise CredentialsError("ARM_TENANT_ID", f"{tenant_id!r} is no id of a directory")
    return tenant_id


def _read_either(environment: Mapping[str, str], name: str) -> str:
    """Return a value that may stand in a file instead; both must say the same."""
    value, path = environment.get(name, "").strip(), environment.get(f"{name}_FILE_PATH", "")
    if not path:
        return value
    content = _read_file(f"{name}_FILE_PATH", path)
    if value not in {"", content}:
        raise CredentialsError(f"{name}, {name}_FILE_PATH", "the variable and the file differ; unset one of them")
    return content


def _read_file(variable: str, path: str) -> str:
    try:
        return _read_bytes(variable, path).decode().strip()
    except UnicodeDecodeError:
        raise CredentialsError(variable, f"{path} holds no text") from None


def _read_bytes(variable: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CredentialsError(variable, f"{path} cannot be read: {error.strerror}") from None


def _decode_certificate(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        reason = "is no Base64; write a PKCS#12 archive with `base64 -w0`, or name it in ARM_CLIENT_CERTIFICATE_PATH"
        raise CredentialsError("ARM_CLIENT_CERTIFICATE", reason) from None


def _is_true(environment: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = environment.get(name, "")
    if value and value not in _TRUE | _FALSE:
        raise CredentialsError(name, f"{value!r} is neither true nor false")
    return value in _TRUE if value else default
