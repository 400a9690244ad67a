"""The listener: whom it believes, what it starts, and what it tells nobody."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
import trustme
from pipelines import BODY, PATH, Pipeline, serve_pipeline, write_authority

from qlik_provider import dispatches
from qlik_provider.dispatches import Dispatcher, read_pipeline
from qlik_provider.errors import CredentialsError
from qlik_provider.listener import LARGEST, Listener, Memory, parse_event
from qlik_provider.signatures import HEADER, sign

T = TypeVar("T")

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MAX_AGE = timedelta(minutes=10)
WEBHOOK_SECRET, DISPATCH_TOKEN = "sandbox-webhook-secret", "sandbox-dispatch-token"


def event(id: str = "e1", time: str = "2026-11-02T08:00:00.000Z", **others) -> bytes:
    told = {"id": id, "time": time, "type": "com.qlik.core.user.created", "data": {"subject": "ana"}}
    return json.dumps({**told, **others}).encode()


def former_event(id: str = "e1", time: str = "2026-11-02T08:00:00.000Z") -> bytes:
    told = {"cloudEventsVersion": "0.1", "eventId": id, "eventTime": time, "eventType": "com.qlik.v1.user.created"}
    return json.dumps(told).encode()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pipeline(authority, tmp_path, monkeypatch) -> Iterator[Pipeline]:
    monkeypatch.setenv("SSL_CERT_FILE", str(write_authority(authority, tmp_path)))
    monkeypatch.setenv("QLIK_DISPATCH_TOKEN", DISPATCH_TOKEN)
    with serve_pipeline(authority) as pipeline:
        yield pipeline


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; the loop of this thread stays as it is, since tests of Pulumi count on it."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


class Hearing:
    """A listener in this process, whose clock is told."""

    def __init__(self, pipeline: dispatches.Pipeline, pause: float = 0) -> None:
        self.now = NOW
        self.lines: list[str] = []
        self.listener = Listener(
            WEBHOOK_SECRET, Dispatcher(pipeline, pause), MAX_AGE, now=lambda: self.now, tell=self.lines.append
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.listener.app()), base_url="http://listener")

    async def post(self, body: bytes, signature: str | None = None, path: str = "/qlik") -> httpx.Response:
        headers = {HEADER: sign(WEBHOOK_SECRET, body) if signature is None else signature}
        return await self.http.post(path, content=body, headers=headers)

    def tell(self, *bodies: bytes, **others) -> list[int]:
        """Tell one after the other, and return the answers."""

        async def tell() -> list[int]:
            return [(await self.post(body, **others)).status_code for body in bodies]

        return run(tell())


@pytest.fixture
def hearing(pipeline) -> Callable[..., Hearing]:
    heard: list[Hearing] = []

    def hearing(**others) -> Hearing:
        heard.append(Hearing(read_pipeline(pipeline.url, BODY, "bearer"), **others))
        return heard[-1]

    yield hearing
    for one in heard:
        assert not any(secret in line for line in one.lines for secret in (WEBHOOK_SECRET, DISPATCH_TOKEN, "ana"))


# Whom it believes.


@pytest.mark.parametrize("body", [event(), former_event(), event(eventId="other")], ids=["present", "former", "hybrid"])
def test_a_signed_event_starts_the_pipeline_by_what_is_configured_and_nothing_of_the_event(hearing, pipeline, body):
    told = hearing()

    assert told.tell(body) == [204]

    path, headers, posted = pipeline.taken.get_nowait()
    assert (path, posted) == (PATH, BODY)
    assert headers["Authorization"] == f"Bearer {DISPATCH_TOKEN}"
    assert headers["Content-Type"] == "application/json"
    (line,) = told.lines
    assert line.startswith("2026-11-02T08:00:00Z 204 com.qlik.")
    assert line.endswith("e1: the pipeline was started")


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", sign("another-secret-of-16", event())])
def test_what_the_tenant_did_not_sign_starts_nothing(hearing, pipeline, signature):
    told = hearing()

    assert told.tell(event(), signature=signature.encode("latin-1")) == [401]

    assert pipeline.taken.empty()
    assert told.lines == ["2026-11-02T08:00:00Z 401 not signed with the secret of this listener"]


def test_a_body_that_was_changed_on_the_way_starts_nothing(hearing, pipeline):
    assert hearing().tell(event("e2"), signature=sign(WEBHOOK_SECRET, event("e1"))) == [401]
    assert pipeline.taken.empty()


def test_an_unsigned_event_does_not_spend_the_id_of_a_signed_one(hearing):
    told = hearing()

    assert [*told.tell(event(), signature=""), *told.tell(event())] == [401, 204]


# Replays.


def test_an_event_counts_once_in_either_form(hearing, pipeline):
    told = hearing()

    assert told.tell(event(), event(), former_event(), event("e2")) == [204, 409, 409, 204]

    assert pipeline.taken.qsize() == 2
    assert told.lines[1].endswith("e1: told before")


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(0), 204),
        (MAX_AGE, 204),
        (MAX_AGE + timedelta(seconds=1), 409),
        (-MAX_AGE, 204),
        (-MAX_AGE - timedelta(seconds=1), 409),
    ],
    ids=str,
)
def test_an_event_counts_only_while_it_is_young(hearing, pipeline, age, status):
    told = hearing()
    told.now = NOW + age

    assert told.tell(event()) == [status]
    assert pipeline.taken.qsize() == (status == 204)


def test_at_no_time_does_an_event_count_again():
    for ahead in range(-10, 11, 5):
        memory = Memory(MAX_AGE)
        time = NOW + timedelta(minutes=ahead)
        told = [memory.refuse("e1", time, NOW + timedelta(minutes=later)) for later in range(40)]

        assert told.count("") == 1, ahead


def test_what_is_too_old_to_come_again_is_forgotten():
    memory = Memory(MAX_AGE)
    for number in range(100):
        assert memory.refuse(f"e{number}", NOW, NOW) == ""

    memory.refuse("late", NOW + timedelta(hours=1), NOW + timedelta(hours=1))

    assert list(memory._until) == ["late"]


def test_an_event_that_started_nothing_may_be_told_again(hearing, pipeline):
    pipeline.statuses = [500]
    told = hearing()

    assert told.tell(event(), event(), event()) == [502, 204, 409]
    assert told.lines[0].endswith("e1: the pipeline was not started: 127.0.0.1 answered 500")


# What is no event.


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        event(id=""),
        event(id=7),
        event("a\nb"),
        event(time="yesterday"),
        event(time="2026-11-02T08:00:00"),
        event(type=None),
    ],
)
def test_what_is_no_event_starts_nothing(hearing, pipeline, body):
    assert parse_event(body) is None
    assert hearing().tell(body) == [400]
    assert pipeline.taken.empty()


def test_a_body_that_is_too_large_is_not_taken_in(hearing, pipeline):
    assert hearing().tell(event(data="x" * LARGEST)) == [413]
    assert pipeline.taken.empty()


def test_a_request_that_is_broken_off_starts_nothing(hearing, pipeline):
    told = hearing()
    sent = []

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    run(told.listener.app()(scope, receive, send))

    assert sent[0]["status"] == 400
    assert pipeline.taken.empty()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_is_heard(hearing, pipeline, method):
    told = hearing()

    answer = run(told.http.request(method, "/qlik"))

    assert answer.status_code == 405
    assert pipeline.taken.empty()


# The pipeline.


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 503])
def test_a_pipeline_that_does_not_take_it_is_a_502_and_a_redirect_is_not_followed(hearing, pipeline, status):
    pipeline.statuses = [status]
    told = hearing()

    assert told.tell(event()) == [502]
    assert pipeline.taken.qsize() == 1
    assert f"127.0.0.1 answered {status}" in told.lines[0]


def test_a_pipeline_that_cannot_be_reached_is_a_502(hearing, pipeline):
    told = Hearing(read_pipeline("https://127.0.0.1:9/dispatches", BODY, "bearer"))

    assert told.tell(event()) == [502]
    assert "no answer from 127.0.0.1: ConnectError" in told.lines[0]


def test_a_pipeline_whose_certificate_nobody_vouches_for_gets_no_token(hearing, pipeline, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(write_authority(trustme.CA(), tmp_path)))

    assert hearing().tell(event()) == [502]
    assert pipeline.taken.empty()


def start_again_and_again(pipeline, others: int) -> list[str]:
    """Ask for one start and, while that is under way, for others; return the reasons why each did not happen."""

    async def ask() -> list[str]:
        dispatcher = Dispatcher(read_pipeline(pipeline.url, BODY, "bearer"), 0)
        asked = [asyncio.create_task(dispatcher.dispatch())]
        await asyncio.to_thread(pipeline.taken.get, timeout=20)
        asked += [asyncio.create_task(dispatcher.dispatch()) for _ in range(others)]
        await asyncio.sleep(0)  # each has asked before the first one is answered
        pipeline.gate.set()
        return await asyncio.gather(*asked)

    pipeline.gate.clear()
    return run(ask())


def test_a_thousand_people_are_no_thousand_pipelines(pipeline):
    """Whoever comes while one is being started gets the next one, and shares it."""
    assert start_again_and_again(pipeline, 1000) == [""] * 1001
    assert pipeline.taken.qsize() == 1


def test_who_shares_a_start_that_fails_is_told_so(pipeline):
    pipeline.statuses = [204, 500]

    assert start_again_and_again(pipeline, 3) == ["", *["127.0.0.1 answered 500"] * 3]


def test_the_next_start_waits_for_the_pause(pipeline):
    async def ask() -> None:
        dispatcher = Dispatcher(read_pipeline(pipeline.url, BODY, "bearer"), pause=3600)
        assert await dispatcher.dispatch() == ""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dispatcher.dispatch(), timeout=0.5)

    run(ask())
    assert pipeline.taken.qsize() == 1


@pytest.mark.parametrize(("scheme", "sent"), [("bearer", "Bearer t0k"), ("basic", "Basic OnQwaw==")])
def test_the_token_is_sent_as_the_pipeline_wants_it_and_shown_nowhere(scheme, sent):
    found = read_pipeline("https://dev.azure.com/contoso", "{}", scheme, {"QLIK_DISPATCH_TOKEN": "t0k"})

    assert found.headers["Authorization"] == sent
    assert sent not in repr(found)
    assert "t0k" not in repr(found)


@pytest.mark.parametrize(
    ("url", "body", "token", "variable"),
    [
        ("http://ci.contoso.test", "{}", "t0k", "QLIK_DISPATCH_URL"),
        ("ci.contoso.test", "{}", "t0k", "QLIK_DISPATCH_URL"),
        ("https://me:secret@ci.contoso.test", "{}", "t0k", "QLIK_DISPATCH_URL"),
        ("https://ci.contoso.test", "{", "t0k", "QLIK_DISPATCH_BODY"),
        ("https://ci.contoso.test", "{}", "", "QLIK_DISPATCH_TOKEN"),
        ("https://ci.contoso.test", "{}", "two words", "QLIK_DISPATCH_TOKEN"),
        ("https://ci.contoso.test", "{}", "two\nlines", "QLIK_DISPATCH_TOKEN"),
    ],
)
def test_what_cannot_start_a_pipeline_is_named_by_its_variable(url, body, token, variable):
    with pytest.raises(CredentialsError) as refusal:
        read_pipeline(url, body, "bearer", {"QLIK_DISPATCH_TOKEN": token})

    assert refusal.value.variable == variable
    assert "secret" not in str(refusal.value)
    assert not token or token not in str(refusal.value)
