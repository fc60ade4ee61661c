"""Configuration files: what they may say, where paths in them point, and how mistakes are told."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.config import load_settings, parse_duration, parse_size, shipped_config
from crawler.core.errors import ConfigError
from crawler.core.settings import Seconds, Settings


def load(folder: Path, text: str) -> Settings:
    file = folder / "c.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(directory=tmp_path) == Settings()


def test_a_file_in_the_working_folder_is_found_before_the_one_in_its_config_folder(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "crawler.toml").write_text("[fetch]\nretries = 1\n")
    assert load_settings(directory=tmp_path).fetch.retries == 1
    (tmp_path / "crawler.toml").write_text("[fetch]\nretries = 2\n")
    assert load_settings(directory=tmp_path).fetch.retries == 2


def test_a_file_is_laid_over_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, '[fetch]\ninterval = "2h"\n[host."*.example.com"]\ninterval = 0.0\n')
    assert float(settings.fetch.interval) == 7200
    assert settings.fetch.timeout == Settings().fetch.timeout
    assert settings.host["*.example.com"].interval == Seconds(0)


def test_relative_paths_in_a_file_are_relative_to_that_file(tmp_path: Path) -> None:
    settings = load(tmp_path, '[archive]\npath = "kept"\n[notes]\npaths = ["a", "/b"]\n[fetch]\nca_bundle = "ca.pem"\n')
    assert settings.archive.path == str(tmp_path / "kept")
    assert settings.notes.paths == (str(tmp_path / "a"), "/b")
    assert settings.fetch.ca_bundle == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[fetch]\nintervall = 1\n", "unknown key [fetch] intervall; did you mean 'interval'?"),
        ("[fetsh]\ninterval = 1\n", "unknown key [fetsh]; did you mean 'fetch'?"),
        ('[host."a.b"]\nintervl = 1\n', "unknown key [host.\"a.b\"] intervl; did you mean 'interval'?"),
        ("[host]\ninterval = 1\n", '[host."example.com"]'),
        ("fetch = 3\n", "write [fetch] on a line of its own"),
        ('[fetch]\ninterval = "soon"\n', "[fetch] interval: expected a duration"),
        ("[fetch]\ninterval = -1\n", "[fetch] interval: expected a duration"),
        ("[fetch]\ntimeout = 0\n", "[fetch] timeout: expected more than 0 seconds, got 0"),
        ("[fetch]\nconcurrency = 0\n", "[fetch] concurrency: expected `int` >= 1, got 0"),
        ('[fetch]\nmax_body = "much"\n', "[fetch] max_body: expected a size"),
        ("[fetch]\nmax_body = 0\n", "[fetch] max_body: expected more than 0 bytes, got 0"),
        ("[fetch]\ntimeout = 1" + "0" * 400, "[fetch] timeout: expected a duration"),
        ("[fetch]\nmax_body = 1" + "0" * 400, "[fetch] max_body: expected a size"),
        ("[fetch]\nretries = 1" + "0" * 5000, "not valid TOML: Exceeds the limit"),
        ('[report]\npath = "a\\u0000b"\n', "holds a NUL character"),
        ('[fetch.headers]\n"a\\u0000b" = "c"\n', "holds a NUL character"),
        (
            '[notes]\npaths = ["~nobody-of-this-name/x"]\n',
            "[notes] paths[0]: '~nobody-of-this-name/x' begins with a user",
        ),
        ('[notes]\npaths = ["~", 7, "a"]\n', "[notes] paths[1]: expected `str`, got 7"),
        ('[notes]\nroot = ["a", true]\n', "[notes] root[1]: expected `str`, got true"),
        ('[notes]\nignore = ["a", {x = "b"}]\n', "[notes] ignore[1]: expected `str`, got a table"),
        ('[report]\nformats = [["html"]]\n', "[report] formats[0]: expected `str`, got a list"),
        (
            '[notify]\nurls = ["https://u:p@x.example/", 1979-05-27]\n',
            "[notify] urls[1]: expected `str`, got 1979-05-27",
        ),
        ('[notify]\nwhen = ["news"]\n', '[notify] when: expected "news" or "dead" or "always", got a list'),
        ('[notes]\nrewrite = {"a" = "b", "^/x/" = 7}\n', '[notes] rewrite."^/x/": expected `str`, got 7'),
        ('[fetch]\nheaders = {A = "b", Cookie = 7}\n', '[fetch] headers."Cookie": expected `str`, got 7'),
        ('[fetch]\nheaders = "Cookie: secret"\n', "[fetch] headers: expected `object`, got text"),
        ('[fetch]\nresolve = {"a:1" = ["b:2"]}\n', '[fetch] resolve."a:1": expected `str`, got a list'),
        ('[host."a.b"]\naccept = [200, "yes"]\n', '[host."a.b"] accept[1]: expected `int`, got "yes"'),
        ('[host."a.b"]\naccept = [200, 99]\n', '[host."a.b"] accept[1]: expected `int` >= 100, got 99'),
        (
            '[host."a.b"]\nskip = true\n[host."b.c"]\nheaders = {A = 7}\n',
            '[host."b.c"] headers."A": expected `str`, got 7',
        ),
        ("[schedule]\nalive = [7]\n", "[schedule] alive: expected a duration such as 30, "),
        ('[fetch]\nconcurrency = "' + "9" * 500 + '"\n', "9…"),
        ('[host."a.b"]\naccept = "yes"\n', '[host."a.b"] accept: expected `array`, got "yes"'),
        ('[archive]\ncodec = "rar"\n', '[archive] codec: expected "zst" or "gz", got "rar"'),
        ("[fetch\n", "not valid TOML"),
        ('[fetch]\nheaders = {"X Y" = "1"}\n', "[fetch] headers: 'X Y' is not the name of a header"),
        ('[fetch]\nuser_agent = "a\\nb"\n', "[fetch] headers: the value of User-Agent is not one line of text"),
        ('[host."a.b"]\nheaders = {X = "1\\r\\nY: 2"}\n', '[host."a.b"] headers'),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert told in str(caught.value)
    assert "c.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


PROXY = '[fetch] proxy: expected "http://host:port"'
PUBLIC = "[serve] public: expected the viewer's address"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *(
            (f'[fetch]\nproxy = "{proxy}"\n', PROXY)
            for proxy in (
                "http://h:99999", "http://h:0", "http://h:port", "ftp://h:80", "h:8080", "http://a b:80", "http://",
                "http://:80", "http://h:80/path", "socks4://h:1080", "http://h\\n:80",
            )
        ),
        ('[fetch]\nproxy = "http://me:s3cret@h:99999"\n', 'got "http://REDACTED@h:99999"'),
        *(
            (f'[serve]\npublic = "{public}"\n', PUBLIC)
            for public in (
                "nonsense", "links.example", "https://", "https://a b/", "https://a.example/ nonsense",
                "https://a.example:99999/", "ftp://a.example/", "https://a.example/?q=1", "https://a.example/#x",
            )
        ),
        *(
            (f'[serve]\nhost = "{host}"\n', "[serve] host: expected an address")
            for host in ("", "a b", "http://a", "1:2")
        ),
        ("[serve]\nport = 65536\n", "[serve] port: expected `int` <= 65535, got 65536"),
        ("[serve]\nport = -1\n", "[serve] port: expected `int` >= 0, got -1"),
        ('[serve]\nport = "web"\n', '[serve] port: expected `int`, got "web"'),
        ('[read]\nmemory = "1KB"\n', "needs for a page, got 1024"),
        ("[read]\nmemory = 0\n", "[read] memory: expected at least 16MB"),
        ("[read]\nseconds = 0\n", "[read] seconds: expected more than 0 seconds, got 0"),
        ("[read]\nprocesses = 100000\n", "[read] processes: expected at most 1024 processes, got 100000"),
        ('[host."a.b"]\ntimeout = 0\n', '[host."a.b"] timeout: expected more than 0 seconds, got 0'),
        ('[host."a.b"]\nper_host = 0\n', '[host."a.b"] per_host: expected `int` >= 1, got 0'),
        ('[host."a.b"]\ninterval = -3\n', '[host."a.b"] interval: expected a duration'),
        ('[schedule]\nalive = "9999999d"\n', "[schedule] alive: expected a duration"),
        ('[archive]\nmax_image = "-1MB"\n', "[archive] max_image: expected a size"),
        ("[archive]\nmax_image = -1\n", "[archive] max_image: expected a size"),
        ('[archive]\npath = ""\n', '[archive] path: expected the name of a folder, got ""'),
        *(
            (f'[fetch]\nresolve = {{{sides}}}\n', "[fetch] resolve: expected HOST:PORT")
            for sides in (
                '"h:443" = "127.0.0.1:99999"', '"h:0" = "127.0.0.1:80"', '"a b:80" = "127.0.0.1:80"', '"h" = "h:x"',
                '"http://h:80" = "127.0.0.1"',
            )
        ),
        ('[fetch]\nheaders = {X = "1", x = "2"}\n', "[fetch] headers: expected each header once"),
        ('[wayback]\nendpoint = "http://"\n', '[wayback] endpoint: expected an http(s) URL, got "http://"'),
        ('[notify]\nwebhook = "https://h:99999/x"\n', "[notify] webhook: expected an http(s) URL"),
        ('[notify]\nwhen = "never"\n', '[notify] when: expected "news" or "dead" or "always", got "never"'),
        ("[fetch]\nretries = 1\nretries = 2\n", "not valid TOML: Cannot overwrite a value"),
        ('[host."a.b"]\nskip = true\n[host."a.b"]\nskip = true\n', "not valid TOML: Cannot declare"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_key_value_and_what_is_expected(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert told in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            f'[fetch]\nproxy = "{proxy}"\n'
            for proxy in (
                "http://h", "http://h:8080/", "http://user:p%40ss@proxy.example:3128", "socks5://127.0.0.1:1080",
                "socks5h://[::1]:1080", "https://proxy.example", "http://my_proxy:80",
            )
        ),
        *(f'[serve]\nhost = "{host}"\n' for host in ("0.0.0.0", "::", "::1", "[::1]", "localhost", "my-machine")),
        *(
            f'[serve]\npublic = "{public}"\n'
            for public in ("https://links.example", "http://10.0.0.1:8765/", "https://a.example/viewer/", "http://pi:80")
        ),
        '[fetch]\nresolve = {"*:80" = "127.0.0.1:8080", "h" = ":1", "[::1]:80" = "[::2]:81", "*" = "127.0.0.1"}\n',
        '[notify]\nwebhook = "env:HOOK"\n',
        '[read]\nmemory = "16MB"\nprocesses = 0\n',
        "[schedule]\nbudget = 0\nalive = 0\n[fetch]\ninterval = 0\nsettle = 0\n",
    ],
)  # fmt: skip
def test_what_may_be_meant_is_taken(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.toml: no such configuration file"):
        load_settings(tmp_path / "nope.toml")
    (tmp_path / "gbk.toml").write_bytes("# 中文".encode("gbk"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(tmp_path / "gbk.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(90, 90), (1.5, 1.5), ("90", 90), ("500ms", 0.5), ("2h", 7200), ("1h30m", 5400), ("7d", 604800)],
)
def test_durations_are_numbers_of_seconds_or_numbers_with_units(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 hours", "-1s", -1, float("nan"), float("inf"), True, None, []])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [(10, 10), ("64KB", 65536), ("1.5MB", 1572864), ("16mib", 2**24), ("1G", 2**30)]
)
def test_sizes_are_bytes_or_numbers_with_units(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("value", [10**400, "9" * 400, "9" * 400 + "d", "9" * 400 + "GB", -(10**400)])
def test_numbers_beyond_any_machine_are_value_errors(value: object) -> None:
    for parse in (parse_duration, parse_size):
        with pytest.raises(ValueError, match="expected a"):
            parse(value)


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.none(), st.booleans()))
def test_anything_else_is_a_value_error_and_never_a_crash(value: object) -> None:
    for parse in (parse_duration, parse_size):
        with contextlib.suppress(ValueError):
            assert parse(value) >= 0


def test_the_shipped_configuration_is_found() -> None:
    assert (shipped_config() / "sites").is_dir()


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("Example.com", "example.com"),
        ("https://example.com", "example.com"),
        ("https://example.com/path", "example.com"),
        ("example.com:8080", "example.com"),
        ("example.com/path", "example.com"),
        ("*.Example.com", "*.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_table_that_could_never_match_is_an_error_with_the_right_name(
    tmp_path: Path, key: str, right: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f'[host."{key}"]\nskip = true\n')
    assert f'write [host."{right}"]' in str(caught.value)


@pytest.mark.parametrize("key", ["*", "*.", "", "a b", "*.*.com"])
def test_what_is_no_host_is_an_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="not the name of a host"):
        load(tmp_path, f'[host."{key}"]\nskip = true\n')


@pytest.mark.parametrize(
    "key", ["example.com", "*.example.com", "127.0.0.1", "[::1]", "localhost", "xn--bcher-kva.example"]
)
def test_names_as_urls_have_them_are_taken(tmp_path: Path, key: str) -> None:
    assert load(tmp_path, f'[host."{key}"]\nskip = true\n').host[key].skip
