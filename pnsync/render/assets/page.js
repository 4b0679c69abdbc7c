"use strict";
// The table of changes: search, filters, and rows that come as they are scrolled to. Every text of the plan is
// set as text, never as HTML. Search and filters stand in the address after "#", so that a view can be sent on.
(() => {
  const CHUNK = 120;
  const [ACTION, SECTION, PROVIDER, ADDRESS, WHAT, ASIDE, SOURCE, REASON, ATTRIBUTES] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.rows;
  const byId = (id) => document.getElementById(id);
  const [form, search, choices, count, list, more] = ["filters", "q", "choices", "count", "list", "more"].map(byId);
  const several = data.providers.filter(Boolean).length > 1;
  const figure = new Intl.NumberFormat("en-US");

  // What is searched: the row as it is read, and its attributes.
  const haystacks = rows.map((row) => [
    row[ADDRESS], data.actions[row[ACTION]][1], row[WHAT], row[ASIDE], row[SOURCE], row[REASON],
    data.providers[row[PROVIDER]], ...row[ATTRIBUTES].filter((one) => typeof one === "string"),
  ].join("\n").toLowerCase());

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // -- filters ------------------------------------------------------------------------------------------------------

  const filters = [
    { key: "action", member: ACTION, title: "Action", ids: data.actions.map((one) => one[0]), words: data.actions.map((one) => one[0].replace("_", " ")) },
    { key: "cause", member: SECTION, title: "Cause", ids: data.sections.map((one) => one[0]), words: data.sections.map((one) => one[1].replace(/^From /, "")) },
    { key: "provider", member: PROVIDER, title: "Provider", ids: data.providers, words: data.providers },
  ];
  for (const filter of filters) {
    const totals = new Array(filter.ids.length).fill(0);
    for (const row of rows) totals[row[filter.member]] += 1;
    filter.boxes = [];
    const group = element("fieldset");
    group.append(element("legend", "", filter.title));
    filter.ids.forEach((id, place) => {
      const box = element("input");
      box.type = "checkbox";
      box.name = filter.key;
      box.value = id;
      filter.boxes.push(box);
      if (!totals[place] || !id) return;
      const label = element("label", "choice");
      label.append(box, element("span", filter.member === ACTION ? id : "", filter.words[place]), element("b", "", figure.format(totals[place])));
      group.append(label);
    });
    if (group.querySelectorAll("input").length > 1) choices.append(group);
  }

  // -- the list -----------------------------------------------------------------------------------------------------

  let matches = [];
  let totals = new Map();
  let shown = 0;

  function opened(details, row) {
    if (!details.open || details.querySelector(".body")) return;
    const body = element("div", "body");
    if (row[REASON]) body.append(element("p", "", row[REASON]));
    if (!several && data.providers[row[PROVIDER]]) body.append(element("p", "", `provider ${data.providers[row[PROVIDER]]}`));
    const table = element("table");
    const attributes = row[ATTRIBUTES];
    const replaced = attributes.some((one, i) => i % 3 === 1 && one !== null) && attributes.some((one, i) => i % 3 === 2 && one !== null);
    if (replaced) {
      const head = element("tr");
      head.append(element("th", "", "attribute"), element("th", "", "before"), element("th", "", "after"));
      table.createTHead().append(head);
    }
    const inside = element("tbody");
    for (let i = 0; i < attributes.length; i += 3) {
      const [name, before, after] = [data.names[attributes[i]], attributes[i + 1], attributes[i + 2]];
      const line = element("tr", replaced && before !== after ? "differs" : "");
      const head = element("th", "", name);
      head.scope = "row";
      line.append(head);
      if (replaced) line.append(element("td", "", before ?? "—"), element("td", "", after ?? "—"));
      else line.append(element("td", "", after ?? before ?? "—"));
      inside.append(line);
    }
    table.append(inside);
    if (attributes.length) body.append(table);
    details.append(body);
  }

  function item(row) {
    const [id, word, sign] = data.actions[row[ACTION]];
    const details = element("details");
    const summary = element("summary");
    const address = element("span", "address", row[ADDRESS].replace(/^bindings\./, ""));
    if (several && data.providers[row[PROVIDER]]) address.append(" ", element("small", "", data.providers[row[PROVIDER]]));
    summary.append(
      element("span", `action ${id}`, `${sign} ${word}`.trim()), address, element("span", "what", row[WHAT]),
      element("span", "aside", row[ASIDE]), element("span", "source", row[SOURCE]),
    );
    details.append(summary);
    details.addEventListener("toggle", () => opened(details, row));
    const made = element("li");
    made.append(details);
    return made;
  }

  function grow() {
    const added = document.createDocumentFragment();
    const end = Math.min(shown + CHUNK, matches.length);
    for (; shown < end; shown += 1) {
      const row = rows[matches[shown]];
      if (shown === 0 || rows[matches[shown - 1]][SECTION] !== row[SECTION]) {
        const head = element("li");
        const title = element("h3", "", `${data.sections[row[SECTION]][1]} `);
        title.append(element("span", "", figure.format(totals.get(row[SECTION]))));
        head.append(title);
        added.append(head);
      }
      added.append(item(row));
    }
    list.append(added);
    more.hidden = shown >= matches.length;
    if (!more.hidden) more.textContent = `Show more: ${figure.format(matches.length - shown)} below`;
  }

  function apply() {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = filters.map((filter) => {
      const places = filter.boxes.flatMap((box, place) => (box.checked ? [place] : []));
      return places.length ? [filter.member, new Set(places)] : null;
    }).filter(Boolean);
    matches = [];
    totals = new Map();
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows[i];
      if (wanted.every(([member, places]) => places.has(row[member])) && terms.every((term) => haystacks[i].includes(term))) {
        matches.push(i);
        totals.set(row[SECTION], (totals.get(row[SECTION]) ?? 0) + 1);
      }
    }
    shown = 0;
    list.replaceChildren();
    grow();
    const all = figure.format(rows.length);
    count.textContent = matches.length === rows.length ? `${all} entries` : `${figure.format(matches.length)} of ${all} entries`;
  }

  // -- the address --------------------------------------------------------------------------------------------------

  let written = "";

  function write() {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    for (const filter of filters) {
      for (const box of filter.boxes) if (box.checked) state.append(filter.key, box.value);
    }
    written = state.size ? `#${state}` : "";
    history.replaceState(null, "", written || location.pathname + location.search);
  }

  function read() {
    if (location.hash === "#changes") return;
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") ?? "";
    for (const filter of filters) {
      const chosen = state.getAll(filter.key);
      for (const box of filter.boxes) box.checked = chosen.includes(box.value);
    }
    apply();
  }

  // Browsers refuse more than some hundred changes of the address in half a minute.
  let later = 0;
  const changed = () => {
    apply();
    clearTimeout(later);
    later = setTimeout(write, 250);
  };
  search.addEventListener("input", changed);
  choices.addEventListener("change", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    if (location.hash === written) return;
    read();
    if (location.hash !== "#changes") byId("changes").scrollIntoView();
  });

  // -- scrolling and keys -------------------------------------------------------------------------------------------

  more.addEventListener("click", () => {
    const last = list.lastElementChild;
    grow();
    last?.nextElementSibling?.querySelector("summary")?.focus();
  });
  new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting) && !more.hidden) grow();
  }, { rootMargin: "600px" }).observe(more);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && typing && search.value) {
      search.value = "";
      changed();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const summaries = [...list.querySelectorAll("summary")];
      const at = summaries.indexOf(document.activeElement);
      if (at < 0 && !(typing && event.key === "ArrowDown")) return;
      event.preventDefault();
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      if (next < 0) search.focus();
      else (summaries[next] ?? summaries.at(-1))?.focus();
    }
  });

  read();
  if (location.hash === "#changes") apply();
})();
