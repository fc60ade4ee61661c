"""Sealed segments in an object store, through the real command line, against an S3 stand-in (moto) on loopback."""

from __future__ import annotations

import contextlib
import gzip
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.archive.objects import PART, ObjectStore, measured
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytest.importorskip("obstore", reason="the extra s3 is not installed")
pytest.importorskip("moto", reason="moto, the S3 stand-in, is not installed")
pytestmark = pytest.mark.slow

KEY, SECRET = "AKIDSTANDIN", "stand-in-s3cr3t"
ARTICLE = Article(
    "https://mp.weixin.qq.com/s/E2Ebucket00000000000_1", "井与绳", "丁", ("井很深。", "绳子够长。"), account="井边"
)
PATIENCE = 120.0  # seconds for a busy machine
LATER = replace(ARTICLE, paragraphs=("井很深。", "今年绳子短了。"))
# The real command line with one thing of it changed: PATCH, then the command.
PATCHED = "import sys\nsys.argv[0] = 'crawler'\n{}\nfrom crawler.cli import main\nmain()"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 stand-in; it lives as long as the tests of this file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Bucket:
    """A bucket of the stand-in, seen from outside of the crawler."""

    def __init__(self, endpoint: str, name: str) -> None:
        import boto3

        self.name = name
        self.url = f"s3://{name}/notes"
        self._client: Any = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET
        )
        self._client.create_bucket(Bucket=name)

    def names(self) -> list[str]:
        found = self._client.list_objects_v2(Bucket=self.name, Prefix="notes/").get("Contents", [])
        return [one["Key"].removeprefix("notes/") for one in found]

    def read(self, name: str) -> bytes:
        data: bytes = self._client.get_object(Bucket=self.name, Key=f"notes/{name}")["Body"].read()
        return data

    def write(self, name: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=f"notes/{name}", Body=data)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, s3: str) -> None:
    for name, value in {"ACCESS_KEY_ID": KEY, "SECRET_ACCESS_KEY": SECRET, "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)


@pytest.fixture
def bucket(s3: str, keys: None, tmp_path: Path) -> Bucket:
    return Bucket(s3, f"bucket-{abs(hash(str(tmp_path)))}")


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """One run without a store; the next one, which writes .warc.gz, seals what it wrote."""
    stage = staged(StandInPlan({ARTICLE.url: StandInAnswer(pages.weixin_article(ARTICLE))}), {})
    stage.note("well.md", f"{ARTICLE.url}\n")
    assert stage.crawler("run").returncode == 0
    stage.web.put(ARTICLE.url, StandInAnswer(pages.weixin_article(LATER)))
    return stage


def use(stage: Stage, url: str, **others: Any) -> None:
    stage.configure({"archive": {"store": url, "codec": "gz", **others}})


def local(stage: Stage) -> list[str]:
    return sorted(file.name for file in (stage.folder / "archive" / "segments").iterdir())


def patched(stage: Stage, patch: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", PATCHED.format(patch), *arguments]
    return subprocess.run(command, cwd=stage.folder, capture_output=True, text=True, timeout=60, check=False)


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error; no secret, and nothing of the library's own words."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("crawler: ")
    assert SECRET not in line
    assert "Debug" not in line
    return line


def test_a_run_moves_what_is_sealed_and_every_command_reads_it_from_there(stage: Stage, bucket: Bucket) -> None:
    (sealed,) = local(stage)
    whole = (stage.folder / "archive" / "segments" / sealed).read_bytes()
    use(stage, bucket.url)

    done = stage.crawler("run", "--all")

    assert done.returncode == 0, done.stderr
    assert f"segment {sealed} ({len(whole)} bytes) moved to {bucket.url}" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert bucket.names() == [sealed]
    assert bucket.read(sealed) == whole
    assert sealed not in local(stage)

    told = stage.crawler("show", ARTICLE.url).stdout
    first = next(line.split("\t")[1] for line in told.splitlines() if line.startswith("snapshot"))
    assert "绳子够长。" in stage.crawler("show", ARTICLE.url, "--text", "--snapshot", first).stdout
    assert "今年绳子短了" in stage.crawler("search", "绳子").stdout
    assert "够长" in stage.crawler("search", "够长").stdout  # the snippet of an earlier text, which lies in the store
    assert stage.crawler("rejudge").returncode == 0
    assert stage.crawler("export", "--warc", "out").returncode == 0
    assert sum("绳子够长".encode() in content_of(file) for file in (stage.folder / "out").rglob("*.warc.gz")) == 1
    done = stage.crawler("verify")
    assert done.returncode == 0, done.stderr
    assert f"1 segment at {bucket.url}: read ({len(whole):,} bytes fetched)" in done.stderr
    done = stage.crawler("verify", "--trust-store")
    assert done.returncode == 0, done.stderr
    assert "compared by size and ETag, not read" in done.stderr


def content_of(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())


def test_a_lost_folder_comes_back_from_the_store(stage: Stage, bucket: Bucket) -> None:
    use(stage, bucket.url)
    assert stage.crawler("run", "--all").returncode == 0
    (stage.folder / "archive").rename(stage.folder / "lost")
    done = stage.crawler("search", "绳子")
    assert done.returncode == 2
    assert only_line(done).endswith(f"`crawler verify --rebuild` makes one of what lies at {bucket.url}")
    done = stage.crawler("verify", "--rebuild")
    assert done.returncode == 0, done.stderr
    assert "绳子够长" in stage.crawler("search", "绳子").stdout


@pytest.mark.parametrize(
    "moment", ["crawler.archive.offload._record", "crawler.archive.tiers.TieredStore.remove"], ids=["upload", "record"]
)
def test_a_kill_behind_the_upload_or_the_record_loses_nothing(stage: Stage, bucket: Bucket, moment: str) -> None:
    (sealed,) = local(stage)
    assert stage.crawler("run", "--all", "--config", str(sealing(stage))).returncode == 0
    use(stage, bucket.url)
    module, _, name = moment.partition(".TieredStore") if "Tiered" in moment else moment.rpartition(".")
    target = f"TieredStore{name}" if "Tiered" in moment else name
    patch = f"import os, {module} as m\nm.{target} = lambda *_: os.kill(os.getpid(), 9)"
    assert patched(stage, patch, "offload").returncode == -9
    assert bucket.names() == [sealed, "writer.lock"]
    assert sealed in local(stage)

    done = stage.crawler("offload")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{sealed}\t")
    assert done.stdout.endswith("\twas there\n")
    assert sealed not in local(stage)
    assert bucket.names() == [sealed]
    assert stage.crawler("verify").returncode == 0


def sealing(stage: Stage) -> Path:
    """A configuration without a store, under which a run seals what the first one wrote."""
    return stage.configure({"archive": {"codec": "gz"}})


def test_local_copies_stay_on_request(stage: Stage, bucket: Bucket) -> None:
    before = local(stage)
    use(stage, bucket.url, keep_local=True)
    assert stage.crawler("run", "--all").returncode == 0
    assert bucket.names() == before
    assert set(before) <= set(local(stage))


def test_a_flipped_byte_in_the_store_is_damage(stage: Stage, bucket: Bucket) -> None:
    use(stage, bucket.url)
    assert stage.crawler("run", "--all").returncode == 0
    (name,) = bucket.names()
    data = bytearray(bucket.read(name))
    data[len(data) // 2] ^= 1
    bucket.write(name, bytes(data))
    done = stage.crawler("verify")
    assert done.returncode == 1
    assert f"{name} at byte" in done.stdout
    done = stage.crawler("verify", "--trust-store")
    assert done.returncode == 1
    assert "has another size or ETag" in done.stdout


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on loopback that answers everything alike; its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "PUT", "HEAD", "POST"):
        setattr(Handler, f"do_{method}", answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusing(request: BaseHTTPRequestHandler) -> None:
    body = f"<Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>".encode()
    request.send_response(403)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def test_a_store_that_refuses_is_one_line_and_the_run_is_kept(
    stage: Stage, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(stage, "s3://bucket/notes")
    with serving(refusing) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        done = stage.crawler("run", "--all", "--quiet")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("s3://bucket/notes refuses us (403 AccessDenied)") == 2  # at opening, and at the end
        assert SECRET not in done.stdout + done.stderr
        assert len(local(stage)) == 2
        assert "今年绳子短了" in stage.crawler("search", "绳子").stdout
        for command in ("offload", "verify"):
            done = stage.crawler(command, "--quiet")
            assert done.returncode == 2
            assert "refuses us (403 AccessDenied): check AWS_ACCESS_KEY_ID" in done.stderr.splitlines()[-1]
            assert SECRET not in done.stderr


def test_a_bucket_that_is_not_there_is_one_line(stage: Stage, keys: None) -> None:
    use(stage, "s3://no-such-bucket/notes")
    done = stage.crawler("verify")
    assert done.returncode == 2
    assert only_line(done).endswith("s3://no-such-bucket/notes: there is no such bucket or folder")


def test_a_store_that_hangs_ends_by_its_deadline(stage: Stage, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    use(stage, "s3://bucket/notes")
    over = threading.Event()
    hurried = "import crawler.archive.objects as o\no.TIMEOUT, o.RETRIES = 0.5, 1"

    def silent(_: BaseHTTPRequestHandler) -> None:
        over.wait(30)

    with serving(silent) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        done = patched(stage, hurried, "verify")
        assert done.returncode == 3
        assert only_line(done) == "crawler: s3://bucket/notes does not answer in time"
        done = patched(stage, hurried, "run", "--all", "--quiet")
        assert done.returncode == 0, done.stderr
        assert "does not answer in time: sealed segments stay here" in done.stderr
        over.set()
    assert len(local(stage)) == 2


def test_without_the_extra_a_run_ends_before_its_first_request(stage: Stage, keys: None) -> None:
    use(stage, "s3://bucket/notes")
    before = len(stage.web.asked(ARTICLE.url))
    done = patched(stage, "sys.modules['obstore'] = None", "run", "--all")
    assert done.returncode == 2
    assert only_line(done) == "crawler: [archive] store needs obstore: pip install 'linkhealth-crawler[s3]'"
    assert len(stage.web.asked(ARTICLE.url)) == before


def test_without_keys_one_line_says_which_are_wanted(
    stage: Stage, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(stage, bucket.url)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # no role of a machine, wherever this test runs
    done = stage.crawler("verify")
    assert done.returncode in (2, 3)
    assert bucket.url in only_line(done)


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 3)])
def test_an_upload_that_is_cut_is_done_again(
    stage: Stage, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals, code: int
) -> None:
    (sealed,) = local(stage)
    assert stage.crawler("run", "--all", "--config", str(sealing(stage))).returncode == 0
    use(stage, bucket.url)
    sending, over = threading.Event(), threading.Event()

    def silent_to_uploads(request: BaseHTTPRequestHandler) -> None:
        if request.command == "PUT":
            sending.set()
            over.wait(PATIENCE)
            return
        body = b"<ListBucketResult></ListBucketResult>" if request.command == "GET" else b""
        request.send_response(200 if body else 404)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with serving(silent_to_uploads) as address, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        with stage.start("offload") as process:
            assert sending.wait(PATIENCE)
            process.send_signal(sign)
            assert process.wait(PATIENCE) == code  # long before the deadline of the request
        over.set()
    assert sealed in local(stage)
    done = stage.crawler("offload")
    assert done.stdout.endswith("\tuploaded\n"), done.stderr
    assert bucket.names() == [sealed]


def test_a_file_that_goes_in_parts_is_checked_without_being_read_back(bucket: Bucket, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(random.Random(0).randbytes(2 * PART + 1))
    store = ObjectStore(bucket.url)
    with file.open("rb") as stream:
        made = measured(stream)
        one, sent = store.upload("a.warc.zst", stream, made)
        assert (one.etag, one.digest, sent) == (made.etag, made.digest, True)
        assert store.upload("a.warc.zst", stream, made) == (one, False)
    assert store.fetched == 0
    assert bucket.read("a.warc.zst") == file.read_bytes()
    assert store.listing().segments == {"a.warc.zst": replace(one, digest="")}


def test_offload_with_nothing_to_move_still_says_that_its_store_is_not_there(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    use(stage, f"file://{folder}")
    assert stage.crawler("offload").returncode == 0
    use(stage, f"file://{tmp_path}/misspelt")
    done = stage.crawler("offload")
    assert done.returncode == 2
    assert "misspelt" in done.stderr


HOLDING = """
import pathlib, time
from crawler.archive.objects import ObjectStore
before = ObjectStore.upload
def upload(self, *rest):
    pathlib.Path("begun").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    return before(self, *rest)
ObjectStore.upload = upload
"""


def test_of_two_writers_of_one_place_the_second_is_refused_while_the_first_writes(stage: Stage, bucket: Bucket) -> None:
    (sealed,) = local(stage)
    assert stage.crawler("run", "--all", "--config", str(sealing(stage))).returncode == 0
    use(stage, bucket.url)
    shutil.copytree(stage.folder / "archive", stage.folder / "copy")
    first = subprocess.Popen([sys.executable, "-c", PATCHED.format(HOLDING), "offload"], cwd=stage.folder)
    try:
        deadline = time.monotonic() + 60
        while not (stage.folder / "begun").exists():
            assert time.monotonic() < deadline, "the first writer did not begin"
            time.sleep(0.05)
        second = stage.crawler("offload", "--archive", "copy")
        assert second.returncode == 2
        line = only_line(second)
        assert "is being written by" in line
        assert str(stage.folder / "archive") in line
        assert (stage.folder / "copy" / "segments" / sealed).exists()
        assert bucket.names() == ["writer.lock"]
    finally:
        (stage.folder / "go").touch()
        assert first.wait(60) == 0
    second = stage.crawler("offload", "--archive", "copy")
    assert second.stdout.endswith("\twas there\n"), second.stderr
    assert bucket.names() == [sealed]
    assert stage.crawler("verify").returncode == 0
    assert stage.crawler("verify", "--archive", "copy").returncode == 0


class Forgetful:
    """A store that takes objects. It has the lock, of which it heeds conditions or not, and loses all others."""

    def __init__(self, *, heeds: bool) -> None:
        self.heeds = heeds
        self.locked = False

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        body, status = b"", 404
        is_lock = "writer.lock" in request.path
        if request.command == "PUT":
            request.rfile.read(int(request.headers["Content-Length"]))
            status = 412 if is_lock and self.locked and self.heeds else 200
            self.locked |= is_lock
        elif request.command == "POST" and "?delete" in request.path:
            request.rfile.read(int(request.headers["Content-Length"]))
            gone = b"<DeleteResult><Deleted><Key>notes/writer.lock</Key></Deleted></DeleteResult>"
            self.locked, body, status = False, gone, 200
        elif "list-type" in request.path:
            body, status = b"<ListBucketResult></ListBucketResult>", 200
        request.send_response(status)
        request.send_header("ETag", '"0"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.mark.parametrize(
    ("heeds", "code", "line"), [(True, 3, " and does not have it"), (False, 2, " does not heed If-None-Match")]
)
def test_a_store_that_loses_an_object_or_lets_two_write_is_one_line_and_nothing_goes(
    stage: Stage, keys: None, monkeypatch: pytest.MonkeyPatch, heeds: bool, code: int, line: str
) -> None:
    (sealed,) = local(stage)
    assert stage.crawler("run", "--all", "--config", str(sealing(stage))).returncode == 0
    use(stage, "s3://bucket/notes")
    store = Forgetful(heeds=heeds)
    with serving(lambda request: store(request)) as address:  # noqa: PLW0108  # as a method of the server's
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        done = stage.crawler("offload")
    assert done.returncode == code
    assert line in only_line(done)
    assert sealed in local(stage)
    assert not store.locked
