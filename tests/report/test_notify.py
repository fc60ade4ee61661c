"""The webhook: sent, sent again, and never in the way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from crawler.core.errors import ConfigError
from crawler.core.settings import FetchSettings
from crawler.fetch.side import guarded_post
from crawler.report.notify import ATTEMPTS, address_of, send_webhook

POST = guarded_post(FetchSettings(), seconds=5.0)


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """A webhook on loopback that answers with these statuses, the last one for ever."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(statuses[min(len(got), len(statuses)) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", got
        finally:
            server.shutdown()
            thread.join()


def test_a_document_is_posted_once_when_it_arrives() -> None:
    with receiver(204) as (url, got):
        assert send_webhook(url, b'{"a":1}', POST) == ""
    assert got == [b'{"a":1}']


def test_a_server_that_is_busy_is_asked_again() -> None:
    waits: list[float] = []
    with receiver(503, 200) as (url, got):
        assert send_webhook(url, b"{}", POST, sleep=waits.append) == ""
    assert (len(got), len(waits)) == (2, 1)


def test_a_refusal_is_told_and_not_repeated() -> None:
    with receiver(403) as (url, got):
        assert send_webhook(url, b"{}", POST) == "it answered 403"
    assert len(got) == 1


def test_a_receiver_that_never_recovers_is_given_up_with_a_line() -> None:
    with receiver(500) as (url, got):
        assert send_webhook(url, b"{}", POST, sleep=lambda _: None) == "it answered 500"
    assert len(got) == ATTEMPTS


def test_a_receiver_that_is_not_there_is_a_line_and_no_exception() -> None:
    assert "connection refused" in send_webhook("http://127.0.0.1:1/", b"{}", POST, sleep=lambda _: None)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "http://168.63.129.16/x", "http://[::ffff:169.254.169.254]/"]
)
def test_no_configuration_leads_a_webhook_to_a_clouds_metadata(url: str) -> None:
    assert "not public" in send_webhook(url, b"{}", POST, sleep=lambda _: None)


def test_a_webhooks_name_must_be_public_unless_the_user_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crawler.fetch.guard._look_up", lambda host: [(None, None, 0, "", ("127.0.0.1", 0))])
    with receiver(204) as (url, got):
        port = int(url.split(":")[2].split("/")[0])
        assert "not public" in send_webhook(f"http://sly.example:{port}/x", b"{}", POST, sleep=lambda _: None)
        rule = guarded_post(FetchSettings(resolve={"hook.example:80": f"127.0.0.1:{port}"}), seconds=5.0)
        assert send_webhook("http://hook.example/x", b"{}", rule) == ""
    assert got == [b"{}"]


def test_the_address_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://example.org/secret")
    assert address_of("env:HOOK") == "https://example.org/secret"
    assert address_of("https://example.org/x") == "https://example.org/x"
    with pytest.raises(ConfigError, match="NOPE is not set"):
        address_of("env:NOPE")
    monkeypatch.setenv("FTP", "ftp://x/secret")
    with pytest.raises(ConfigError, match=r"FTP holds no http\(s\) URL$"):
        address_of("env:FTP")
