"""A small world, and a sandbox serving it over real TLS in a process of its own."""

import json
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]

DIRECTORY = "11111111-1111-1111-1111-111111111111"
APPLICATION = "22222222-2222-2222-2222-222222222222"
SERVICE_PRINCIPAL = "33333333-3333-3333-3333-333333333333"
READER = "22222222-2222-2222-2222-222222222223"
CLIENT = "3f9c1e77b4c24be3a1d0c2a5e6f70812"
READERS, NESTED = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"


def person(number):
    """Return the object id of the numbered person."""
    return f"6f1c0000-0000-4000-8000-{number:012}"


WORLD = {
    "world": 1,
    "clock": "2026-11-02T08:00:00Z",
    "tenant": {
        "id": "kPzYCEmTn3Nn4uVwGc5Yh1bWq0LrT8Xa",
        "name": "contoso",
        "clients": [
            {"id": CLIENT, "secret": "sandbox-client-secret", "scopes": ["admin_classic", "user_default"]},
        ],
        "apiKeys": [
            {"token": "sandbox-api-key", "subject": "auth0|admin"},
            {"token": "member-api-key", "subject": "qlik\\nalle"},
            {"token": "old-api-key", "subject": "auth0|admin", "status": "expired"},
        ],
        "license": {"number": "9999000000001234"},
        "allotments": {"professional": {"units": 3}, "analyzer": {"units": 4, "overage": 1}},
        "users": [
            {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
            {"subject": "qlik\\kalle", "name": "Kalle", "email": "kalle@contoso.test"},
            {"subject": "qlik\\nalle", "name": "Nalle", "email": "nalle@contoso.test"},
            {"subject": "user1234", "name": "Malik", "email": "malik@contoso.test", "status": "disabled"},
            {"subject": "user5678", "name": "Sara", "email": "sara@contoso.test", "status": "provisioned"},
        ],
        "assignments": [
            {"subject": "qlik\\kalle", "type": "professional", "created": "2026-03-01T09:00:00.000Z"},
            {"subject": "qlik\\malik", "type": "analyzer", "created": "2026-03-02T09:00:00.000Z"},
            {"subject": "fabrikam\\bo", "type": "analyzer", "created": "2026-03-03T09:00:00.000Z"},
        ],
        "spaces": [{"id": f"space{number:02}", "name": f"Space {number:02}", "type": "shared"} for number in range(12)],
        "roles": [{"name": "My Custom Role"}],
    },
    "directory": {
        "tenantId": DIRECTORY,
        "clients": [
            {
                "id": APPLICATION,
                "secret": "sandbox-directory-secret",
                "oid": SERVICE_PRINCIPAL,
                "roles": ["Group.ReadWrite.All", "User.Read.All"],
            },
            {
                "id": READER,
                "secret": "reader-secret",
                "oid": "33333333-3333-3333-3333-333333333334",
                "roles": ["Group.Read.All"],
            },
        ],
        "users": [
            {
                "id": person(number),
                "userPrincipalName": f"person{number:03}@contoso.test",
                "displayName": f"Person {number:03}",
                "mail": f"person{number:03}@contoso.test",
                "department": "Sales" if number % 2 else "Finance",
                "accountEnabled": number != 7,
            }
            for number in range(119)
        ]
        + [
            {
                "id": person(119),
                "userPrincipalName": "siobhan.o'neill@contoso.test",
                "displayName": "Siobhán O'Neill",
                "department": "Legal",
            },
            {
                "id": person(120),
                "userPrincipalName": "ana_partner.test#EXT#@contoso.test",
                "displayName": "Ana Guest",
                "userType": "Guest",
            },
        ],
        "groups": [
            {
                "id": READERS,
                "displayName": "BI Readers",
                "mailNickname": "prod-readers",
                "members": [*(person(number) for number in range(105)), NESTED],
            },
            {
                "id": NESTED,
                "displayName": "BI Nested",
                "mailNickname": "prod-nested",
                "members": [person(104), person(110), person(111)],
            },
        ],
    },
}


@dataclass(frozen=True)
class Served:
    """A running sandbox: what its ready line said, and the process."""

    url: str
    ca: str
    env: str
    pid: int
    process: subprocess.Popen

    def client(self, token=None):
        """Return an HTTP client that trusts the sandbox and carries the token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(base_url=self.url, headers=headers, verify=context, trust_env=False)

    def stop(self):
        """End the process and return its exit code."""
        self.process.terminate()
        self.process.communicate(timeout=10)
        return self.process.returncode


def serve(*arguments):
    """Return a sandbox that has printed its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(process.communicate()[1])
    return Served(**json.loads(line), process=process)


def directory_token(client, application=APPLICATION, secret="sandbox-directory-secret"):
    """Return a Graph token of an application."""
    form = {
        "grant_type": "client_credentials",
        "client_id": application,
        "client_secret": secret,
        "scope": f"{client.base_url}/.default",
    }
    answer = client.post(f"/{DIRECTORY}/oauth2/v2.0/token", data=form)
    return answer.raise_for_status().json()["access_token"]


def set_switches(control, **positions):
    """Start again from the world with some switches in another position."""
    switches = {name.replace("_", "-"): position for name, position in positions.items()}
    control.put("/_sandbox/world", json=WORLD | {"switches": switches}).raise_for_status()


def place(control, switches=None, **tenant):
    """Start from the world of the tests with other members of the tenant."""
    world = WORLD | {"tenant": WORLD["tenant"] | tenant, "switches": switches or {}}
    control.put("/_sandbox/world", json=world).raise_for_status()


def follow(client, path, link):
    """Return the items of every page; `link` finds the next address in a body."""
    pages, url = [], path
    while url:
        body = client.get(url).raise_for_status().json()
        pages.append(body.get("data", body.get("value")))
        url = link(body)
    return pages


def qlik_next(body):
    return body["links"].get("next", {}).get("href")


def graph_next(body):
    return body.get("@odata.nextLink")
