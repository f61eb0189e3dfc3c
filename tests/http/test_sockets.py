"""WebSockets, by a real client: what is said, in which order, what is refused, and how it ends."""

from __future__ import annotations

import json
import threading
import time
from socket import create_connection
from typing import Any

import pytest
from tests.http.socket_client import DEADLINE, Socket
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from cuboid.http.settings import AuthSettings, CorsSettings, SocketSettings
from cuboid.types import Job, Statement

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
COUNT = {"measures": ["Users.count"]}
SLOW = {"measures": ["Slow.total"]}
ENDLESS = {"measures": ["Endless.total"]}
DAILY = {
    "measures": ["Orders.count"],
    "timeDimensions": [{"dimension": "Orders.createdAt", "granularity": "day"}],
}


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# ---------------------------------------------------------------- the handshake


def test_a_token_opens_the_conversation(production: Any, connect: Any, token: Any) -> None:
    socket = connect(production)
    assert socket.authorize(token({"sub": "ann"})) == {"handshake": True}


@pytest.mark.parametrize("path", ["/", "/cubejs-api/v1/load", "/ws?x=1"])
def test_every_path_will_do(production: Any, connect: Any, path: str) -> None:
    assert connect(production, {}, path).ask(1, "load", query=COUNT)["status"] == 200


def test_one_path_may_be_set(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(path="/stream"))
    assert connect(client, {}, "/Stream/").ask(1, "load", query=COUNT)["status"] == 200
    with pytest.raises(HTTPClientError) as refused:
        connect(client, {}, "/elsewhere")
    assert refused.value.code == 404


def test_they_can_be_switched_off(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(enabled=False))
    with pytest.raises(HTTPClientError) as refused:
        connect(client, path="/ws")
    assert refused.value.code == 404


@pytest.mark.parametrize("bad", ["nonsense", "a.b.c", ""])
def test_a_bad_token_is_told_and_the_connection_stays(
    production: Any, connect: Any, token: Any, bad: str
) -> None:
    socket = connect(production)
    text = "Invalid token" if bad else "Authorization header isn't set"
    assert socket.authorize(bad) == {"message": {"error": text}, "status": 403}
    assert socket.authorize(token({})) == {"handshake": True}


def test_nothing_is_answered_before_the_handshake(production: Any, connect: Any) -> None:
    answer = connect(production).ask(1, "load", query=COUNT)
    assert answer == {"messageId": "1", "message": {"error": "Not authorized"}, "status": 403}


