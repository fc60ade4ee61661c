"""A simulated month: hosts that flake, wall, die and come back, an outage of our own, and every truth right."""

from benchmarks.month import DAY, START, Fate, Notebook, Promises, World, made_up, one_night, simulate
from crawler.core.config import site_documents
from crawler.core.model import Evidence, History, Proof, State
from crawler.core.settings import FetchSettings, Settings
from crawler.notes.links import link_of
from crawler.sites import load_sites

SETTINGS = Settings(fetch=FetchSettings(retries=1))
SITES = load_sites(site_documents(SETTINGS))


def test_over_a_month_of_nights_no_promise_is_broken() -> None:
    world, promises = simulate(made_up(SITES, 160), (SETTINGS, SITES), nights=24, budget=8 * 3600)
    assert promises.broken == []
    assert any(fate.dies is not None for fate in world.fates.values())


def test_the_truth_of_the_simulation_kills_and_revives() -> None:
    fate = Fate(dies=3.0, returns=9.0)
    assert [fate.alive(day) for day in (2.9, 3.0, 8.9, 9.0)] == [True, False, False, True]


def test_a_living_page_that_was_called_dead_would_be_seen() -> None:
    """The judge of the simulation is itself held to a lie: the truth is changed after a night that was right."""
    link = link_of("https://blog.example/1", SITES)
    world, notebook, promises = World([link], outages=()), Notebook(), Promises()
    world.fates[link.fetch_url] = Fate(dies=-1.0)
    outcome = one_night(world, notebook, (SETTINGS, SITES), DAY)
    promises.check(world, notebook, outcome)
    assert promises.broken == []
    world.fates[link.fetch_url] = Fate()
    promises.check(world, notebook, outcome)
    assert "lives and was called dead" in promises.broken[0]


def test_a_rough_season_kills_nothing_that_lives_and_finds_what_is_gone() -> None:
    """Servers that never get on with our client, firewalls, portals, hosts that vanish: longer than `silent` lasts."""
    world, promises = simulate(made_up(SITES, 70), (SETTINGS, SITES), nights=110, budget=8 * 3600, rough=True)
    assert promises.broken == []
    assert {weather.broken for weather in world.weather.values()} > {""}


def test_a_death_of_the_host_that_stays_unfound_would_be_seen() -> None:
    link = link_of("https://blog.example/1", SITES)
    history = History(
        link.canonical_url, START, state=State.SUSPECT, reason="connection-refused", evidence=Evidence(proof=Proof.HOST)
    )
    promises = Promises()
    for day in (1.0, 2.0, 11.0):
        promises._find_late_deaths(link, history, day, alive=False)
    assert promises.broken == []
    promises._find_late_deaths(link, history, 12.1, alive=False)
    assert "is gone" in promises.broken[0]
