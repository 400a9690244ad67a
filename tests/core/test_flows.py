"""Who signs in: what azuread would do with the same variables, or nobody."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlik_provider.clouds import find_metadata
from qlik_provider.errors import CredentialsError
from qlik_provider.flows import (
    AzureCli,
    Certificate,
    IdToken,
    ManagedIdentity,
    PipelineToken,
    Secret,
    choose_flow,
    is_chosen,
    read_id_token,
)

WHO = {"ARM_TENANT_ID": "contoso", "ARM_CLIENT_ID": "licenses"}
ARCHIVE = base64.b64encode(b"archive").decode()
VALUES = {
    "ARM_TENANT_ID": "contoso",
    "ARM_CLIENT_ID": "licenses",
    "ARM_CLIENT_CERTIFICATE": ARCHIVE,
    "ARM_CLIENT_SECRET": "canary",
    "ARM_OIDC_TOKEN": "canary",
    "ARM_USE_OIDC": "true",
    "ARM_USE_AKS_WORKLOAD_IDENTITY": "true",
    "ARM_OIDC_REQUEST_URL": "https://a",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://b",
    "ARM_OIDC_REQUEST_TOKEN": "canary",
    "SYSTEM_ACCESSTOKEN": "canary",
    "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID": "one",
    "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": "two",
    "ARM_USE_MSI": "true",
}
environments = st.builds(
    lambda names, cli: {name: VALUES[name] for name in names} | cli,
    st.sets(st.sampled_from(sorted(VALUES))),
    st.sampled_from([{}, {"ARM_USE_CLI": "true"}, {"ARM_USE_CLI": "false"}]),
)


def choose_of_azuread(environment):
    """NewAuthorizerFromCredentials of go-azure-sdk, line by line; None where it finds nobody."""
    has = environment.get
    who = has("ARM_TENANT_ID") and has("ARM_CLIENT_ID")
    oidc = has("ARM_USE_OIDC") or has("ARM_USE_AKS_WORKLOAD_IDENTITY")
    url = has("ARM_OIDC_REQUEST_URL") or has("ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = has("ARM_OIDC_REQUEST_TOKEN") or has("SYSTEM_ACCESSTOKEN")
    connection = has("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID") or has("ARM_OIDC_AZURE_SERVICE_CONNECTION_ID")
    rows = [
        (who and has("ARM_CLIENT_CERTIFICATE"), Certificate),
        (who and has("ARM_CLIENT_SECRET"), Secret),
        (oidc and who and has("ARM_OIDC_TOKEN"), IdToken),
        (oidc and who and url and bearer and connection, (PipelineToken, url, connection)),
        (oidc and who and url and bearer, (PipelineToken, url, "")),
        (has("ARM_USE_MSI"), ManagedIdentity),
        (has("ARM_USE_CLI", "true") == "true", AzureCli),
    ]
    return next((way for is_taken, way in rows if is_taken), None)


@given(environments)
def test_nobody_signs_in_but_whom_azuread_takes(environment):
    taken = choose_of_azuread(environment)
    flow, told = None, ""
    try:
        flow = choose_flow(environment)
    except CredentialsError as error:
        told = str(error)
    if flow is None:
        # Nobody at all, or the user of the Azure CLI in the place of an application that is set by halves.
        assert taken is None or (taken is AzureCli and "ARM_USE_CLI" not in environment)
        assert "canary" not in told
        assert not is_chosen(environment)
        return
    expected = (PipelineToken, flow.url, flow.connection) if isinstance(flow, PipelineToken) else type(flow)
    assert expected == taken
    assert "canary" not in repr(flow)
    assert "b'archive'" not in repr(flow)
    assert is_chosen(environment) == (taken is not AzureCli or "ARM_USE_CLI" in environment)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"ARM_USE_CLI": "false"}, "ARM_TENANT_ID: is not set; sign in with ARM_CLIENT_SECRET, "),
        ({"ARM_CLIENT_SECRET": "x"}, "ARM_TENANT_ID: is not set"),
        ({"ARM_CLIENT_SECRET_FILE_PATH": __file__}, "ARM_TENANT_ID: is not set"),
        ({"ARM_CLIENT_CERTIFICATE_PATH": "x", "ARM_TENANT_ID": "x"}, "ARM_CLIENT_ID: is not set"),
        (WHO, "ARM_CLIENT_SECRET: is not set; sign in with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE"),
        ({**WHO, "ARM_CLIENT_SECRET": " "}, "ARM_CLIENT_SECRET: is not set"),
        ({**WHO, "ARM_USE_OIDC": "true"}, "ARM_OIDC_TOKEN: is not set; with ARM_USE_OIDC give it, "),
        ({**WHO, "ARM_USE_OIDC": "1", "SYSTEM_ACCESSTOKEN": "x"}, "ARM_OIDC_REQUEST_URL: is not set; in a pipeline"),
        ({**WHO, "ARM_USE_OIDC": "1", "SYSTEM_OIDCREQUESTURI": "x"}, "ARM_OIDC_REQUEST_TOKEN: is not set; in a pipe"),
        (
            {**WHO, "ARM_USE_OIDC": "T", "SYSTEM_OIDCREQUESTURI": "https://x", "SYSTEM_ACCESSTOKEN": "x"},
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID: is not set",
        ),
        (
            {**WHO, "ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_FEDERATED_TOKEN_FILE": "x"},
            "ARM_OIDC_TOKEN_FILE_PATH: is not set; azuread does not read AZURE_FEDERATED_TOKEN_FILE",
        ),
        (
            {"ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_TENANT_ID": "x", "AZURE_CLIENT_ID": "x"},
            "ARM_CLIENT_ID: is not set; azuread does not read AZURE_CLIENT_ID",
        ),
        (
            {**WHO, "ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_TENANT_ID": "fabrikam"},
            "ARM_TENANT_ID: differs from AZURE_TENANT_ID",
        ),
        ({**WHO, "ARM_TENANT_ID": "a tenant"}, "ARM_TENANT_ID: 'a tenant' is no id of a directory"),
        ({**WHO, "ARM_USE_MSI": "yes"}, "ARM_USE_MSI: 'yes' is neither true nor false"),
        ({**WHO, "ARM_USE_CLI": "no"}, "ARM_USE_CLI: 'no' is neither true nor false"),
        ({**WHO, "ARM_USE_OIDC": "on"}, "ARM_USE_OIDC: 'on' is neither true nor false"),
        ({**WHO, "ARM_CLIENT_CERTIFICATE": "no base 64!"}, "ARM_CLIENT_CERTIFICATE: is no Base64"),
        ({**WHO, "ARM_CLIENT_CERTIFICATE_PATH": "/nowhere.pfx"}, "ARM_CLIENT_CERTIFICATE_PATH: /nowhere.pfx cannot be"),
        ({**WHO, "ARM_CLIENT_SECRET_FILE_PATH": "/nowhere"}, "ARM_CLIENT_SECRET_FILE_PATH: /nowhere cannot be read: "),
        ({**WHO, "ARM_OIDC_TOKEN_FILE_PATH": "/nowhere"}, "ARM_OIDC_TOKEN_FILE_PATH: /nowhere cannot be read: No such"),
        ({**WHO, "ARM_CLIENT_ID_FILE_PATH": "/nowhere"}, "ARM_CLIENT_ID_FILE_PATH: /nowhere cannot be read: No such"),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_what_is_missing_or_contradicts_is_named_in_one_line(environment, says):
    with pytest.raises(CredentialsError) as caught:
        choose_flow(environment)

    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_an_application_that_is_set_by_halves_is_never_the_user_of_the_azure_cli_unasked():
    with pytest.raises(CredentialsError, match=r"^ARM_CLIENT_SECRET: is not set"):
        choose_flow(WHO)

    assert choose_flow({**WHO, "ARM_USE_CLI": "true"}) == AzureCli("contoso", is_asked_for=True)
    assert choose_flow({"ARM_TENANT_ID": "contoso"}) == AzureCli("contoso", is_asked_for=False)


@pytest.mark.parametrize("name", ["ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_OIDC_TOKEN"])
def test_a_value_and_a_file_that_differ_sign_in_nobody(tmp_path: Path, name):
    (tmp_path / "value").write_text("canary\n")
    environment = {**WHO, "ARM_CLIENT_SECRET": "x", f"{name}_FILE_PATH": str(tmp_path / "value")}

    with pytest.raises(CredentialsError, match=f"^{name}, {name}_FILE_PATH: .* differ") as caught:
        choose_flow({**environment, name: "another"})
    assert "canary" not in str(caught.value)
    assert choose_flow({**environment, name: "canary"})


def test_a_secret_and_an_id_may_stand_in_files(tmp_path: Path):
    (tmp_path / "id").write_text(" licenses\n")
    (tmp_path / "secret").write_text("secret\n")
    files = {"ARM_CLIENT_ID_FILE_PATH": str(tmp_path / "id"), "ARM_CLIENT_SECRET_FILE_PATH": str(tmp_path / "secret")}

    assert choose_flow({"ARM_TENANT_ID": "contoso", **files}) == Secret("contoso", "licenses", "secret")


def test_a_file_that_holds_no_text_is_named(tmp_path: Path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")

    with pytest.raises(CredentialsError, match=r"^ARM_OIDC_TOKEN_FILE_PATH: .* holds no text"):
        choose_flow({"ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "token")})


def test_a_certificate_in_a_variable_goes_before_one_in_a_file(tmp_path: Path):
    (tmp_path / "licenses.pfx").write_bytes(b"another")
    environment = {**WHO, "ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "licenses.pfx")}

    assert choose_flow(environment) == Certificate("contoso", "licenses", b"another", "")
    assert choose_flow({**environment, "ARM_CLIENT_CERTIFICATE": ARCHIVE}).archive == b"archive"


def test_an_id_token_stands_in_its_variable_or_is_read_again_from_its_file(tmp_path: Path):
    (tmp_path / "token").write_text("first")
    flow = choose_flow({**WHO, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "token")})
    (tmp_path / "token").write_text("second")

    assert read_id_token(flow) == "second"
    assert read_id_token(choose_flow({**WHO, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "only"})) == "only"


@pytest.mark.parametrize(
    ("environment", "variable", "host", "graph"),
    [
        ({}, "ARM_METADATA_HOSTNAME", "management.azure.com", ""),
        ({"ARM_ENVIRONMENT": "public"}, "ARM_ENVIRONMENT", "management.azure.com", ""),
        ({"ARM_ENVIRONMENT": "Global"}, "ARM_ENVIRONMENT", "management.azure.com", ""),
        ({"ARM_ENVIRONMENT": "usgovernment"}, "ARM_ENVIRONMENT", "management.usgovcloudapi.net", ""),
        ({"ARM_ENVIRONMENT": "usgovernmentl4"}, "ARM_ENVIRONMENT", "management.usgovcloudapi.net", ""),
        ({"ARM_ENVIRONMENT": "dod"}, "ARM_ENVIRONMENT", "management.usgovcloudapi.net", "https://dod-graph.microsoft.us"),
        ({"ARM_ENVIRONMENT": "usgovernmentl5"}, "ARM_ENVIRONMENT", "management.usgovcloudapi.net", "https://dod-graph.microsoft.us"),
        ({"ARM_ENVIRONMENT": "china"}, "ARM_ENVIRONMENT", "management.chinacloudapi.cn", ""),
        ({"ARM_ENVIRONMENT": "china", "ARM_METADATA_HOSTNAME": "a.test"}, "ARM_METADATA_HOSTNAME", "a.test", ""),
        ({"ARM_ENVIRONMENT": "dod", "ARM_METADATA_HOSTNAME": "a.test"}, "ARM_METADATA_HOSTNAME", "a.test", ""),
    ],
)  # fmt: skip
def test_a_cloud_is_named_or_described_by_a_host_which_goes_first(environment, variable, host, graph):
    assert find_metadata(environment) == (variable, host, graph)


def test_a_name_of_no_cloud_lists_the_names():
    with pytest.raises(CredentialsError, match=r"^ARM_ENVIRONMENT: 'german' is no cloud; write public, global, usgov"):
        find_metadata({"ARM_ENVIRONMENT": "german"})
