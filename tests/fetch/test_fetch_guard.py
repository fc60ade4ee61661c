"""Which addresses may be connected to, and how names become addresses."""

import socket
import threading
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
import trio
import trio.testing
from fetch_web import loopback, ok, saying, server
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import ConfigError
from crawler.core.model import Failure
from crawler.fetch import connect
from crawler.fetch.errors import NO_DATA, WebError
from crawler.fetch.guard import DNS_TTL, Guard, Resolver, connect_to, is_public, system_resolver

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "168.63.129.16",  # Azure's own, public by the registry
    "::ffff:168.63.129.16",
    "64:ff9b::a83f:8110",
    "161.26.0.10",  # IBM Cloud's own
    "166.9.12.1",
    "100.100.100.200",  # Alibaba's
    "192.0.0.192",  # Oracle's
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # the deprecated IPv4-compatible form
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001::1",  # Teredo
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]
PUBLIC = [
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "223.255.255.255",
    "168.63.129.17",
    "166.7.255.255",
    "2606:4700:4700::1111",
    "240e:ff:e020:99b::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_let_through(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_what_python_calls_private_is_not_public(ip: IPv4Address | IPv6Address) -> None:
    disguised = isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip in IPv6Network("64:ff9b::/96"))
    special = ip.is_private or ip.is_multicast or ip.is_loopback or ip.is_link_local or ip.is_reserved
    assert disguised or not (special and is_public(str(ip)))


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_as_itself(ip: IPv4Address) -> None:
    number = int(ip)
    for disguise in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert is_public(str(IPv6Address(disguise))) is is_public(str(ip))


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    assert is_public(text) in (True, False)


def answering(*addresses: str) -> Resolver:
    async def resolver(host: str) -> list[str]:
        return list(addresses)

    return resolver


async def test_private_addresses_of_a_name_are_left_out() -> None:
    guard = Guard(answering("10.0.0.1", "1.1.1.1", "::1"))
    assert (await guard.route("one.example", 443)).addresses == ("1.1.1.1",)


async def test_a_name_with_private_addresses_only_is_refused() -> None:
    with pytest.raises(WebError, match=r"one\.example is at 10\.0\.0\.1, which is not public"):
        await Guard(answering("10.0.0.1")).route("one.example", 443)


async def test_names_are_looked_up_once_in_a_while(autojump_clock) -> None:
    asked = []

    async def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"]

    guard = Guard(resolver)
    for _ in range(3):
        await guard.route("one.example", 80)
    await trio.sleep(DNS_TTL + 1)
    await guard.route("one.example", 80)
    assert asked == ["one.example"] * 2


@pytest.mark.parametrize(
    ("rules", "asked", "expected"),
    [
        ({"a.example:443": "127.0.0.1:8443"}, ("a.example", 443), (("127.0.0.1",), 8443)),
        ({"a.example:443": "127.0.0.1"}, ("a.example", 443), (("127.0.0.1",), 443)),
        ({"a.example": "127.0.0.1:8443"}, ("a.example", 80), (("127.0.0.1",), 8443)),
        ({"*:443": "127.0.0.1:1"}, ("b.example", 443), (("127.0.0.1",), 1)),
        ({":443": "127.0.0.1:1"}, ("b.example", 443), (("127.0.0.1",), 1)),
        ({"*": "127.0.0.1:1"}, ("b.example", 80), (("127.0.0.1",), 1)),
        ({"a.example:443": ":8443"}, ("a.example", 443), (("9.9.9.9",), 8443)),
        ({"A.Example:443": "[::1]:8443"}, ("a.example", 443), (("::1",), 8443)),
        ({"[::1]:80": "127.0.0.1"}, ("::1", 80), (("127.0.0.1",), 80)),
        ({"a.example:443": "127.0.0.1:1"}, ("a.example", 80), (("9.9.9.9",), 80)),
        ({"a.example:443": "1.1.1.1:1", "*": "2.2.2.2:2"}, ("a.example", 443), (("1.1.1.1",), 1)),
        ({"*": "2.2.2.2:2", "a.example:443": "1.1.1.1:1"}, ("a.example", 443), (("2.2.2.2",), 2)),
    ],
)
async def test_resolve_works_as_curls_connect_to(
    rules: dict[str, str], asked: tuple[str, int], expected: tuple[tuple[str, ...], int]
) -> None:
    route = await Guard(answering("9.9.9.9"), connect_to(rules)).route(*asked)
    assert (route.addresses, route.port) == expected


