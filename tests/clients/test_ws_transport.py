"""``@cubejs-client/ws-transport``: the same client over a WebSocket."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cuboid.http.settings import SocketSettings
from cuboid.types import Job, Statement


@pytest.fixture
def js(javascript: Any, production: Any) -> Any:
    return lambda code: javascript(production, "const api = connectSocket();" + code)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_method_answers_as_over_http(js: Any) -> None:
    assert js("""
        const query = {measures: ['Sales.count'], dimensions: ['Sales.status'], order: {'Sales.status': 'asc'}};
        const http = connect();
        const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
        return [
          same((await api.load(query)).rawData(), (await http.load(query)).rawData()),
          same((await api.sql(query)).rawQuery(), (await http.sql(query)).rawQuery()),
          same(await api.dryRun(query), await http.dryRun(query)),
          same((await api.meta()).meta, (await http.meta()).meta),
        ];
    """) == [True, True, True, True]


def test_every_type_of_query(js: Any) -> None:
    assert js("""
        const time = {dimension: 'Sales.createdAt', granularity: 'day'};
        const ranges = [['2024-01-01', '2024-01-01'], ['2024-02-01', '2024-02-01']];
        const compared = await api.load(
          {measures: ['Sales.count'], timeDimensions: [{...time, compareDateRange: ranges}]}
        );
        const part = (measure) => (
          {measures: [measure], timeDimensions: [{...time, dateRange: ['2024-01-02', '2024-01-02']}]}
        );
        const blended = await api.load([part('Sales.count'), part('Sales.total')]);
        return [compared.series().map((each) => each.series[0].value), blended.chartPivot()[0]['Sales.total']];
    """) == [[20, 20], 20]


def test_mistakes_are_request_errors(js: Any) -> None:
    refused = js("return refusal(api.load({measures: ['Sales.nope']}))")
    assert (refused["message"], refused["status"]) == ("'nope' not found for path 'Sales.nope'", 400)


def test_many_loads_at_once_get_each_its_answer(js: Any) -> None:
    code = """
        const limits = Array.from({length: 30}, (_, index) => index + 1);
        const load = (limit) => api.load({dimensions: ['Sales.id'], limit});
        return (await Promise.all(limits.map(load))).map((result) => result.rawData().length);
    """
    assert js(code) == list(range(1, 31))


def test_a_bad_token_fails_a_load_and_a_good_one_connects_again(javascript: Any, production: Any) -> None:
    code = """
        let bearer = 'nonsense';
        const api = connectSocket({}, async () => bearer);
        const refused = await refusal(api.load({measures: ['Sales.count']}));
        bearer = token;
        return [refused.message, refused.status, (await api.load({measures: ['Users.count']})).rawData()];
    """
    assert javascript(production, code) == ["Not authorized", 403, [{"Users.count": "700"}]]


def test_dev_mode_needs_no_token(javascript: Any, run: Any, make_service: Any) -> None:
    client = run(make_service(), dev=True)
    code = "return (await connectSocket({}, undefined).load({measures: ['Sales.count']})).rawData()"
    assert javascript(client, code) == [{"Sales.count": "1200"}]


def test_a_slow_load_is_answered_when_it_is_ready(
    javascript: Any, run: Any, make_service: Any, token: Any
) -> None:
    """Over HTTP the client repeats; here its next repetition would be a minute later."""
    service = make_service(wait=0.05)
    client = run(service, token=token({}))
    code = """
        const told = [];
        const options = {progressCallback: (each) => told.push(each)};
        const result = await connectSocket().load({measures: ['Slow.total']}, options);
        return [result.rawData()[0]['Slow.total'], told.length];
    """
    total, told = javascript(client, code)
    assert int(total) > 0
    assert told == 0
    assert service._data_sources["default"].driver.runs == 1


def test_a_heartbeat_neither_repeats_a_load_nor_ends_it(
    javascript: Any, run: Any, make_service: Any, token: Any
) -> None:
    """The client sends again whatever is open, here every half second; perhaps just when the answer is on its way."""
    service = make_service(limit=1, wait=0.05, cache_size=10**6)
    client = run(service, token=token({}))
    code = """
        const api = connectSocket({heartBeatInterval: 0.5});
        const blocked = api.load({measures: ['Slow.total']});
        const counted = api.load({measures: ['Sales.count']});
        await sleep(2);
        return [(await blocked).rawData().length, (await counted).rawData().length];
    """
    assert javascript(client, code) == [1, 1]
    assert service._data_sources["default"].driver.runs == 2


def test_a_subscription_hears_of_changes_and_of_nothing_else(
    javascript: Any, run: Any, make_service: Any, token: Any
) -> None:
    service = make_service(writable=True)
    client = run(service, token=token({}), sockets=SocketSettings(interval=0.05))
    driver = service._data_sources["default"].driver
    code = """
        const api = connectSocket();
        const heard = calls();
        const subscription = api.subscribe({measures: ['Users.count']}, {}, heard.take);
        const answers = [];
        for (let round = 0; round < 2; round += 1) {
          const [error, result] = await heard.next();
          answers.push(error ? error.message : result.rawData()[0]['Users.count']);
        }
        await sleep(1);
        await subscription.unsubscribe();
        return [answers, heard.values.length];
    """
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(javascript, client, code)
        wait_for(lambda: driver.runs >= 3)  # the first answer has left, others have been found equal
        insert = Statement("INSERT INTO public.users SELECT 1000, 'x', 'y', now()::TIMESTAMP")
        client.server.run(driver.execute(Job("change", "change", insert)))
        assert listening.result() == [["700", "701"], 0]


def test_unsubscribing_ends_it(javascript: Any, run: Any, make_service: Any, token: Any) -> None:
    client = run(make_service(), token=token({}), sockets=SocketSettings(interval=0.05))
    code = """
        const heard = calls();
        const subscription = connectSocket().subscribe({measures: ['Users.count']}, {}, heard.take);
        await heard.next();
        await sleep(1);  // within a tenth of a second of an answer the client forgets to tell the server
        await subscription.unsubscribe();
        await sleep(5);
        return 1;
    """
    sockets = client.server.site.sockets
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(javascript, client, code)
        wait_for(lambda: sockets._subscriptions)
        wait_for(lambda: not sockets._subscriptions)
        assert sockets._open
        assert listening.result() == 1


def test_a_message_that_is_too_large_fails_its_load(
    javascript: Any, run: Any, make_service: Any, token: Any
) -> None:
    client = run(make_service(), token=token({}), max_request_size=100_000)
    code = """
        const values = Array.from({length: 20000}, (_, index) => `status ${index}`);
        const filters = [{member: 'Sales.status', operator: 'equals', values}];
        return refusal(connectSocket().load({measures: ['Sales.count'], filters}));
    """
    refused = javascript(client, code)
    assert (refused["status"], refused["message"]) == (413, "message too big")
