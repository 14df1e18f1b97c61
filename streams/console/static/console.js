// The live parts of the console. Every page works without it; with it, what changes is shown as it happens.
"use strict";

const MOST_SHOWN = 30;
const REFRESH_MS = 1000;

function listen(list) {
  const state = document.getElementById("live-state");
  const figures = document.getElementById("figures");
  const source = new EventSource(list.dataset.events);
  let due = 0;
  source.onopen = () => { state.textContent = state.dataset.on; };
  source.onerror = () => { state.textContent = state.dataset.off; };
  source.addEventListener("handoff", (event) => {
    // The server made and escaped this row as it makes those of the page.
    const row = new DOMParser().parseFromString(event.data, "text/html").querySelector("li");
    if (!row || document.getElementById(row.id)) return;
    const none = document.getElementById("none-yet");
    if (none) none.remove();
    list.prepend(row);
    while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
  });
  source.addEventListener("change", () => {
    if (due) return;
    due = setTimeout(async () => {
      due = 0;
      if (figures.contains(document.activeElement)) return; // nothing moves under a person's fingers
      const answer = await fetch(figures.dataset.part);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      figures.replaceChildren(...page.body.childNodes);
    }, REFRESH_MS);
  });
  addEventListener("pagehide", () => source.close());
}

// A piece of a page that is being computed: asked for again until it is done.
async function follow(place) {
  while (place.dataset.running) {
    await new Promise((done) => { setTimeout(done, 700); });
    const answer = await fetch(place.dataset.part);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("[data-part]");
    if (!found) return;
    place.dataset.running = found.dataset.running || "";
    place.replaceChildren(...found.childNodes);
  }
}

const live = document.getElementById("live");
if (live && live.dataset.events) listen(live);
document.querySelectorAll("[data-running]").forEach(follow);