@pytest.mark.parametrize("rule", ["a:b", "a:70000", "a:-1"])
def test_a_resolve_rule_that_cannot_be_is_a_wrong_configuration(rule: str) -> None:
    with pytest.raises(ConfigError, match="resolve"):
        connect_to({"x:1": rule})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://０.0.0.0/",
        "http://localhost/",
        "https://sly.example/",
    ],
)
async def test_every_spelling_of_a_private_address_is_refused(url: str) -> None:
    async def resolver(host: str) -> list[str]:
        return ["127.0.0.1"]

    async with loopback(allow_private=False, resolver=resolver) as fetcher:
        fetch = await fetcher(url)
    assert fetch.failure is Failure.NOT_PUBLIC
    assert fetch.requests == 0


async def test_a_redirect_to_a_private_address_is_told_apart() -> None:
    async with server(saying(ok(b"", "Location: http://10.0.0.1/secret", status="302 Found"))) as port:
        rule = {"one.example": f"127.0.0.1:{port}"}
        async with loopback(allow_private=False, resolve=rule) as fetcher:
            fetch = await fetcher("http://one.example/")
    assert fetch.failure is Failure.REDIRECTED_TO_PRIVATE
    assert fetch.final_url == "http://10.0.0.1/secret"
    assert [hop.url for hop in fetch.redirects] == ["http://one.example/"]


async def test_a_name_that_turns_private_between_two_requests_is_refused() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.1"]])

    async def resolver(host: str) -> list[str]:
        return next(answers)

    async with (
        server(saying(ok(b"", "Location: http://two.example/", "Connection: close", status="302 Found"))) as port,
        loopback(allow_private=False, resolver=resolver, resolve={"one.example:80": f"one.example:{port}"}) as fetcher,
    ):
        fetch = await fetcher("http://one.example/")
    assert fetch.failure is Failure.REDIRECTED_TO_PRIVATE


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async with (
        server(saying(ok())) as port,
        loopback(resolver=answering("::1", "127.0.0.2", "127.0.0.1")) as fetcher,
    ):
        fetch = await fetcher(f"http://one.example:{port}/")
    assert fetch.body == b"hello"


async def test_an_address_that_never_answers_does_not_hold_up_the_next(autojump_clock, monkeypatch) -> None:
    connect_one = connect._connect_one

    async def black_hole(address: str, port: int) -> trio.SocketStream:
        if address == "192.0.2.1":
            await trio.sleep_forever()
        return await connect_one(address, port)

    monkeypatch.setattr(connect, "_connect_one", black_hole)
    async with server(saying(ok())) as port, loopback(resolver=answering("192.0.2.1", "127.0.0.1")) as fetcher:
        fetch = await fetcher(f"http://one.example:{port}/")
    assert fetch.body == b"hello"


async def test_all_addresses_refusing_is_a_refusal() -> None:
    async with loopback(resolver=answering("127.0.0.2", "127.0.0.1")) as fetcher:
        fetch = await fetcher("http://one.example:1/")
    assert fetch.failure is Failure.REFUSED


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
async def test_names_that_no_resolver_would_take_do_not_exist(host: str) -> None:
    with pytest.raises(socket.gaierror):
        await system_resolver()(host)
    async with loopback() as fetcher:
        fetch = await fetcher(f"http://{host}/")
    assert fetch.failure is Failure.NO_SUCH_HOST


async def test_a_resolver_that_hangs_is_a_timeout(autojump_clock) -> None:
    async def resolver(host: str) -> list[str]:
        await trio.sleep_forever()
        return []

    async with loopback(resolver=resolver) as fetcher:
        fetch = await fetcher("http://one.example/")
    assert fetch.failure is Failure.TIMEOUT
    assert fetch.error == "timed out while connecting"


