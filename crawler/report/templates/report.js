"use strict";
// Filter and sort of the list of links. The rows come from the data block (report/html.py, Row); cards are clones of
// the page's template. Text only ever becomes text: nothing here parses markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId("list");
  const data = JSON.parse(byId("data").textContent);
  const tiles = [...document.querySelectorAll(".tile")];
  if (!list) {
    tiles.forEach((tile) => { tile.disabled = true; });
    return;
  }
  const controls = byId("controls");
  const more = byId("more");
  const STEP = 100; // cards that are added at once: what a phone draws without a pause
  const PRINTED = 2000; // cards that are printed at most
  const title = (row) => row.t || row.u;
  const keys = {
    order: null,
    site: (row) => row.w,
    path: (row) => (row.p[0] ? row.p[0].p : ""),
    year: (row) => row.y || "",
    checked: (row) => row.c || "",
    title,
  };
  const newestFirst = new Set(["year", "checked"]);
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const haystacks = new Map();
  let matching = [];
  let drawn = 0;

  function haystack(row) {
    let text = haystacks.get(row);
    if (text === undefined) {
      const places = row.p.map((place) => place.p).join("\n");
      text = [row.t, row.u, row.r, data.reasons[row.r], row.e, places].join("\n").toLowerCase();
      haystacks.set(row, text);
    }
    return text;
  }

  function chosen() {
    const words = controls.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const site = controls.site.value;
    const states = new Set(tiles.filter((t) => t.getAttribute("aria-pressed") === "true").map((t) => +t.dataset.state));
    const any = states.size === 0;
    const rows = data.rows.filter((row) =>
      (any || states.has(row.s)) && (!site || row.w === site) && words.every((word) => haystack(row).includes(word)));
    const key = keys[controls.sort.value];
    if (key) {
      const turn = newestFirst.has(controls.sort.value) ? -1 : 1;
      rows.sort((a, b) => turn * collator.compare(key(a), key(b)));
    }
    return rows;
  }

  function set(card, field, text) {
    const node = card.querySelector(`[data-f=${field}]`);
    if (text) node.textContent = text;
    else node.remove();
  }

  function coded(card, field, text) {
    // Our own sentences: what stands in `backticks` is a command.
    const node = card.querySelector(`[data-f=${field}]`);
    if (!text) {
      node.remove();
      return;
    }
    const parts = text.split("`");
    node.replaceChildren(...parts.map((part, number) => {
      if (number % 2 === 0 || parts.length % 2 === 0) return document.createTextNode(part);
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }));
  }

  function links(card, field, items, label) {
    const node = card.querySelector(`[data-f=${field}]`);
    if (!items || !items.length) {
      node.remove();
      return;
    }
    for (const item of items) {
      const anchor = document.createElement("a");
      anchor.textContent = label(item);
      if (item.h) anchor.setAttribute("href", item.h);
      anchor.rel = "noopener noreferrer";
      const line = document.createElement("li");
      line.append(anchor);
      node.append(line);
    }
  }

  function withoutSecrets(url) {
    const [, address, asked] = /^([^?#]*)(?:\?([^#]*))?/.exec(url);
    const kept = (asked || "").split("&").filter((part) => !part.endsWith("=REDACTED"));
    return (asked === undefined ? address : address + "?" + kept.join("&")).replace(/[?&]+$/, "");
  }

  function searches(row) {
    return (row.f || []).map((code) => {
      const [label, before, behind, isAddress] = data.places[Math.floor(code / 10)];
      const words = { 9: withoutSecrets(row.u), 8: row.t }[code % 10] ?? row.q[code % 10];
      return { t: label, h: before + (isAddress ? words : encodeURIComponent(words)) + behind };
    });
  }

  function draw(row) {
    const card = byId("card").content.cloneNode(true);
    const [slug, word] = data.states[row.s];
    card.firstElementChild.classList.add(`state-${slug}`);
    set(card, "state", word);
    set(card, "title", title(row));
    if (row.h !== "#") card.querySelector("[data-f=title]").setAttribute("href", row.h || row.u);
    set(card, "url", row.t ? row.u : "");
    set(card, "reason", data.reasons[row.r]);
    set(card, "slug", row.r);
    set(card, "evidence", row.e);
    set(card, "memory", row.m);
    coded(card, "judgement", row.j);
    set(card, "kept", row.k);
    links(card, "offers", row.o, (offer) => offer.t);
    links(card, "searches", searches(row), (found) => found.t);
    links(card, "places", row.p, (place) => place.p);
    return card;
  }

  function extend(count) {
    const part = document.createDocumentFragment();
    for (const row of matching.slice(drawn, drawn + count)) part.append(draw(row));
    drawn = Math.min(matching.length, drawn + count);
    list.append(part);
    more.hidden = drawn >= matching.length;
  }

  function refresh() {
    matching = chosen();
    drawn = 0;
    list.replaceChildren();
    extend(STEP);
    const figures = { shown: matching.length.toLocaleString("en"), all: data.rows.length.toLocaleString("en") };
    const text = data.words.shown.replace(/\{(\w+)\}/g, (_, name) => figures[name]);
    byId("shown").textContent = matching.length ? text : data.words.none;
  }

  let waiting = 0;
  controls.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 80); // milliseconds: a word typed fast is one search
  });
  controls.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => extend(STEP));
  for (const tile of tiles) {
    tile.addEventListener("click", () => {
      tile.setAttribute("aria-pressed", String(tile.getAttribute("aria-pressed") !== "true"));
      refresh();
    });
  }
  addEventListener("beforeprint", () => extend(Math.max(0, PRINTED - drawn)));
  if (!data.rows.some((row) => row.s < 2)) tiles.forEach((tile) => tile.setAttribute("aria-pressed", "false"));
  const here = byId("here"); // a further page: what its tiles filter is this page's list, so they count that
  if (here) {
    for (const tile of tiles) {
      const count = data.rows.filter((row) => row.s === +tile.dataset.state).length;
      tile.querySelector(".figure").textContent = count.toLocaleString("en");
      tile.disabled = count === 0;
    }
    here.hidden = false;
  }
  controls.hidden = false;
  refresh();
})();
