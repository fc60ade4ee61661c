"""The stand-in web answers as its plan says, breaks as its plan says, and is gone when its block ends."""

import gzip
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import h11
import pytest
import trio

from crawler.testing.answer import ALWAYS, Fault, StandInAnswer, StandInPlan, Wall, broken, redirect
from crawler.testing.web import Web, open_web, serving

PLAN = StandInPlan(
    answers={
        "https://blog.example/post": StandInAnswer(
            b"<title>post</title>", etag='"v1"', last_modified="Mon, 05 Jan 2026 08:00:00 GMT"
        ),
        "https://blog.example/old": redirect("https://blog.example/post", 301),
        "http://blog.example/": redirect("https://blog.example/"),
        "https://blog.example/": StandInAnswer(b"home"),
        "https://blog.example/flaky": StandInAnswer(b"healed", fail_first=2, fail_with=StandInAnswer(status=503)),
        "https://blog.example/packed": StandInAnswer(b"packed" * 100, encoding="gzip"),
        "https://blog.example/slow": StandInAnswer(b"drop by drop" * 20, drip=0.001),
        "https://blog.example/endless": StandInAnswer(endless=1 << 20),
        "https://blog.example/echo": StandInAnswer(lambda request: request.header("x-name").encode()),
        "https://faulty.example/reset": broken(Fault.RESET),
        "https://faulty.example/hang": broken(Fault.HANG),
        "https://faulty.example/garbage": broken(Fault.GARBAGE),
        "https://faulty.example/truncate": broken(Fault.TRUNCATE),
        "https://例子.example/路径?问=答": StandInAnswer(b"idn"),
        "http://port.example:8080/": StandInAnswer(b"own port"),
        "https://walled.example/": StandInAnswer(b"in"),
    },
    walls={"walled.example": Wall(requests=2, per=60.0, answer=StandInAnswer(b"prove that you are human"))},
    refused=frozenset({"refused.example"}),
    untrusted=frozenset({"stranger.example"}),
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(PLAN, tmp_path_factory.mktemp("web") / "ca.pem") as web:
        yield web


def connect(web: Web, host: str, scheme: str = "https") -> socket.socket:
    """A connection as a crawler makes it: to where `resolve` says, trusting `ca_bundle` only."""
    where = host if ":" in host else f"{host}:{443 if scheme == 'https' else 80}"
    address, port = web.resolve[where].split(":")
    raw = socket.create_connection((address, int(port)), timeout=5)
    if scheme == "http":
        return raw
    try:
        return ssl.create_default_context(cafile=str(web.ca_bundle)).wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def ask(web: Web, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one GET on a connection of its own."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    client = h11.Connection(h11.CLIENT)
    fields = [("Host", host), *((name.replace("_", "-"), value) for name, value in headers.items())]
    with connect(web, host, scheme) as stream:
        stream.sendall(client.send(h11.Request(method="GET", target=slash + path or "/", headers=fields)) or b"")
        client.send(h11.EndOfMessage())
        response, body = None, b""
        while True:
            event = client.next_event()
            match event:
                case h11.NEED_DATA:
                    client.receive_data(stream.recv(65536))
                case h11.Response():
                    response = event
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    assert response is not None
                    return response.status_code, {k.decode(): v.decode() for k, v in response.headers}, body
                case _:
                    raise AssertionError(event)


def test_a_url_of_the_plan_answers_over_tls_that_its_own_authority_vouches_for(web: Web) -> None:
    status, headers, body = ask(web, "https://blog.example/post")

    assert (status, body) == (200, b"<title>post</title>")
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_a_url_outside_the_plan_is_not_found(web: Web) -> None:
    assert ask(web, "https://blog.example/nothing")[0] == 404


def test_plain_and_tls_may_answer_differently_and_stand_in_for_each_other(web: Web) -> None:
    assert ask(web, "http://blog.example/")[:2] == (302, ask(web, "http://blog.example/")[1])
    assert ask(web, "https://blog.example/")[2] == b"home"
    assert ask(web, "http://blog.example/post")[0] == 200


def test_a_redirect_names_its_target(web: Web) -> None:
    status, headers, _ = ask(web, "https://blog.example/old")

    assert (status, headers["location"]) == (301, "https://blog.example/post")


def test_a_validator_that_still_holds_costs_no_body(web: Web) -> None:
    assert ask(web, "https://blog.example/post", If_None_Match='"v1"')[::2] == (304, b"")
    assert ask(web, "https://blog.example/post", If_Modified_Since="Mon, 05 Jan 2026 08:00:00 GMT")[0] == 304
    assert ask(web, "https://blog.example/post", If_None_Match='"v0"')[0] == 200


def test_first_requests_fail_and_later_ones_are_healed(web: Web) -> None:
    assert [ask(web, "https://blog.example/flaky")[0] for _ in range(4)] == [503, 503, 200, 200]


def test_a_body_is_packed_only_for_clients_that_say_they_unpack_it(web: Web) -> None:
    assert gzip.decompress(ask(web, "https://blog.example/packed", Accept_Encoding="gzip, br")[2]) == b"packed" * 100
    assert ask(web, "https://blog.example/packed")[2] == b"packed" * 100


def test_a_slow_body_and_an_endless_one_arrive_whole(web: Web) -> None:
    assert ask(web, "https://blog.example/slow")[2] == b"drop by drop" * 20
    assert len(ask(web, "https://blog.example/endless")[2]) == 1 << 20


def test_a_body_may_be_made_from_its_request(web: Web) -> None:
    assert ask(web, "https://blog.example/echo", X_Name="reader")[2] == b"reader"


def test_faults_break_the_exchange_each_in_its_own_way(web: Web) -> None:
    with pytest.raises(ConnectionResetError):
        ask(web, "http://faulty.example/reset")  # over TLS Python tells a reset as a mere end
    with pytest.raises(h11.RemoteProtocolError):
        ask(web, "https://faulty.example/garbage")
    with pytest.raises((h11.RemoteProtocolError, ssl.SSLEOFError)):
        ask(web, "https://faulty.example/truncate")


def test_a_hanging_url_sends_nothing_while_others_are_served(web: Web) -> None:
    with connect(web, "faulty.example") as stream:
        stream.sendall(b"GET /hang HTTP/1.1\r\nHost: faulty.example\r\n\r\n")
        stream.setblocking(False)
        assert ask(web, "https://blog.example/")[0] == 200
        with pytest.raises(ssl.SSLWantReadError):
            stream.recv(1)


def test_an_idn_host_is_served_under_its_ascii_name(web: Web) -> None:
    assert ask(web, "https://xn--fsqu00a.example/%E8%B7%AF%E5%BE%84?%E9%97%AE=%E7%AD%94")[2] == b"idn"


def test_a_host_may_have_a_port_of_its_own(web: Web) -> None:
    assert ask(web, "http://port.example:8080/")[2] == b"own port"


def test_a_wall_rises_after_its_number_of_requests(web: Web) -> None:
    bodies = [ask(web, "https://walled.example/")[2] for _ in range(3)]

    assert bodies == [b"in", b"in", b"prove that you are human"]


def test_a_refusing_host_and_an_untrusted_one_fail_before_any_request(web: Web) -> None:
    with pytest.raises(ConnectionRefusedError):
        ask(web, "https://refused.example/")
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(web, "https://stranger.example/")


def test_every_request_is_logged_with_time_host_path_and_headers(web: Web) -> None:
    ask(web, "https://blog.example/post?logged=1", User_Agent="tester")

    (request,) = web.asked("https://blog.example/post?logged=1")
    assert (request.host, request.target, request.method) == ("blog.example", "/post?logged=1", "GET")
    assert (request.status, request.in_flight, request.header("User-Agent")) == (404, 1, "tester")
    assert request.at > 0


def test_the_world_can_change_while_the_web_runs(web: Web) -> None:
    web.put("https://blog.example/mortal", StandInAnswer(b"alive"))
    before = ask(web, "https://blog.example/mortal")[0]
    web.put(
        "https://blog.example/mortal", StandInAnswer(status=410, fail_first=ALWAYS, fail_with=StandInAnswer(status=410))
    )

    assert (before, ask(web, "https://blog.example/mortal")[0]) == (200, 410)


async def test_nothing_listens_after_the_block_even_with_a_client_hanging(tmp_path: Path) -> None:
    async with open_web(PLAN, tmp_path / "ca.pem") as web:
        address, port = web.resolve["faulty.example:80"].split(":")
        stream = await trio.open_tcp_stream(address, int(port))
        await stream.send_all(b"GET /hang HTTP/1.1\r\nHost: faulty.example\r\n\r\n")

    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream(address, int(port))
    await stream.aclose()
