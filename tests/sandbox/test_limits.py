import pytest
from serving import CLIENT, WORLD, set_switches

ADD = "/api/v1/licenses/assignments/actions/add"


@pytest.fixture
def limits(control):
    """What changes the limits; the next world puts them back."""
    return lambda **body: control.put("/_sandbox/limits", json=body).raise_for_status().json()


def mint(client):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox-client-secret"}
    return client.post("/oauth/token", data=form)


def statuses(client, path, times):
    return [client.get(path).status_code for _ in range(times)]


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def test_a_tier_has_five_minutes_of_its_rate_at_once(limits, tenant):
    limits(tiers={"T1": 1})

    assert statuses(tenant, "/api/v1/users", 6) == [200] * 5 + [429]


def test_the_refusal_is_that_of_the_service_word_for_word(limits, tenant):
    limits(tiers={"T1": 1})
    statuses(tenant, "/api/v1/roles", 5)

    refusal = tenant.get("/api/v1/users")

    assert refusal.headers["retry-after"] == "60"
    assert refusal.headers["content-type"] == "application/json"
    assert refusal.text == (
        '{"errors":[{"code":"HTTP-429","title":"API rate limit reached.",'
        '"detail":"You need to wait 60 seconds until limit is lifted."}]}'
    )


def test_a_tier_is_closed_as_a_whole_and_the_others_stay_open(limits, tenant):
    limits(tiers={"T2": 1})
    assert [tenant.post(ADD, json={"add": []}).status_code for _ in range(6)] == [207] * 5 + [429]

    assert tenant.put("/api/v1/licenses/settings", json={}).status_code == 429
    assert tenant.get("/api/v1/users").status_code == 200


def test_the_tier_opens_again_when_the_seconds_are_over(control, limits, tenant):
    limits(tiers={"T1": 1})
    refused = statuses(tenant, "/api/v1/users", 6)[-1]

    advance(control, 58)
    closed = tenant.get("/api/v1/users")
    advance(control, 3)

    assert (refused, closed.status_code) == (429, 429)
    assert 1 <= int(closed.headers["retry-after"]) <= 2
    assert statuses(tenant, "/api/v1/users", 2) == [200, 429]


def test_after_the_window_everything_is_there_again(control, limits, tenant):
    limits(tiers={"T1": 1})
    statuses(tenant, "/api/v1/users", 6)
    advance(control, 300)

    assert statuses(tenant, "/api/v1/users", 6) == [200] * 5 + [429]


def test_a_fixed_window_gives_everything_back_at_its_end(control, tenant):
    set_switches(control, rate_limit_window="fixed")
    control.put("/_sandbox/limits", json={"tiers": {"T1": 1}})
    statuses(tenant, "/api/v1/users", 5)
    advance(control, 200)
    refusal = tenant.get("/api/v1/users")
    advance(control, 101)

    assert refusal.status_code == 429
    assert 95 <= int(refusal.headers["retry-after"]) <= 100
    assert statuses(tenant, "/api/v1/users", 6) == [200] * 5 + [429]


def test_each_caller_has_a_budget_of_its_own(limits, tenant, served):
    limits(tiers={"T1": 1})
    statuses(tenant, "/api/v1/users", 6)

    with served.client("member-api-key") as other:
        assert other.get("/api/v1/users").status_code == 200


def test_all_tokens_of_a_caller_share_one_budget(control, limits, everyone):
    tokens = [mint(everyone).json()["access_token"] for _ in range(2)]
    limits(tiers={"T1": 1}, reset=True)

    answers = [
        everyone.get("/api/v1/users", headers={"Authorization": f"Bearer {tokens[n % 2]}"}).status_code
        for n in range(6)
    ]

    assert answers == [200] * 5 + [429]