def test_a_bad_token_takes_the_right_of_a_good_one(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    socket.authorize("nonsense")
    assert socket.ask(1, "load", query=COUNT)["status"] == 403


def test_dev_mode_needs_no_token(dev: Any, connect: Any) -> None:
    socket = connect(dev)
    socket.send({})  # what Cube's client sends without a token
    assert socket.receive() == {"handshake": True}
    assert socket.ask(1, "load", query=COUNT)["status"] == 200


def test_a_token_that_expires_ends_the_right_to_ask(production: Any, connect: Any) -> None:
    socket = connect(production, {"exp": time.time() + 4})
    wait_for(lambda: socket.ask(1, "load", query=COUNT)["status"] == 403)


def test_pages_of_other_origins_are_refused_where_cors_refuses_them(
    run: Any, make_service: Any, connect: Any
) -> None:
    client = run(make_service(), cors=CorsSettings(origins=("https://ours.example",)))
    assert connect(client, {}, Origin="https://ours.example").ask(1, "load", query=COUNT)["status"] == 200
    with pytest.raises(HTTPClientError) as refused:
        connect(client, {}, Origin="https://theirs.example")
    assert refused.value.code == 403


# ---------------------------------------------------------------- questions


def test_a_load_is_answered_as_over_http(production: Any, connect: Any) -> None:
    answer = connect(production, {"tenant": 1}).ask(7, "load", query=COUNT, queryType="multi")
    assert (answer["messageId"], answer["status"]) == ("7", 200)
    expected = production.get("load", COUNT, queryType="multi").body
    for body in (answer["message"], expected):
        body["results"][0].pop("lastRefreshTime")
    assert answer["message"] == expected


def test_every_method_is_answered_as_over_http(production: Any, connect: Any) -> None:
    socket = connect(production, {"tenant": 1})
    assert socket.ask(1, "sql", query=DAILY)["message"] == production.get("sql", DAILY).body
    assert socket.ask(2, "dry-run", query=DAILY)["message"] == production.get("dry-run", DAILY).body
    assert socket.ask(3, "meta")["message"] == production.get("meta").body
    views = production.get("meta", onlyViews="true").body
    assert socket.ask(4, "meta", onlyViews=True)["message"] == views
    socket.send({"messageId": "5", "method": "meta"})
    assert socket.answer(5)["message"] == production.get("meta").body


def test_an_answer_is_followed_by_a_word_that_it_was_processed(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    socket.send({"messageId": "abc", "method": "load", "params": {"query": COUNT}})
    assert list(socket.receive()) == ["messageId", "message", "status"]
    assert socket.receive() == {"messageProcessedId": "abc"}


def test_mistakes_in_a_query_are_answers(production: Any, connect: Any) -> None:
    answer = connect(production, {}).ask(1, "load", query={"measures": ["Nope.count"]})
    assert answer["status"] == 400
    assert answer["message"]["error"] == "Cube 'Nope' not found for path 'Nope.count'"


def test_questions_are_answered_side_by_side(run: Any, make_service: Any, connect: Any) -> None:
    socket = connect(run(make_service()), {})
    socket.send({"messageId": 1, "method": "load", "params": {"query": ENDLESS}})
    assert socket.ask(2, "load", query=COUNT)["message"]["data"] == [{"Users.count": "700"}]


def test_a_slow_load_is_answered_when_it_is_ready(run: Any, make_service: Any, connect: Any) -> None:
    service = make_service(wait=0.05)
    socket = connect(run(service), {})
    socket.send({"messageId": 1, "method": "load", "params": {"query": SLOW}})
    answer = socket.receive()
    assert (answer["messageId"], answer["status"]) == ("1", 200)
    assert int(answer["message"]["data"][0]["Slow.total"]) > 0
    assert service._data_sources["default"].driver.runs == 1


def test_a_load_that_is_sent_again_is_not_run_again(run: Any, make_service: Any, connect: Any) -> None:
    """As Cube's client does every minute for what is still open."""
    service = make_service(wait=0.05)
    socket = connect(run(service), {})
    for _ in range(3):
        socket.send({"messageId": 1, "method": "load", "params": {"query": SLOW}})
    assert socket.answer(1)["status"] == 200
    assert socket.ask(2, "load", query=COUNT)["status"] == 200
    assert service._data_sources["default"].driver.runs == 2


def test_unsubscribing_stops_what_is_being_answered(run: Any, make_service: Any, connect: Any) -> None:
    service = make_service(limit=1)
    socket = connect(run(service), {})
    driver = service._data_sources["default"].driver
    socket.send({"messageId": 1, "method": "load", "params": {"query": ENDLESS}})
    wait_for(lambda: driver.runs == 1)
    socket.send({"unsubscribe": 1})
    # There is one place, and the endless run held it.
    assert socket.ask(2, "load", query=COUNT)["status"] == 200


def test_unsubscribing_from_nothing_is_silent(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    socket.send({"unsubscribe": 99})
    assert socket.ask(1, "load", query=COUNT)["status"] == 200


def test_a_client_that_leaves_stops_its_runs(run: Any, make_service: Any, connect: Any, token: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service, token=token({}))
    driver = service._data_sources["default"].driver
    socket = connect(client, {})
    socket.send({"messageId": 1, "method": "load", "params": {"query": ENDLESS}})
    wait_for(lambda: driver.runs == 1)
    socket.close()
    assert client.get("load", COUNT).status == 200


def test_a_load_is_cancelled_by_its_request_id(run: Any, make_service: Any, connect: Any, token: Any) -> None:
    service = make_service()
    client = run(service, token=token({"sub": "ann"}))
    socket = connect(client, {"sub": "ann"})
    socket.send({"messageId": 1, "requestId": "abc", "method": "load", "params": {"query": ENDLESS}})
    wait_for(lambda: service._data_sources["default"].driver.runs == 1)
    answer = client.ask("DELETE", "/cubejs-api/v1/running-query/abc")
    assert [entry["requestId"] for entry in answer.body["result"]] == ["abc"]
    assert socket.answer(1)["message"]["error"] == "Error: The query was cancelled."


# ---------------------------------------------------------------- messages that are none


@pytest.mark.parametrize(
    ("message", "identity", "text"),
    [
        ("not json", None, "Unable to decode the message as JSON, error: "),
        ("[]", None, "Invalid input: expected object, received array"),
        ("1", None, "Invalid input: expected object, received number"),
        ("null", None, "Invalid input: expected object, received null"),
        (b"\xff\xfe", None, "Unable to decode the message as JSON, error: "),
        ("[" * 5000, None, "Unable to decode the message as JSON, error: "),
        ({"method": "load"}, None, "messageId: Invalid input: expected an integer, or a string"),
        ({"messageId": "x" * 17, "method": "load"}, None, "messageId: Invalid input"),
        ({"messageId": True, "method": "load"}, None, "messageId: Invalid input"),
        ({"messageId": 1.5, "method": "load"}, None, "messageId: Invalid input"),
        (
            {"messageId": 1, "method": "drop"},
            "1",
            "method: Invalid discriminator value. Expected 'load' | 'sql' | 'dry-run' | 'meta' | 'subscribe'",
        ),
        ({"messageId": 1, "method": ["load"]}, "1", "method: Invalid discriminator value."),
        (
            {"messageId": 1, "method": "unsubscribe", "params": {}},
            "1",
            "method: Invalid discriminator value.",
        ),
        (
            {"messageId": 1, "method": "load"},
            "1",
            "params: Invalid input: expected object, received undefined",
        ),
        (
            {"messageId": 1, "method": "load", "params": []},
            "1",
            "params: Invalid input: expected object, received array",
        ),
        (
            {"messageId": 1, "method": "load", "params": {"query": {}, "extra": 1}},
            "1",
            'params: Unrecognized key: "extra"',
        ),
        (
            {"messageId": 1, "requestId": "x" * 65, "method": "load", "params": {}},
            "1",
            "requestId: Too big: expected string to have <=64 characters",
        ),
        ({"messageId": 1, "requestId": 5, "method": "load", "params": {}}, "1", "requestId: Invalid input"),
        ({"unsubscribe": {}}, None, "unsubscribe: Invalid input"),
        ({"authorization": 5}, None, "authorization: Invalid input: expected string, received number"),
    ],
)
def test_messages_that_are_none_are_told_so(
    production: Any, connect: Any, message: Any, identity: str | None, text: str
) -> None:
    socket = connect(production, {})
    socket.send(message)
    answer = socket.receive()
    assert (answer["status"], answer.get("messageId")) == (400, identity)
    assert answer["message"]["error"].startswith(text)
    assert socket.ask(2, "load", query=COUNT)["status"] == 200


def test_a_query_is_required(production: Any, connect: Any) -> None:
    answer = connect(production, {}).ask(1, "load")
    assert (answer["status"], answer["message"]["error"]) == (400, "Query param is required")


# ---------------------------------------------------------------- subscriptions


@pytest.fixture
def live(run: Any, make_service: Any) -> Any:
    """A server that looks at subscriptions all the time, and its service."""
    service = make_service(writable=True)
    client = run(service, sockets=SocketSettings(interval=0.05))
    client.service = service
    return client


def processed(socket: Socket, times: int) -> list[Any]:
    """What came until so many rounds were processed."""
    found = []
    while times:
        message = socket.receive()
        times -= "messageProcessedId" in message
        found.append(message)
    return found


def change(client: Any, statement: str) -> None:
    """Changes the data past the API."""
    driver = client.service._data_sources["default"].driver
    client.server.run(driver.execute(Job("change", "change", Statement(statement))))


def test_a_subscription_is_pushed_when_its_answer_changes_and_only_then(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT, "queryType": "multi"}})
    first, *signs_of_life = processed(socket, 4)
    assert first["message"]["results"][0]["data"] == [{"Users.count": "700"}]
    assert signs_of_life == [{"messageProcessedId": "1"}] * 4
    change(live, "INSERT INTO public.users SELECT 1000, 'x', 'y', now()::TIMESTAMP")
    while "message" not in (message := socket.receive()):
        pass
    assert message["message"]["results"][0]["data"] == [{"Users.count": "701"}]
    assert processed(socket, 4) == [{"messageProcessedId": "1"}] * 4


def test_a_mistake_is_pushed_once(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": {"measures": ["Missing.count"]}}})
    first, *rest = processed(socket, 4)
    assert first["status"] == 400
    assert rest == [{"messageProcessedId": "1"}] * 4


def test_a_subscription_ends_when_the_client_says_so(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    driver = live.service._data_sources["default"].driver
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT}})
    processed(socket, 2)
    socket.send({"unsubscribe": 1})
    socket.ask(2, "meta")
    runs = driver.runs
    time.sleep(0.3)
    assert driver.runs == runs