@pytest.mark.parametrize("port", [0, 22, 25, 143, 465, 587, 993, 2049, 6000, 6667, 10080])
async def test_ports_that_browsers_refuse_are_never_connected_to(port: int) -> None:
    asked: list[str] = []

    async def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"]

    async with loopback(allow_private=False, resolver=resolver) as fetcher:
        fetch = await fetcher(f"http://one.example:{port}/")
    assert (fetch.failure, fetch.requests, asked) == (Failure.NOT_PUBLIC, 0, [])
    assert f"port {port}" in fetch.error


async def test_a_redirect_to_such_a_port_is_no_better_and_a_rule_of_the_users_may_use_it() -> None:
    moved = ok(b"", "Location: http://one.example:25/", status="302 Found")
    async with server(saying(moved)) as port:
        rule = {"one.example:80": f"127.0.0.1:{port}"}
        async with loopback(allow_private=False, resolve=rule) as fetcher:
            assert (await fetcher("http://one.example/")).failure is Failure.REDIRECTED_TO_PRIVATE
    async with server(saying(ok())) as port:
        rule = {"one.example:25": f"127.0.0.1:{port}"}
        async with loopback(allow_private=False, resolve=rule) as fetcher:
            assert (await fetcher("http://one.example:25/")).status == 200


def failing(number: int) -> Resolver:
    async def resolver(host: str) -> list[str]:
        raise socket.gaierror(number, "why")

    return resolver


@pytest.mark.parametrize(
    ("resolver", "failure"),
    [
        (failing(socket.EAI_NONAME), Failure.NO_SUCH_HOST),
        (failing(socket.EAI_AGAIN), Failure.DNS),
        (failing(socket.EAI_FAIL), Failure.DNS),
        (failing(NO_DATA), Failure.DNS),
        (answering(), Failure.DNS),
    ],
)
async def test_a_name_that_does_not_exist_is_told_from_one_that_could_not_be_looked_up(
    resolver: Resolver, failure: Failure
) -> None:
    async with loopback(resolver=resolver) as fetcher:
        fetch = await fetcher("http://one.example/")
    assert fetch.failure is failure
    assert failure.reason == "dns-failure"


async def test_refused_is_said_where_every_address_refused(monkeypatch) -> None:
    errors = {"192.0.2.1": ConnectionRefusedError(111, "refused"), "192.0.2.2": ConnectionResetError(104, "reset")}

    async def fail(address: str, port: int) -> trio.SocketStream:
        raise errors[address]

    monkeypatch.setattr(connect, "_connect_one", fail)
    async with loopback(resolver=answering("192.0.2.1", "192.0.2.2")) as fetcher:
        assert (await fetcher("http://one.example/")).failure is Failure.RESET
    async with loopback(resolver=answering("192.0.2.1", "192.0.2.1")) as fetcher:
        assert (await fetcher("http://one.example/")).failure is Failure.REFUSED


async def test_name_servers_that_never_answer_hold_up_nobody_else(monkeypatch) -> None:
    release = threading.Event()

    def look_up(host: str) -> list[tuple[object, object, int, str, tuple[str, int]]]:
        if "tarpit" in host:
            release.wait(30)
        return [(None, None, 0, "", ("1.1.1.1", 0))]

    monkeypatch.setattr("crawler.fetch.guard._look_up", look_up)
    resolve = system_resolver()
    try:
        async with trio.open_nursery() as nursery:
            for n in range(300):
                nursery.start_soon(resolve, f"{n}.tarpit.example")
                nursery.start_soon(resolve, f"{n}.tarpit.com.cn")
                nursery.start_soon(resolve, f"{n}.tarpit.github.io")
                nursery.start_soon(resolve, f"tarpit-{n}.github.io")
            await trio.testing.wait_all_tasks_blocked(0.05)
            with trio.fail_after(5):
                assert await resolve("www.other.example.org") == ["1.1.1.1"]
                assert await resolve("other.com.cn") == ["1.1.1.1"]
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):  # given up, and still hanging
            assert await resolve("www.other.example.org") == ["1.1.1.1"]
        with trio.move_on_after(0.2) as scope:
            await resolve("one.more.tarpit.example")
        assert scope.cancelled_caught
    finally:
        release.set()
