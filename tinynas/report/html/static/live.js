"use strict";
// Keeps a page of the dashboard up to date: news say which studies have changed, and what has changed is put in place.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  let stamps = read("page-stamps"); // of each study that the page shows: what changes whenever the study does
  const shown = new Map(); // of each section: the HTML that it was made of
  let busy = false; // reading, or resting after it
  let again = false;

  tinynas.show(read("page-data"));
  if (!Object.keys(stamps).length && window.location.pathname !== "/studies") return;

  const tell = (text, state) => {
    const place = document.getElementById("following");
    if (place.textContent !== text) place.textContent = text;
    place.className = state;
  };

  // What a reader has done to a part stays: the order of tables, scrolling, what is unfolded, the chosen recording.
  const replace = (place, html) => {
    const kept = {
      scrolled: [...place.querySelectorAll(".scroll")].map((one) => [one.scrollTop, one.scrollLeft]),
      open: [...place.querySelectorAll("details")].map((one) => one.open),
      recording: place.querySelector("#recording")?.selectedOptions[0]?.textContent,
      focus: place.contains(document.activeElement) ? pathTo(place, document.activeElement) : null,
    };
    const figures = new Map([...place.querySelectorAll(".plot")].map((one) => [one.id, one]));
    place.innerHTML = html; // from this server, which escapes all that a study says
    for (const fresh of place.querySelectorAll(".plot")) {
      const drawn = figures.get(fresh.id);
      if (!drawn) continue;
      drawn.setAttribute("aria-label", fresh.getAttribute("aria-label"));
      fresh.replaceWith(drawn); // so that a zoom stays, and nothing flickers
    }
    place.querySelectorAll("details").forEach((one, index) => { one.open = Boolean(kept.open[index]); });
    const select = place.querySelector("#recording");
    if (select) {
      const index = [...select.options].findIndex((option) => option.textContent === kept.recording);
      if (index >= 0) select.selectedIndex = index;
    }
    tinynas.restoreOrder(place);
    place.querySelectorAll(".scroll").forEach((one, index) => {
      [one.scrollTop, one.scrollLeft] = kept.scrolled[index] || [0, 0];
    });
    if (kept.focus) followPath(place, kept.focus)?.focus({ preventScroll: true });
  };

  const pathTo = (root, node) => {
    const path = [];
    for (let at = node; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
    return path;
  };
  const followPath = (root, path) => path.reduce((at, index) => at?.children[index], root);

  const patch = (parts) => {
    document.title = parts.title;
    const header = document.getElementById("page-header");
    if (shown.get("") !== parts.header) header.innerHTML = parts.header;
    shown.set("", parts.header);
    const main = document.getElementById("content");
    const wanted = new Set(parts.sections.map((section) => section.id));
    for (const old of [...main.children]) if (!wanted.has(old.id)) old.remove();
    parts.sections.forEach(({ id, html }, index) => {
      let place = document.getElementById(id);
      if (!place || place.parentElement !== main) {
        place = document.createElement("section");
        place.id = id;
      }
      if (main.children[index] !== place) main.insertBefore(place, main.children[index] || null);
      if (shown.get(id) !== html) replace(place, html);
      shown.set(id, html);
    });
    tinynas.show(parts.data);
  };

  // Nobody looks at a hidden page. A large study takes the server a while: the rest after a reading is twice as long.
  const refresh = async () => {
    again = busy || document.hidden;
    if (again) return;
    busy = true;
    const begun = performance.now();
    try {
      const address = new URL(window.location.href);
      address.searchParams.set("parts", "");
      const answer = await fetch(address, { cache: "no-store" });
      if (answer.ok) {
        const parts = await answer.json();
        patch(parts);
        stamps = parts.stamps;
      }
    } catch {
      tell("disconnected", "off"); // the next news tries again
    } finally {
      setTimeout(() => {
        busy = false;
        if (again) refresh();
      }, 2 * (performance.now() - begun));
    }
  };
  document.addEventListener("visibilitychange", () => {
    if (again && !document.hidden) refresh();
  });

  const source = new EventSource("/events");
  source.onmessage = ({ data }) => {
    const now = JSON.parse(data);
    tell("following", "on");
    // A list of all studies has to do with new ones as well.
    const everything = window.location.pathname === "/studies" && !window.location.search;
    const names = everything ? new Set([...Object.keys(stamps), ...Object.keys(now)]) : Object.keys(stamps);
    if ([...names].some((name) => now[name] !== stamps[name])) refresh();
  };
  source.onerror = () => tell("disconnected", "off");
  window.addEventListener("pagehide", () => source.close());
})();