def test_a_subscription_ends_with_its_connection(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    driver = live.service._data_sources["default"].driver
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT}})
    processed(socket, 2)
    socket.close()

    def still() -> bool:
        runs = driver.runs
        time.sleep(0.3)
        return bool(driver.runs == runs)

    wait_for(still)


def test_a_subscription_that_is_sent_again_is_not_pushed_again(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    for _ in range(3):
        socket.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT}})
        messages = processed(socket, 2)
    assert messages == [{"messageProcessedId": "1"}] * 2


def test_another_query_under_the_same_id_takes_its_place(live: Any, connect: Any) -> None:
    socket = connect(live, {})
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT}})
    processed(socket, 1)
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": {"measures": ["Orders.count"]}}})
    while "message" not in (message := socket.receive()):
        pass
    assert message["message"]["data"] == [{"Orders.count": "1200"}]


def test_a_slow_subscription_is_pushed_when_it_is_ready(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(wait=0.05), sockets=SocketSettings(interval=0.05))
    socket = connect(client, {})
    socket.send({"messageId": 1, "method": "subscribe", "params": {"query": SLOW}})
    first = socket.receive()
    assert (first["messageId"], first["status"]) == ("1", 200)


def test_equal_subscriptions_share_their_runs(run: Any, make_service: Any, connect: Any) -> None:
    service = make_service(limit=1)
    client = run(service, sockets=SocketSettings(interval=0.2))
    sockets = [connect(client, {"user": number}) for number in range(10)]
    for socket in sockets:
        socket.send({"messageId": 1, "method": "subscribe", "params": {"query": SLOW}})
    for socket in sockets:
        processed(socket, 1)
    assert service._data_sources["default"].driver.runs <= 2


