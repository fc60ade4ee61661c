"""The document as a reader sees it: shadow trees and frames of the same site in their places, scrolled a bounded way.

Everything runs in an isolated world, where the page's own scripts neither see nor change it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import trio

from crawler.fetch.browser.pipe import Pipe, Refused, mapping

SCREENS = 12  # heights of the window that are scrolled through, for what is loaded when it comes into view
PAUSE = 0.25  # seconds at each of them
MAX_FRAMES = 20  # of one page that are read
ENOUGH = 250  # characters of a page that may be judged quiet; one with fewer has the whole time to write its text
WORLD = "reader"

STATE = """(() => {
  const body = document.body;
  return [document.getElementsByTagName("*").length, body ? body.innerText.length : 0].join();
})()"""

SCROLL = """(() => {
  const page = document.scrollingElement || document.documentElement;
  const before = page.scrollTop;
  page.scrollBy({ top: innerHeight, behavior: "instant" });
  return page.scrollTop > before;
})()"""

TOP = "(document.scrollingElement || document.documentElement).scrollTo({ top: 0, behavior: 'instant' })"

# Copies go into a document of their own, in which no script runs, no picture loads and no element is upgraded. A slot
# is replaced by what is shown in it, a frame by its body; a frame of another host leaves a mark for its own copy.
FLATTEN = """(() => {
  const inert = document.implementation.createHTMLDocument("");
  let shadows = 0, frames = 0;
  const fill = (copy, children) => { for (const child of children) copy.append(...flat(child)); return copy; };
  const flat = (node) => {
    if (node.nodeType !== 1) return [inert.importNode(node, false)];
    const name = node.localName;
    if (name === "slot" && node.getRootNode() instanceof ShadowRoot) {
      const shown = node.assignedNodes();
      return [...(shown.length ? shown : node.childNodes)].flatMap(flat);
    }
    if (name === "noscript") {
      const copy = inert.importNode(node, false);
      copy.innerHTML = node.textContent;
      return [copy];
    }
    if (name === "iframe" || name === "frame") {
      const box = inert.createElement("div");
      const mark = node.getAttribute("data-reader-frame");
      let inner = null;
      try { inner = node.contentDocument; } catch (error) { inner = null; }
      if (inner && inner.body && inner.body.childNodes.length) {
        frames += 1;
        return [fill(box, inner.body.childNodes)];
      }
      if (mark) { box.append(inert.createComment("frame:" + mark)); return [inert.importNode(node, false), box]; }
    }
    const copy = inert.importNode(node, false);
    if (node.shadowRoot) { shadows += 1; return [fill(copy, node.shadowRoot.childNodes)]; }
    return [fill(copy, node.childNodes)];
  };
  const [root] = flat(document.documentElement);
  const kind = document.doctype ? "<!DOCTYPE html>" : "";
  return [kind + root.outerHTML, shadows, frames];
})()"""

BODY = FLATTEN.replace("document.documentElement", "document.body || document.documentElement").replace(
    "root.outerHTML", "root.innerHTML"
)
_MARK = re.compile(r"<!--frame:([0-9A-Fa-f]{1,64})-->")


@dataclass(frozen=True, slots=True)
class Flattened:
    """The document's HTML, and how many shadow trees and frames it was put together of."""

    html: str
    shadows: int = 0
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Screen:
    """One page of a browser: asked in its isolated world."""

    pipe: Pipe
    session: str
    frame: str

    async def evaluate(self, expression: str, frame: str = "") -> Any:
        """The value of an expression in a frame; None where it has none. Raises Refused, BrowserGone."""
        made = await self.pipe.ask(
            "Page.createIsolatedWorld", {"frameId": frame or self.frame, "worldName": WORLD}, self.session
        )
        asked = {"expression": expression, "contextId": made.get("executionContextId"), "returnByValue": True}
        answer = await self.pipe.ask("Runtime.evaluate", asked, self.session)
        result = answer.get("result")
        return result.get("value") if isinstance(result, dict) and "exceptionDetails" not in answer else None

    async def state(self) -> tuple[str, int]:
        """Something that changes when the document does, and how many characters it shows."""
        found = await self.evaluate(STATE)
        if not isinstance(found, str):
            return "", ENOUGH
        return found, int(found.partition(",")[2] or 0)

    async def scroll(self) -> int:
        """Scroll down screen by screen, and up again; how many there were."""
        screens = 0
        while screens < SCREENS and await self.evaluate(SCROLL) is True:
            screens += 1
            await trio.sleep(PAUSE)
        if screens:
            await self.evaluate(TOP)
        return screens

    async def flattened(self) -> Flattened | None:
        """The document with all that is shown in it; None where it is too deep for that."""
        foreign = await self._mark_frames()
        found = _taken(await self.evaluate(FLATTEN))
        if found is None:
            return None
        bodies: dict[str, str] = {}
        for ident in foreign:
            body = _taken(await self._in_frame(ident))
            if body is not None:
                bodies[ident] = body.html
        html = _MARK.sub(lambda mark: bodies.get(mark[1], ""), found.html)
        return Flattened(html, found.shadows, found.frames + len(bodies))

    async def _in_frame(self, ident: str) -> Any:
        try:
            return await self.evaluate(BODY, ident)
        except Refused:
            return None  # it went away, or lives in a process of its own

    async def _mark_frames(self) -> list[str]:
        """Frames of other hosts of the same site: each of their elements is marked with the frame's id."""
        tree = await self.pipe.ask("Page.getFrameTree", session=self.session)
        root = mapping(tree.get("frameTree"))
        home = str(mapping(root.get("frame")).get("url", ""))
        marked = []
        await self.pipe.ask("DOM.getDocument", {"depth": 0}, self.session)
        for frame in list(_children(root))[:MAX_FRAMES]:
            ident, url = str(frame.get("id", "")), str(frame.get("url", ""))
            if not is_same_site(home, url) or urlsplit(home).netloc == urlsplit(url).netloc:
                continue
            try:
                owner = await self.pipe.ask("DOM.getFrameOwner", {"frameId": ident}, self.session)
                pushed = await self.pipe.ask(
                    "DOM.pushNodesByBackendIdsToFrontend",
                    {"backendNodeIds": [owner.get("backendNodeId")]},
                    self.session,
                )
                named = {"nodeId": pushed.get("nodeIds", [0])[0], "name": "data-reader-frame", "value": ident}
                await self.pipe.ask("DOM.setAttributeValue", named, self.session)
            except (Refused, IndexError):
                continue
            marked.append(ident)
        return marked


def is_same_site(home: str, other: str) -> bool:
    """Whether a frame's host is the page's own, one above or below it, or beside it under one name of three parts."""
    try:
        first, second = urlsplit(home).hostname or "", urlsplit(other).hostname or ""
    except ValueError:
        return False
    if not first or not second:
        return False
    if first == second or first.endswith(f".{second}") or second.endswith(f".{first}"):
        return "." in min(first, second, key=len)
    above_first, above_second = first.partition(".")[2], second.partition(".")[2]
    return above_first == above_second and "." in above_first and len(above_first.partition(".")[0]) > 3


def _children(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in tree.get("childFrames", ()):
        yield mapping(mapping(child).get("frame"))


def _taken(value: object) -> Flattened | None:
    match value:
        case [str(html), int(shadows), int(frames)]:
            return Flattened(html, shadows, frames)
        case [str(html), *_]:
            return Flattened(html)
        case _:
            return None