def test_minting_tokens_counts_too(limits, everyone):
    limits(tiers={"T2": 1})

    assert [mint(everyone).status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_whole_tenant_has_half_a_budget_for_each_user(control, tenant, served):
    users = [user for user in WORLD["tenant"]["users"] if user["subject"] in {"auth0|admin", "qlik\\nalle"}]
    world = {**WORLD["tenant"], "users": users, "rateLimits": {"T1": 1}}
    control.put("/_sandbox/world", json=WORLD | {"tenant": world}).raise_for_status()
    with served.client("member-api-key") as other:
        answers = [statuses(tenant, "/api/v1/users", 3), statuses(other, "/api/v1/users", 3)]

    # Two users with five requests each would be ten; half of that is the tenant's.
    assert answers == [[200, 200, 200], [200, 200, 429]]


def test_a_request_without_a_token_costs_nothing(limits, everyone, tenant):
    limits(tiers={"T1": 1})
    statuses(everyone, "/api/v1/users", 9)

    assert tenant.get("/api/v1/users").status_code == 200


def test_others_use_up_the_same_budget(control, limits, tenant):
    limits(tiers={"T1": 60}, others={"T1": 2})
    tenant.get("/api/v1/users")
    advance(control, 299)
    # One request a second comes back and two go to others: of 300 nothing is left after five minutes.
    assert tenant.get("/api/v1/users").status_code == 429
    limits(others={}, reset=True)
    assert tenant.get("/api/v1/users").status_code == 200


def test_limits_are_scaled(limits):
    shown = limits(scale=0.1)

    assert shown["tiers"] == {"T1": 100.0, "T2": 10.0, "S200": 20.0, "S1000": 100.0}


def test_what_is_left_is_shown(control, limits, tenant):
    limits(tiers={"T1": 2})
    tenant.get("/api/v1/users")

    shown = control.get("/_sandbox/limits").json()

    assert (shown["on"], shown["window"]) == (True, 300)
    assert {"caller": "auth0|admin", "tier": "T1", "left": 9, "retryAfter": 0} in shown["buckets"]


def test_limits_start_anew_on_demand(control, limits, tenant):
    limits(tiers={"T1": 1})
    statuses(tenant, "/api/v1/users", 6)
    assert control.delete("/_sandbox/limits").status_code == 204

    assert statuses(tenant, "/api/v1/users", 9) == [200] * 9


def test_limits_are_switched_off_and_on(limits, tenant):
    limits(on=False, tiers={"T1": 1})
    assert statuses(tenant, "/api/v1/users", 9) == [200] * 9

    limits(on=True)
    assert statuses(tenant, "/api/v1/users", 6)[-1] == 429


def test_a_world_says_which_limits_hold_and_its_snapshot_too(control, tenant):
    for given in (False, {"T1": 1}, True):
        control.put("/_sandbox/world", json=WORLD | {"tenant": {**WORLD["tenant"], "rateLimits": given}})
        assert control.get("/_sandbox/world").json()["tenant"]["rateLimits"] == given
        assert (statuses(tenant, "/api/v1/users", 6)[-1] == 429) is (given == {"T1": 1})


def test_a_clock_set_back_closes_nothing(control, limits, tenant):
    limits(tiers={"T1": 1})
    statuses(tenant, "/api/v1/users", 6)
    advance(control, -86_400)

    assert tenant.get("/api/v1/users").status_code == 200


@pytest.mark.parametrize(
    "body", [{"tiers": {"T9": 1}}, {"scale": 0}, {"scale": "x"}, {"tiers": {"T1": 0}}, {"others": {"T1": -1}}, {"x": 1}]
)
def test_limits_that_make_no_sense_are_refused(control, body):
    assert control.put("/_sandbox/limits", json=body).status_code == 400


def test_the_log_names_the_tier(control, tenant):
    tenant.get("/api/v1/users")
    tenant.post(ADD, json={"add": []})
    tenant.get("/v1.0/users")

    assert [call["tier"] for call in control.get("/_sandbox/requests").json()] == ["T1", "T2", ""]