# ---------------------------------------------------------------- limits


def test_a_message_may_be_as_large_as_a_body(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), max_request_size=100_000)
    socket = connect(client, {})
    padded = json.dumps({"messageId": 1, "method": "load", "params": {"query": COUNT}})
    socket.send(padded + " " * (99_000 - len(padded)))
    assert socket.answer(1)["status"] == 200
    socket.send(padded + " " * 110_000)
    assert socket.closed[0] == 1009


def test_subscriptions_of_a_connection_are_limited(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(subscriptions=2))
    socket = connect(client, {})
    for number in (1, 2):
        assert socket.ask(number, "subscribe", query=COUNT)["status"] == 200
    refused = socket.ask(3, "subscribe", query=COUNT)
    assert refused["status"] == 400
    assert refused["message"]["error"] == "A connection may have 2 subscriptions at once."
    socket.send({"unsubscribe": 1})
    assert socket.ask(3, "subscribe", query=COUNT)["status"] == 200


def test_questions_of_a_connection_are_limited(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(questions=1))
    socket = connect(client, {})
    socket.send({"messageId": 1, "method": "load", "params": {"query": ENDLESS}})
    assert socket.ask(2, "load", query=COUNT)["status"] == 503
    socket.send({"unsubscribe": 1})
    assert socket.ask(3, "load", query=COUNT)["status"] == 200


def test_connections_are_limited(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(connections=2))
    first, _ = connect(client, {}), connect(client, {})
    with pytest.raises(HTTPClientError) as refused:
        connect(client)
    assert refused.value.code == 503
    first.close()

    def there_is_room() -> bool:
        try:
            return bool(connect(client, {}))
        except HTTPClientError:
            return False

    wait_for(there_is_room)


