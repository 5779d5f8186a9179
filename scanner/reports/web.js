"use strict";
addEventListener("DOMContentLoaded", () => {
  const PAGE = 100; // findings on the screen at once; more on request
  const $ = (id) => document.getElementById(id);
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
  const later = (run) => { let due; return () => { clearTimeout(due); due = setTimeout(run, 60); }; };

  for (const search of document.querySelectorAll("[data-rows]")) {
    const rows = [...$(search.dataset.rows).rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    search.addEventListener("input", later(() => {
      const words = search.value.toLowerCase().trim();
      rows.forEach((row, at) => { row.hidden = !texts[at].includes(words); });
    }));
  }

  const list = $("findings");
  if (!list) return;
  const worst = [...list.children];
  const data = new Map();
  for (const one of worst) {
    data.set(one, { ...one.dataset });
  }
  let texts; // made when somebody first searches: 20,000 of them take a moment
  const text = (one) => {
    if (!texts) texts = new Map(worst.map((each) => [each, each.textContent.toLowerCase()]));
    return texts.get(one);
  };
  const more = document.createElement("button");
  more.id = "more";
  more.type = "button";
  list.after(more);
  let shown = worst, limit = PAGE;

  const paint = () => {
    const there = shown.slice(0, limit);
    list.replaceChildren(...there); // what is not in the page costs nothing
    const left = shown.length - there.length;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, PAGE).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
  };
  const apply = () => {
    const levels = new Set([...document.querySelectorAll("[data-filter=level]:checked")].map((box) => box.value));
    const stands = $("stands").value, family = $("family").value, order = $("order").value;
    const words = $("search").value.toLowerCase().trim();
    shown = worst.filter((one) => {
      const its = data.get(one);
      return levels.has(its.level) && (stands === "-" || its.stands === stands)
        && (family === "-" || its.family === family) && (!words || text(one).includes(words));
    });
    if (order !== "-") {
      const part = order === "place" ? ".path" : ".message";
      const keys = new Map(shown.map((one) => [one, one.firstElementChild.querySelector(part).textContent]));
      shown.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0));
    }
    limit = PAGE;
    paint();
    $("count").textContent = `${shown.length.toLocaleString("en")} of ${worst.length.toLocaleString("en")} findings`;
  };
  more.addEventListener("click", () => {
    const first = shown[limit];
    limit += PAGE;
    paint();
    if (first) first.firstElementChild.focus();
  });
  $("tools").addEventListener("change", apply);
  $("search").addEventListener("input", later(apply));
  addEventListener("beforeprint", () => { const old = limit; limit = Infinity; paint(); addEventListener("afterprint", () => { limit = old; paint(); }, { once: true }); });
  if (worst.length > PAGE) paint(); else more.hidden = true;
});
