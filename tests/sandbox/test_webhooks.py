"""Webhooks and their deliveries (qlik-api.md 10, Appendix B8)."""

import hashlib
import hmac
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from serving import WORLD, place

PATHS = ["/api/v1/webhooks", "/api/core/webhooks"]
PATH = PATHS[1]
CREATED = "com.qlik.core.user.created"
UPDATED = "com.qlik.license.assignment.updated"
FAR = "https://hooks.contoso.test/qlik"
DAY = 24 * 3600


class Receiver(BaseHTTPRequestHandler):
    """Takes what is posted, and answers with the status the server was told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.put((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"thank you")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.received, server.status = queue.Queue(), 200
        server.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def create(client, url=FAR, **body):
    webhook = {"name": "hook", "url": url, "level": "tenant", "eventTypes": [CREATED], "enabled": True}
    return client.post(PATH, json=webhook | body)


def made(client, url=FAR, **body):
    answer = create(client, url, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def add_user(tenant, subject="ana"):
    answer = tenant.post("/api/v1/users", json={"subject": subject, "name": subject})
    assert answer.status_code == 201, answer.text
    return answer.json()


def deliveries(tenant, webhook, **query):
    return tenant.get(f"{PATH}/{webhook['id']}/deliveries", params=query).raise_for_status().json()["data"]


def settled(tenant, webhook):
    """Return the latest delivery once something came back; whoever posts it writes that down a moment later."""
    found = {"statusMessage": "pending"}
    for _ in range(200):
        if found["statusMessage"] != "pending":
            break
        found = deliveries(tenant, webhook)[0]
    return found


def test_both_paths_lead_to_the_same_webhooks(tenant):
    webhook = made(tenant)

    for path in PATHS:
        assert tenant.get(f"{path}/{webhook['id']}").json() == webhook
        assert [found["id"] for found in tenant.get(path).json()["data"]] == [webhook["id"]]


def test_a_secret_is_never_shown(tenant):
    webhook = made(tenant, secret="hmac", encryptedHeaders={"X-Key": "hidden"}, headers={"X-Plain": "shown"})

    assert (webhook["secretKeyAdded"], webhook["encryptedHeaders"]) == (True, ["X-Key"])
    assert webhook["headers"] == {"X-Plain": "shown"}
    text = tenant.get(f"{PATH}/{webhook['id']}").text
    assert "hmac" not in text
    assert "hidden" not in text


def test_an_event_is_posted_and_signed_on_this_machine(tenant, receiver):
    extra = {"secret": "hmac", "headers": {"X-Plain": "a"}, "encryptedHeaders": {"X-Key": "hidden"}}
    webhook = made(tenant, receiver.url, enableCloudEventDelivery=True, **extra)
    user = add_user(tenant)

    headers, body = receiver.received.get(timeout=5)

    event = json.loads(body)
    assert (event["type"], event["specversion"], event["data"]["id"]) == (CREATED, "1.0", user["id"])
    assert headers["Qlik-Signature"] == hmac.new(b"hmac", body, hashlib.sha256).hexdigest()
    assert (headers["X-Plain"], headers["X-Key"]) == ("a", "hidden")
    delivery = settled(tenant, webhook)
    assert (delivery["status"], delivery["response"]["statusCode"]) == ("success", 200)
    assert delivery["response"]["body"] == "thank you"
    assert delivery["request"]["body"] == event
    assert delivery["request"]["headers"] == {"X-Plain": "a", "X-Key": "**OMITTED**"}


def test_a_receiver_that_refuses_is_told_as_a_failure(tenant, receiver):
    receiver.status = 503
    webhook = made(tenant, receiver.url)
    add_user(tenant)
    receiver.received.get(timeout=5)

    delivery = settled(tenant, webhook)

    assert (delivery["status"], delivery["response"]["statusCode"]) == ("fail", 503)


def test_nobody_who_listens_is_a_failure_and_delays_nothing(tenant):
    webhook = made(tenant, "http://127.0.0.1:9/hook")
    add_user(tenant)

    delivery = settled(tenant, webhook)

    assert delivery["status"] == "fail"
    assert "response" not in delivery


def test_what_is_not_on_this_machine_is_recorded_and_not_sent(tenant):
    webhook = made(tenant)
    add_user(tenant)

    delivery = deliveries(tenant, webhook)[0]

    assert delivery["statusMessage"] == "not sent: the sandbox posts to loopback addresses only"
    assert delivery["request"]["body"]["type"] == CREATED
    assert tenant.get(f"{PATH}/{webhook['id']}/deliveries/{delivery['id']}").json() == delivery


def test_a_request_that_is_refused_tells_nobody(control, tenant, receiver):
    place(control, {"license-webhooks": "offered", "bad-item": "request400"})
    webhook = made(tenant, receiver.url, eventTypes=[UPDATED])
    path = "/api/v1/licenses/assignments/actions/add"
    good, bad, last = (
        {"subject": subject, "type": kind} for subject, kind in (("a", "analyzer"), ("b", ""), ("c", "analyzer"))
    )

    assert tenant.post(path, json={"add": [good, bad]}).status_code == 400
    assert tenant.post(path, json={"add": [last]}).status_code == 207

    assert json.loads(receiver.received.get(timeout=5)[1])["data"]["subject"] == "c"
    assert len(deliveries(tenant, webhook)) == 1


def test_a_delivery_is_sent_again_with_the_same_payload(tenant, receiver):
    webhook = made(tenant, receiver.url)
    add_user(tenant)
    _, first = receiver.received.get(timeout=5)
    delivery = settled(tenant, webhook)

    answer = tenant.post(f"{PATH}/{webhook['id']}/deliveries/{delivery['id']}/actions/resend")

    assert answer.status_code == 201
    assert receiver.received.get(timeout=5)[1] == first
    assert len(deliveries(tenant, webhook)) == 2


def test_deliveries_are_kept_for_a_week(control, tenant):
    webhook = made(tenant)
    add_user(tenant)
    old = deliveries(tenant, webhook)[0]
    control.put("/_sandbox/clock", json={"advance": 7 * DAY + 1})
    add_user(tenant, "bo")

    assert len(deliveries(tenant, webhook)) == 1
    assert tenant.get(f"{PATH}/{webhook['id']}/deliveries/{old['id']}").status_code == 404


def test_deliveries_are_filtered_and_read_in_pages(tenant):
    webhook = made(tenant, eventTypes=[CREATED, "com.qlik.core.user.deleted"])
    for subject in ("a", "b", "c"):
        user = add_user(tenant, subject)
    tenant.delete(f"/api/v1/users/{user['id']}")

    first = tenant.get(f"{PATH}/{webhook['id']}/deliveries", params={"limit": 3}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()

    kinds = [found["eventType"].rpartition(".")[2] for found in first["data"] + second["data"]]
    assert kinds == ["deleted", "created", "created", "created"]
    assert len(deliveries(tenant, webhook, eventType="com.qlik.core.user.deleted", status="fail")) == 1
    assert deliveries(tenant, webhook, status="success") == []


@pytest.mark.parametrize(
    ("position", "members"),
    [
        ("cloudEvents", {"id", "time", "type", "specversion"}),
        ("legacy", {"eventId", "eventTime", "eventType", "cloudEventsVersion"}),
        ("hybrid", {"id", "time", "type", "specversion", "eventId", "eventTime", "eventType", "cloudEventsVersion"}),
    ],
)
def test_the_form_of_an_event_is_that_of_its_time(control, tenant, position, members):
    place(control, {"webhook-payload": position})
    webhook = made(tenant)
    add_user(tenant)

    both = {"id", "time", "type", "specversion", "eventId", "eventTime", "eventType", "cloudEventsVersion"}
    payload = deliveries(tenant, webhook)[0]["request"]["body"]
    assert both & payload.keys() == members
    assert payload["data"]["subject"] == "ana"


def test_cloud_events_once_wanted_are_never_given_up(control, tenant):
    place(control, {"webhook-payload": "legacy"})
    webhook = made(tenant, enableCloudEventDelivery=True)
    change = [{"op": "replace", "path": "/enableCloudEventDelivery", "value": False}]

    assert tenant.patch(f"{PATH}/{webhook['id']}", json=change).status_code == 400
    add_user(tenant)
    assert "specversion" in deliveries(tenant, webhook)[0]["request"]["body"]


def test_b8_an_event_of_a_license_where_webhooks_offer_them(control, tenant):
    assert create(tenant, eventTypes=[UPDATED]).status_code == 400
    license = {"number": "1234123412341234"}
    place(control, {"license-webhooks": "offered"}, license=license)
    webhook = made(tenant, eventTypes=[UPDATED])
    item = {"subject": "qtsel\\lhr", "type": "professional"}
    tenant.post("/api/v1/licenses/assignments/actions/add", json={"add": [item]})

    event = deliveries(tenant, webhook)[0]["request"]["body"]

    assert list(event) == [
        "id", "time", "type", "source", "specversion", "datacontenttype", "tenantid", "authtype", "authclaims", "data",
    ]  # fmt: skip
    assert json.dumps(event["data"]) == (
        '{"subject": "qtsel\\\\lhr", "license": "1234123412341234", "type": "professional", "origin": "internal"}'
    )
    assert (event["type"], event["specversion"], event["datacontenttype"]) == (UPDATED, "1.0", "application/json")


def test_a_filter_chooses_events(tenant):
    chosen = made(tenant, filter='spaceId eq "" and topLevelResourceId eq ""')
    other = made(tenant, filter='id eq "somebody else" or spaceId ne ""')
    add_user(tenant)

    assert (len(deliveries(tenant, chosen)), len(deliveries(tenant, other))) == (1, 0)


def test_a_webhook_that_is_off_or_wants_something_else_hears_nothing(tenant):
    hooks = [made(tenant, enabled=False), made(tenant, eventTypes=["com.qlik.v1.app.created"])]
    add_user(tenant)

    assert [deliveries(tenant, webhook) for webhook in hooks] == [[], []]


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://hooks.contoso.test"},
        {"url": "ftp://127.0.0.1"},
        {"url": "http://["},
        {"url": ""},
        {"name": ""},
        {"eventTypes": ["com.qlik.teapot"]},
        {"level": "user", "eventTypes": [CREATED]},
        {"filter": 'name eq "x"'},
        {"filter": 'id co "x"'},
        {"headers": {"A": "1"}, "encryptedHeaders": {"a": "2"}},
        {"headers": {"A": "x" * 2049}},
        {"headers": {"A": "é"}},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(tenant, body):
    assert create(tenant, **body).status_code == 400


def test_only_an_administrator_has_webhooks_of_the_tenant(tenant, served):
    foreign = made(tenant)
    with served.client("member-api-key") as member:
        assert create(member).status_code == 403
        own = made(member, level="user", eventTypes=["com.qlik.v1.app.created"])
        assert [found["id"] for found in member.get(PATH).json()["data"]] == [own["id"]]
        assert member.get(f"{PATH}/{foreign['id']}").status_code == 403
        assert member.delete(f"{PATH}/{foreign['id']}").status_code == 403
        change = [{"op": "replace", "path": "/name", "value": "mine"}]
        assert member.patch(f"{PATH}/{own['id']}", json=change).status_code == 204
    assert len(tenant.get(PATH).json()["data"]) == 2


def test_a_user_has_at_most_a_hundred_and_fifty_webhooks(control, tenant):
    me = tenant.get("/api/v1/users/me", follow_redirects=True).json()["id"]
    hooks = [{"id": f"w{number}", "name": f"w{number}", "url": FAR, "ownerId": me} for number in range(150)]
    place(control, webhooks=hooks)

    assert create(tenant).status_code == 403


def test_a_webhook_is_changed_in_part_or_as_a_whole(tenant):
    webhook = made(tenant, description="old", secret="hmac", encryptedHeaders={"X-Key": "hidden"})
    url = f"{PATH}/{webhook['id']}"
    changes = [
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "remove", "path": "/description"},
        {"op": "replace", "path": "/url", "value": "https://other.contoso.test"},
    ]

    assert tenant.patch(url, json=changes).status_code == 204
    shown = tenant.get(url).json()
    assert (shown["name"], shown["description"], shown["secretKeyAdded"]) == ("new", "", True)
    # Encrypted headers were entered for another address.
    assert shown["encryptedHeaders"] == []
    answer = tenant.put(url, json={"name": "whole", "url": FAR, "level": "tenant"})
    assert answer.status_code == 200
    assert (answer.json()["eventTypes"], answer.json()["secretKeyAdded"]) == ([], False)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/level", "value": "user"},
        {"op": "replace", "path": "/enabled", "value": "yes"},
        {"op": "replace", "path": "/eventTypes", "value": [{}]},
        {"op": "remove", "path": "/name"},
        {"op": "replace", "path": "/headers", "value": {"A": 1}},
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(tenant, change):
    webhook = made(tenant)
    good = {"op": "replace", "path": "/description", "value": "x"}

    assert tenant.patch(f"{PATH}/{webhook['id']}", json=[good, change]).status_code == 400
    assert tenant.get(f"{PATH}/{webhook['id']}").json() == webhook


def test_webhooks_are_listed_sorted_and_filtered(tenant):
    for name in ("Beta", "alpha", "Gamma"):
        made(tenant, name=name, enabled=name != "Beta")

    def names(**query):
        return [found["name"] for found in tenant.get(PATH, params=query).raise_for_status().json()["data"]]

    assert names() == ["alpha", "Beta", "Gamma"]
    assert names(sort="-name", limit=2) == ["Gamma", "Beta"]
    assert names(name="AM") == ["Gamma"]
    assert names(enabled="false") == ["Beta"]
    assert names(eventTypes=f"x,{CREATED}", origins="api", level="tenant") == ["alpha", "Beta", "Gamma"]
    assert names(url="contoso", origins="automations") == []


def test_the_types_that_are_offered_are_listed(tenant):
    offered = {kind["name"]: kind for kind in tenant.get(f"{PATH}/event-types").json()["data"]}

    assert offered[CREATED]["levels"] == ["tenant"]
    assert not any(name.startswith("com.qlik.license") for name in offered)


def test_a_deleted_webhook_takes_its_deliveries_with_it(control, tenant):
    webhook = made(tenant)
    add_user(tenant)

    assert tenant.delete(f"{PATH}/{webhook['id']}").status_code == 204
    assert tenant.get(f"{PATH}/{webhook['id']}/deliveries").status_code == 404
    assert control.get("/_sandbox/world").json()["tenant"]["webhookDeliveries"] == []


def test_webhooks_and_deliveries_survive_a_snapshot(control, tenant):
    webhook = made(tenant, secret="hmac", encryptedHeaders={"X-Key": "hidden"}, filter='id ne "x"')
    add_user(tenant)
    before, told = control.get("/_sandbox/world").json(), deliveries(tenant, webhook)

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(f"{PATH}/{webhook['id']}").json() == webhook
    assert deliveries(tenant, webhook) == told
    assert before["tenant"]["webhooks"][0]["secret"] == "hmac"


@pytest.mark.parametrize("webhook", [{"filter": 'teapot eq "x"'}, {"url": "http://["}])
def test_a_world_with_a_webhook_that_cannot_be_is_refused(control, webhook):
    tenant = WORLD["tenant"] | {"webhooks": [{"id": "w", "name": "w", "url": FAR} | webhook]}

    assert control.put("/_sandbox/world", json=WORLD | {"tenant": tenant}).status_code == 400
