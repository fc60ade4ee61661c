"""Messages through Apprise: they arrive, they name no secret, and they are never in the way."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crawler.core.errors import ConfigError
from crawler.report.messages import Receiver, receivers_of, send_messages

SECRET = "s3cr3t-p4ssw0rd"


class Mailbox:
    """A mail server on loopback with what was delivered to it."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.mails: list[EmailMessage] = []
        self.logins: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.password)
        return AuthResult(success=True)


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=port, authenticator=mailbox.login, auth_require_tls=False
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def address(port: int, more: str = "") -> str:
    return (
        f"mailto://me:{SECRET}@127.0.0.1:{port}?smtp=127.0.0.1&from=me@example.org&to=you@example.org&format=text{more}"
    )


def test_a_mail_arrives_with_its_chinese_text_and_whole_addresses() -> None:
    mailbox = Mailbox()
    url = "https://mp.weixin.qq.com/s?" + "x" * 300
    with mail_server(mailbox) as port:
        receivers = receivers_of(["env:MAIL"], {"MAIL": address(port)})
        assert send_messages(receivers, "链接：2 个失效", f"词向量的前世今生 <b>\n  {url}\n") == []
    (mail,) = mailbox.mails
    assert mail["subject"] == "链接：2 个失效"
    text = mail.get_content()
    assert "词向量的前世今生 <b>" in text
    assert url in text
    assert mailbox.logins == [SECRET.encode()]


def test_a_mail_that_is_refused_is_a_line_without_the_secret(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with mail_server(Mailbox(answer="554 no")) as port:
        receivers = receivers_of(["env:MAIL"], {"MAIL": address(port)})
        assert send_messages(receivers, "t", "b") == ["env:MAIL (mailto): it did not take the message"]
    out, err = capfd.readouterr()
    assert SECRET not in out + err + caplog.text + repr(receivers)


def test_a_server_that_is_not_there_is_a_line() -> None:
    receivers = receivers_of([address(1)], {})
    assert send_messages(receivers, "t", "b") == ["address 1 (mailto): it did not take the message"]


def test_a_service_that_never_answers_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    class Hanging:
        overflow_mode = ""

        def notify(self, **_: object) -> bool:
            return free.wait(10)

    receivers = [Receiver("env:SLOW (mailto)", "mailto://x")]
    monkeypatch.setattr("crawler.report.messages._instance", lambda apprise, receiver: Hanging())
    try:
        assert send_messages(receivers, "t", "b", seconds=0.05) == ["env:SLOW (mailto): no answer within 0.05 s"]
    finally:
        free.set()


def test_a_chat_bot_on_loopback_gets_title_and_text() -> None:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            receivers = receivers_of([f"json://127.0.0.1:{server.server_port}/hook"], {})
            assert send_messages(receivers, "2 died", "词向量") == []
        finally:
            server.shutdown()
            thread.join()
    said = json.loads(got[0])
    assert (said["title"], said["message"]) == ("2 died", "词向量")


def test_a_variable_may_hold_several_addresses() -> None:
    receivers = receivers_of(["env:ALL"], {"ALL": "json://127.0.0.1:1/a\n  jsons://127.0.0.1:1/b"})
    assert [receiver.label for receiver in receivers] == ["env:ALL (json)", "env:ALL (jsons)"]


@pytest.mark.parametrize(
    ("urls", "environ", "why"),
    [
        (["env:NOPE"], {}, "NOPE is not set"),
        (["env:BAD"], {"BAD": f"mailtoo://me:{SECRET}@example.org"}, r"env:BAD \(mailtoo\) is no address"),
        ([f"{SECRET}"], {}, r"address 1 \(no scheme\) is no address"),
        (["tgram://x"], {}, r"address 1 \(tgram\) is no address"),
    ],
)
def test_addresses_that_cannot_work_are_errors_that_name_no_secret(
    urls: list[str], environ: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigError, match=why) as error:
        receivers_of(urls, environ)
    assert SECRET not in str(error.value)


def test_without_apprise_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"linkhealth-crawler\[notify\]"):
        receivers_of(["json://127.0.0.1/"], {})
