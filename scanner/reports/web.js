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
  const worst = [...list.children].map((node) => ({ ...node.dataset, node, source: node }));
  const further = $("further"); // tables of what is too much for drawers: read here, drawn when looked at
  for (const group of further ? further.getElementsByClassName("group") : []) {
    const { level, stands, family } = group.dataset;
    for (const source of group.querySelector("tbody").rows) worst.push({ level, stands, family, source, group });
  }
  if (further) further.remove();

  const make = (tag, kind, ...inner) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...inner);
    return made;
  };
  const address = /^https:\/\/[a-z0-9][a-z0-9.-]*(\/[A-Za-z0-9._~/?=&%+,:@#-]*)?$/;
  const linked = (text) => text.split(" ").flatMap((word, at) => {
    if (!address.test(word)) return [at ? ` ${word}` : word];
    const link = make("a", "", word);
    link.href = word;
    link.rel = "noopener noreferrer nofollow";
    return [" ", link];
  });
  const drawer = (row) => {
    if (row.node) return row.node;
    const { group, source, level } = row;
    const names = [...group.querySelectorAll("thead th")].map((one) => one.textContent);
    const [where, what, ...rest] = [...source.cells].map((one) => one.textContent);
    const head = make("summary", "", group.querySelector(".badge").cloneNode(true), " ", make("span", "message", what),
      " ", make("bdi", "path", where), " ", ...[...group.querySelectorAll(":scope > summary > .tag")].map((one) => one.cloneNode(true)));
    const said = group.querySelector("dl").cloneNode(true);
    rest.forEach((text, at) => {
      const name = names[at + 2];
      if (text) said.append(make("dt", "", name), make("dd", name === "What to do" ? "fix" : "", ...linked(text)));
    });
    row.node = make("details", `finding ${level}`, head, make("div", "body", said));
    return row.node;
  };
  const text = (row) => (row.text ??= row.source.textContent.toLowerCase()); // when somebody first searches
  const shared = (row) => (row.group ? (row.group.dataset.text ??= row.group.querySelector("dl").textContent.toLowerCase()) : "");
  const more = make("button", "");
  more.id = "more";
  more.type = "button";
  list.after(more);
  let shown = worst, limit = PAGE;

  const paint = () => {
    const there = shown.slice(0, limit);
    list.replaceChildren(...there.map(drawer)); // what is not in the page costs nothing
    const left = shown.length - there.length;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, PAGE).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
  };
  const apply = () => {
    const levels = new Set([...document.querySelectorAll("[data-filter=level]:checked")].map((box) => box.value));
    const stands = $("stands").value, family = $("family").value, order = $("order").value;
    const words = $("search").value.toLowerCase().trim();
    shown = worst.filter((row) => levels.has(row.level) && (stands === "-" || row.stands === stands)
      && (family === "-" || row.family === family)
      && (!words || text(row).includes(words) || shared(row).includes(words)));
    if (order !== "-") {
      const [part, cell] = order === "place" ? [".path", 0] : [".message", 1];
      const key = (row) => (row.group ? row.source.cells[cell] : row.source.firstElementChild.querySelector(part)).textContent;
      const keys = new Map(shown.map((row) => [row, key(row)]));
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
    if (first) drawer(first).firstElementChild.focus();
  });
  $("tools").addEventListener("change", apply);
  $("search").addEventListener("input", later(apply));
  addEventListener("beforeprint", () => { const old = limit; limit = Infinity; paint(); addEventListener("afterprint", () => { limit = old; paint(); }, { once: true }); });
  if (worst.length > PAGE) paint(); else more.hidden = true;
});
