"""Messages to people through Apprise: mail, Telegram, WeCom, DingTalk, Feishu and a hundred more services.

Only addresses and sending live here; `mail` writes what is said. An address holds a password or a token, so that none
is ever named: a receiver is known by its place in [notify] urls and its scheme. Apprise sends by itself, not through
the guard of `fetch`: its addresses are the user's own words, never a note's.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.core.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

SECONDS = 60.0  # for all receivers together; a service that hangs does not keep a night from ending
_SCHEME = re.compile(r"^([A-Za-z0-9+.-]{1,20})://")


@dataclass(frozen=True, slots=True)
class Receiver:
    """One address that Apprise understands. `label` names it without a secret: "env:MAIL (mailto)"."""

    label: str
    address: str

    def __repr__(self) -> str:
        return f"Receiver({self.label!r})"  # a traceback or a log never shows the address


def receivers_of(urls: Sequence[str], environ: Mapping[str, str]) -> list[Receiver]:
    """Whoever [notify] urls names. Raises ConfigError, which names no secret.

    "env:NAME" stands for a variable that holds one address, or several with spaces between.
    """
    found = [receiver for place, url in enumerate(urls, 1) for receiver in _receivers(place, url, environ)]
    if found:
        apprise = _apprise()
        for receiver in found:
            if _instance(apprise, receiver) is None:
                raise ConfigError(f"[notify] urls: {receiver.label} is no address that Apprise understands")
    return found


def _receivers(place: int, url: str, environ: Mapping[str, str]) -> list[Receiver]:
    if not url.startswith("env:"):
        return [Receiver(f"address {place} ({_scheme(url)})", url)]
    name = url.removeprefix("env:")
    addresses = environ.get(name, "").split()
    if not addresses:
        raise ConfigError(f"[notify] urls: the environment variable {name} is not set")
    return [Receiver(f"env:{name} ({_scheme(address)})", address) for address in addresses]


def _scheme(address: str) -> str:
    found = _SCHEME.match(address)
    return found[1].lower() if found else "no scheme"


def send_messages(receivers: Sequence[Receiver], title: str, body: str, *, seconds: float = SECONDS) -> list[str]:
    """Send a message to each receiver; a line for each that did not take it. Never raises, ends after `seconds`."""
    apprise = _apprise()
    taken: dict[int, bool] = {}

    def send(rank: int, receiver: Receiver) -> None:
        try:
            instance = _instance(apprise, receiver)
            taken[rank] = bool(instance and instance.notify(body=body, title=title, body_format="text"))
        except Exception:  # a hundred plugins raise what they like, and a lost message must not end a night
            taken[rank] = False

    threads = [threading.Thread(target=send, args=pair, daemon=True) for pair in enumerate(receivers)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    why = {False: "it did not take the message", None: f"no answer within {seconds:g} s"}
    return [f"{r.label}: {why[taken.get(rank)]}" for rank, r in enumerate(receivers) if not taken.get(rank)]


def _apprise() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what its plugins import is not the user's to mend
            import apprise

            apprise.Apprise.instantiate("json://localhost")  # plugins are imported at the first use
    except ImportError:
        raise ConfigError("[notify] urls needs Apprise: pip install 'linkhealth-crawler[notify]'") from None
    logger = logging.getLogger("apprise")
    logger.handlers = [logging.NullHandler()]  # its lines hold hosts and tokens
    logger.propagate = False
    return apprise


def _instance(apprise: ModuleType, receiver: Receiver) -> Any:
    """The plugin for an address, None for no address; long messages come in parts where a service limits them."""
    instance = apprise.Apprise.instantiate(receiver.address, suppress_exceptions=True)
    if instance:
        instance.overflow_mode = "split"
    return instance or None
