"use strict";
// What the report and the dashboard share: figures in the reader's colours, their PNG and CSV, tables that sort.
window.tinynas = (() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 560px)");
  const order = new Map(); // of each table: which column sorts it, and how
  const drawn = new Map(); // of each figure: what it was drawn from, and in which look

  // Figures have the colours of the light theme; a dark one has others in their place.
  const themed = (value, names, palette) => {
    if (Array.isArray(value)) return value.map((item) => themed(item, names, palette));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, names, palette)]));
    }
    return typeof value === "string" && names.has(value) ? palette[names.get(value)] : value;
  };

  const draw = (id, figure, palettes) => {
    const place = document.getElementById(id);
    if (!place || !figure) return;
    // Most figures are as they were: to draw is what takes time.
    const made = JSON.stringify([figure, dark.matches, narrow.matches]);
    if (drawn.get(id) === made && place.data) return;
    drawn.set(id, made);
    const names = new Map(Object.entries(palettes.light).map(([name, colour]) => [colour, name]));
    const { data, layout } = themed(figure, names, palettes[dark.matches ? "dark" : "light"]);
    if (narrow.matches) layout.font.size = 11;
    // On a phone a finger scrolls the page; it must not be caught by a figure.
    layout.dragmode = narrow.matches ? false : "zoom";
    layout.uirevision = id; // a zoom outlives new data
    const height = `${layout.height || 0}px`;
    if (layout.height) place.style.minHeight = height;
    Plotly.react(place, data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
  };

  const nameOf = (place) => {
    const words = `${document.title} ${place.id}`.toLowerCase().match(/[a-z0-9]+/g) || ["figure"];
    return words.join("-").slice(0, 80);
  };

  const saveAs = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // A cell that begins like a formula would be one in a spreadsheet.
  const quoted = (value) => {
    let text = value === null || value === undefined ? "" : String(value).replace(/<br>/g, "; ").replace(/<[^>]*>/g, "");
    for (const [from, to] of [["&lt;", "<"], ["&gt;", ">"], ["&quot;", '"'], ["&#x27;", "'"], ["&amp;", "&"]]) {
      text = text.replaceAll(from, to);
    }
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const csvOf = (place) => {
    const title = (axis) => ((place.layout[axis] || {}).title || {}).text || axis[0];
    const rows = [["series", title("xaxis"), title("yaxis"), "trial", "note"]];
    for (const trace of place.data) {
      const count = Math.max((trace.x || []).length, (trace.y || []).length);
      for (let index = 0; index < count; index += 1) {
        const at = (list) => (Array.isArray(list) ? list[index] : undefined);
        rows.push([trace.name, at(trace.x), at(trace.y), at(trace.text), at(trace.customdata)]);
      }
    }
    return rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
  };

  const save = (button) => {
    const place = button.closest("figure").querySelector(".plot");
    if (!place || !place.data) return;
    if (button.dataset.save === "csv") saveAs(`${nameOf(place)}.csv`, "text/csv;charset=utf-8", csvOf(place));
    else Plotly.downloadImage(place, { format: "png", scale: 2, filename: nameOf(place) });
  };

  // A column sorts by the data-sort of its cells (numbers as numbers); unknown values stay at the end.
  const sortBy = (table, column, ascending) => {
    const body = table.tBodies[0];
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const [x, y] = [Number(a), Number(b)];
      const sign = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
      return ascending ? sign : -sign;
    };
    const headers = [...table.tHead.rows].at(-1).cells;
    [...headers].forEach((other, index) => {
      if (index === column) other.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else other.removeAttribute("aria-sort");
    });
    body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
  };

  const tableKey = (table) => {
    const section = table.closest("section");
    return `${section ? section.id : ""}/${section ? [...section.querySelectorAll("table")].indexOf(table) : 0}`;
  };

  const restoreOrder = (root) => {
    for (const table of root.querySelectorAll("table.sortable")) {
      const kept = order.get(tableKey(table));
      if (kept) sortBy(table, kept.column, kept.ascending);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.save) {
      save(button);
      return;
    }
    const header = button.closest("table.sortable thead th");
    if (!header) return;
    const [table, column] = [header.closest("table"), header.cellIndex];
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    order.set(tableKey(table), { column, ascending });
    sortBy(table, column, ascending);
  });

  let page = { figures: {}, trajectories: [], palettes: {} };
  const drawTrajectory = () => {
    const select = document.getElementById("recording");
    if (!select) return;
    draw("trajectory", page.trajectories[Number(select.value)], page.palettes);
    const { textContent } = select.selectedOptions[0];
    document.getElementById("trajectory").setAttribute("aria-label", `True and predicted path of ${textContent}`);
  };
  const drawAll = () => {
    for (const [id, figure] of Object.entries(page.figures)) draw(id, figure, page.palettes);
    drawTrajectory();
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "recording") drawTrajectory();
  });
  for (const media of [dark, narrow]) media.addEventListener("change", drawAll);

  return {
    restoreOrder,
    show: (shown) => {
      page = shown;
      drawAll();
    },
  };
})();