def test_clients_without_a_token_do_not_take_the_places_of_others(
    run: Any, make_service: Any, connect: Any
) -> None:
    client = run(make_service(), sockets=SocketSettings(connections=20))
    known = connect(client, {})
    silent = [connect(client) for _ in range(5)]
    liars = [connect(client) for _ in range(5)]
    for liar in liars:
        assert liar.authorize("nonsense")["status"] == 403
    # The others that come without a token take the places of these, the oldest first.
    more = [connect(client) for _ in range(6)]
    assert [each.closed for each in (*silent, liars[0])] == [(1008, "No authorization was sent")] * 6
    assert liars[1].authorize("nonsense")["status"] == 403
    for socket in (known, connect(client, {}), connect(client, {})):
        assert socket.ask(1, "load", query=COUNT)["status"] == 200
    assert more[-1].authorize("nonsense")["status"] == 403


def test_whose_later_token_is_bad_is_without_one(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(connections=20))
    good, fallen = connect(client, {}), connect(client, {})
    assert fallen.authorize("nonsense")["status"] == 403
    for _ in range(10):
        connect(client)
    assert fallen.closed == (1008, "No authorization was sent")
    assert good.ask(1, "load", query=COUNT)["status"] == 200


@pytest.mark.parametrize("method", ["load", "subscribe"])
def test_numbers_are_numbers_for_who_asks(production: Any, connect: Any, method: str) -> None:
    socket = connect(production, {})
    told = socket.ask(1, method, query=COUNT, castNumerics=True)
    assert told["message"]["data"] == [{"Users.count": 700}]
    refused = socket.ask(2, method, query=COUNT, castNumerics=1)
    assert (refused["status"], refused["message"]["error"]) == (
        400,
        'Invalid query format: "castNumerics" must be a boolean',
    )


def test_a_connection_that_says_nothing_is_closed(run: Any, make_service: Any, connect: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(authorize_within=2))
    told = connect(client)
    assert told.authorize("nonsense")["status"] == 403
    assert connect(client).closed == (1008, "No authorization was sent")
    # The other came first, so its time is over, too.
    assert told.authorize("nonsense")["status"] == 403


def test_a_client_that_answers_pings_lives_on(run: Any, make_service: Any, connect: Any) -> None:
    """Tornado's client does so by itself."""
    client = run(make_service(), sockets=SocketSettings(heartbeat=1))
    socket = connect(client, {})
    time.sleep(2.5)
    assert socket.ask(1, "load", query=COUNT)["status"] == 200


def test_a_client_that_does_not_is_hung_up_on(run: Any, make_service: Any) -> None:
    client = run(make_service(), sockets=SocketSettings(heartbeat=0.05))
    with create_connection(("127.0.0.1", client.port), timeout=DEADLINE) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, frames = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert frames[0] == 0x89, "a ping, in one frame"


# ---------------------------------------------------------------- the end


def test_a_stopping_server_answers_what_runs_and_says_goodbye(
    run: Any, make_service: Any, connect: Any
) -> None:
    client = run(make_service(wait=0.05))
    socket, idle = connect(client, {}), connect(client, {})
    idle.send({"messageId": 1, "method": "subscribe", "params": {"query": COUNT}})
    processed(idle, 1)
    socket.send({"messageId": 1, "method": "load", "params": {"query": SLOW}})
    wait_for(lambda: len(client.server.site.traffic._requests) == 1)
    stopped = threading.Thread(target=client.server.stop, args=(DEADLINE,))
    stopped.start()
    assert socket.answer(1)["status"] == 200
    for each in (socket, idle):
        assert each.closed == (1001, "The server is stopping")
    stopped.join()


def test_writing_to_a_closed_connection_hurts_nobody(production: Any, connect: Any) -> None:
    socket = connect(production, {})
    for number in range(20):
        socket.send({"messageId": number, "method": "load", "params": {"query": DAILY}})
    socket.close()
    with pytest.raises(WebSocketClosedError):
        socket.send({})
    assert connect(production, {}).ask(1, "load", query=COUNT)["status"] == 200


def test_scopes_are_asked_for_each_method(run: Any, make_service: Any, connect: Any) -> None:
    auth = AuthSettings(secrets=(SECRET,), scopes=("meta",))
    socket = connect(run(make_service(), auth=auth), {})
    assert socket.ask(1, "meta")["status"] == 200
    for method, scope in (("load", "data"), ("subscribe", "data"), ("dry-run", "data"), ("sql", "sql")):
        answer = socket.ask(2, method, query=COUNT)
        assert (answer["status"], answer["message"]["error"]) == (403, f"API scope is missing: {scope}")
