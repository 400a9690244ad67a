"""No secret is printed, stored or written anywhere; every scenario looks for them in all that a run leaves behind."""

import re

import pytest
from harness import CANARIES, ROOT, read_world

SECRET = re.compile(
    r'"((?:QLIK|ARM|ACTIONS|SYSTEM)_(?!\w*_(?:PATH|URL)")\w*(?:SECRET|KEY|TOKEN|PASSWORD|ASSERTION|CERTIFICATE)\w*)"'
)


def test_every_credential_that_is_read_has_its_canary():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "qlik_provider").rglob("*.py"))
    read = {name for source in sources for name in SECRET.findall(source)}

    assert read == {name for name in CANARIES if name.isupper()}


def test_the_credentials_of_a_sandbox_are_the_canaries(sandbox):
    for name, canary in CANARIES.items():
        if name in sandbox.environment:
            assert re.fullmatch(canary, sandbox.environment[name].encode())
    assert {"QLIK_CLIENT_SECRET", "ARM_CLIENT_SECRET"} <= set(sandbox.environment)


@pytest.mark.parametrize("engine", ["rehearsal"], indirect=True)
def test_a_secret_is_found_wherever_it_stands(project):
    assert project.find_secrets("nothing") == []

    (project.folder / "plans").mkdir(exist_ok=True)
    (project.folder / "plans" / "license-assignments.json").write_text('{"mail": "sandbox-client-secret"}')
    (project.folder / "backend" / "state.json").write_text(f"eyJhbGciOiJFUzM4NCJ9.{'x' * 64}")

    assert sorted(project.find_secrets("key: sandbox-license-key")) == [
        "ARM_OIDC_TOKEN stands in backend/state.json",  # one of these is a token as any other
        "QLIK_CLIENT_SECRET stands in plans/license-assignments.json",
        "a token stands in backend/state.json",
        "the license key is printed",
    ]


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["pulumi"], indirect=True)
@pytest.mark.parametrize("credential", ["client", "api key"])
def test_an_engine_that_tells_everything_tells_no_secret(project, credential):
    """Pulumi's own log shows every bag that goes to and from a provider."""
    scenario = ROOT / "tests" / "scenarios" / "life"
    project.sandbox.load(read_world(scenario / "world.yaml"))
    project.declare(scenario / "declaration")
    if credential == "api key":
        project.environment |= {"QLIK_API_KEY": "sandbox-api-key", "QLIK_CLIENT_ID": "", "QLIK_CLIENT_SECRET": ""}
    project.environment |= {"PULUMI_DEBUG": "true"}

    for words in ("up -v=9 --logtostderr", "refresh --debug"):
        result = project.run(words)
        assert result.exit == 0, result.text
        assert "license-assignments" in result.text + result.errors
        assert project.find_secrets(result.text + result.errors) == []
