"""Every failing verdict says what it is knowledge of; nothing else claims to be."""

from datetime import UTC, datetime

import pytest

from crawler.core.model import Cut, Failure, Fetch, Link, Proof, Redirect, State, Verdict
from crawler.judge import judge
from crawler.page.document import Document

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://example.org/a/b"
LINK = Link(URL, URL, URL, "other", "example.org", "example.org")
HTML = (("Content-Type", "text/html"),)


def judged(fetch: Fetch) -> Verdict:
    return judge(LINK, fetch, Document(fetch.body, fetch.header("content-type"), fetch.final_url), None)


def answered(status: int, body: bytes = b"<title>x</title>", cut: Cut = Cut.NOT) -> Verdict:
    return judged(Fetch(URL, URL, NOW, status=status, headers=HTML, body=body, cut=cut))


@pytest.mark.parametrize("status", [*range(300, 600), 600, 799, 999])
def test_every_status_that_fails_has_its_proof_and_no_other_has(status: int) -> None:
    verdict = answered(status)
    failing = verdict.state in (State.DEAD, State.SUSPECT)
    assert (verdict.evidence.proof is not None) == (failing or verdict.reason == "unexpected-status")
    if verdict.state is State.DEAD:
        assert (status in (404, 410), verdict.evidence.proof) == (True, Proof.PAGE)


@pytest.mark.parametrize("status", [400, 408, 409, 411, 414, 416, 421, 422, 425, 426, 428, 431, 499])
def test_other_4xx_are_of_the_client(status: int) -> None:
    assert (answered(status).state, answered(status).evidence.proof) == (State.SUSPECT, Proof.CLIENT)


def test_511_is_said_to_be_the_network() -> None:
    verdict = answered(511, b"<title>Log in to the network</title>")
    assert (verdict.state, verdict.reason, verdict.evidence.proof) == (State.SUSPECT, "captive-portal", Proof.WAY)


def test_a_challenge_under_a_server_error_is_a_wall() -> None:
    body = b"<title>Just a moment...</title><script>window._cf_chl_opt={}</script>"
    assert {answered(status, body).state for status in (500, 501, 503, 505)} == {State.BLOCKED}


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_has_its_proof(failure: Failure) -> None:
    verdict = judged(Fetch(URL, URL, NOW, failure=failure, error="why"))
    assert (verdict.evidence.proof is None) == (verdict.state is State.UNCHECKED)


def test_a_missing_name_is_of_the_host_and_a_silent_name_server_of_the_way() -> None:
    def proof(failure: Failure, error: str) -> Proof | None:
        return judged(Fetch(URL, URL, NOW, failure=failure, error=error)).evidence.proof

    assert proof(Failure.NO_SUCH_HOST, "") is Proof.HOST
    assert proof(Failure.DNS, "no such host") is Proof.HOST
    assert proof(Failure.DNS, "name lookup failed for now: SERVFAIL") is Proof.WAY


def test_an_impossible_target_of_a_redirect_is_not_the_notes_malformed_url() -> None:
    hop = (Redirect(302, URL),)
    verdict = judged(Fetch(URL, "http://[", NOW, failure=Failure.MALFORMED_URL, redirects=hop))
    assert (verdict.state, verdict.evidence.proof) == (State.SUSPECT, Proof.CLIENT)
    assert judged(Fetch(URL, URL, NOW, failure=Failure.MALFORMED_URL)).state is State.DEAD


def test_what_was_cut_is_no_knowledge_of_anything() -> None:
    for body in (b"<title>404 Not Found</title>", b"<html><head>", b"<title>This domain is for sale</title>"):
        found = answered(200, body, Cut.RESET)
        assert (found.state, found.evidence.proof) == (State.UNKNOWN, None)
    assert answered(404, b"<title>Not", Cut.TIMEOUT).state is State.DEAD


@pytest.mark.parametrize("target", ["weixin://dl/x", "mailto:a@example.org", "javascript:history.back()"])
def test_a_redirect_out_of_the_web_was_asked_and_is_of_the_client(target: str) -> None:
    hops = (Redirect(302, target),)
    verdict = judged(Fetch(URL, target, NOW, failure=Failure.UNSUPPORTED_SCHEME, redirects=hops))
    assert (verdict.state, verdict.evidence.proof) == (State.SUSPECT, Proof.CLIENT)
    unasked = judged(Fetch(URL, URL, NOW, failure=Failure.UNSUPPORTED_SCHEME))
    assert (unasked.state, unasked.evidence.proof) == (State.UNCHECKED, None)


@pytest.mark.parametrize(
    "target", ["/error.aspx?aspxerrorpath=/a/b&code=404", "/error?404", "/errors.html?e=not-found"]
)
def test_a_page_for_errors_that_is_told_of_a_404_is_no_page(target: str) -> None:
    end = f"https://example.org{target}"
    body = b"<title>Ferries</title><p>" + b"The ferry crosses the river every day. " * 40
    fetch = Fetch(URL, end, NOW, status=200, headers=HTML, body=body, redirects=(Redirect(302, end),))
    assert (judged(fetch).state, judged(fetch).reason) == (State.SUSPECT, "soft-404")
