// Niceties on top of pages that work without: lists that follow their filters as one types, arrow keys through
// results, files that are dropped, and progress of what was asked for. Nothing here talks to any other origin.
"use strict";

const WAIT = 180; // milliseconds without a key before a list is asked for again

function say(text) {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
}

// A form with data-live replaces the part of the page that it names, and its address, without a reload.
function live(form) {
  const into = form.dataset.live;
  let timer = 0;
  let asked = null;

  async function follow(push) {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(fields).toString();
    const address = form.getAttribute("action") + (query ? "?" + query : "");
    asked?.abort();
    asked = new AbortController();
    const place = document.querySelector(into);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: asked.signal, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector(into) || page.querySelector("main");
      place.replaceChildren(...document.adoptNode(fresh).childNodes);
      refreshChoices(form, page);
      history[push ? "pushState" : "replaceState"](null, "", address);
      const count = place.querySelector("strong");
      say(count ? count.textContent : "");
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
      else return;
    }
    place.removeAttribute("aria-busy");
  }

  form.addEventListener("input", (event) => {
    if (event.target.matches("select")) return;
    clearTimeout(timer);
    timer = setTimeout(() => follow(false), WAIT);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) follow(true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    follow(true);
  });
}

// Choices and their counts come anew with each list; the one that has the focus stays as it is.
function refreshChoices(form, page) {
  for (const old of form.querySelectorAll("select")) {
    const fresh = page.querySelector(`form[data-live] select[name="${old.name}"]`);
    if (fresh && document.activeElement !== old) old.replaceChildren(...document.adoptNode(fresh).childNodes);
  }
}

// Ctrl+K or Cmd+K goes to the search; the arrow keys lead from it through what was found, and Escape back.
function keys(event) {
  const search = document.querySelector("[data-first]") || document.getElementById("find");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  const names = [...document.querySelectorAll("#results a.name")];
  const at = names.indexOf(document.activeElement);
  const inSearch = document.activeElement?.matches("input[type=search]");
  if (!names.length || (at < 0 && !inSearch)) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    if (next < 0) search.focus();
    else names[Math.min(next, names.length - 1)].focus();
  } else if (event.key === "Escape" && at >= 0) {
    search.focus();
  }
}

// Files that are dropped anywhere on the page go into its form, and are sent at once.
function dropping(form) {
  const input = form.querySelector("input[type=file]");
  const changed = form.querySelector("input[name=changed]");
  input.addEventListener("change", () => {
    changed.value = input.files.length === 1 ? String(input.files[0].lastModified) : "";
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  });
  addEventListener("dragleave", () => form.classList.remove("over"));
  addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    form.classList.remove("over");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
    form.requestSubmit();
  });
}

// A task's page asks for itself anew until the task is over.
async function watch() {
  const place = document.querySelector("#results[data-again]");
  if (!place) return;
  await new Promise((done) => setTimeout(done, 700));
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = document.adoptNode(page.querySelector("#results"));
    place.replaceWith(fresh);
    say(fresh.querySelector("strong")?.textContent ?? "");
  } catch {
    await new Promise((done) => setTimeout(done, 3000));
  }
  watch();
}

for (const form of document.querySelectorAll("form[data-live]")) live(form);
for (const form of document.querySelectorAll("form[data-drop]")) dropping(form);
watch();
document.addEventListener("keydown", keys);
addEventListener("popstate", () => location.reload());
