"use strict";
// Search in the list. The texts come from search-0001.js, …, loaded when the first letter is typed.
const searchTexts = [];
(() => {
  const list = document.getElementById("list");
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const rows = [...list.children];
  const titles = rows.map((row) => row.textContent.toLowerCase());
  const scripts = JSON.parse(list.dataset.scripts);
  let asked = false;

  function texts() {
    return searchTexts.flat();
  }

  function show() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const bodies = texts();
    let count = 0;
    rows.forEach((row, n) => {
      const hit = words.every((word) => titles[n].includes(word) || (bodies[n] || "").includes(word));
      row.hidden = !hit;
      count += hit ? 1 : 0;
    });
    found.textContent = words.length ? `${count} / ${rows.length}` : "";
  }

  function load() {
    asked = true;
    scripts.reduce((before, name) => before.then(() => new Promise((done) => {
      const script = document.createElement("script");
      script.src = name;
      script.onload = script.onerror = done;
      document.head.append(script);
    })), Promise.resolve()).then(show);
  }

  query.addEventListener("input", () => {
    if (!asked) { load(); }
    show();
  });
})();
