"use strict";
(() => {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 560px)");
  // Where nothing hovers, Plotly would show its buttons all the time, over the legend.
  const buttons = window.matchMedia("(hover: hover)").matches ? "hover" : false;

  // Figures name their colours ("theme:accent"); the theme decides what they are.
  const themed = (value, palette) => {
    if (Array.isArray(value)) return value.map((item) => themed(item, palette));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, palette)]));
    }
    if (typeof value === "string" && value.startsWith("theme:")) return palette[value.slice(6)] ?? value;
    return value;
  };

  const chosen = () => {
    const select = document.getElementById("recording");
    return select ? page.trajectories[Number(select.value)] : undefined;
  };

  const draw = (id, figure) => {
    const place = document.getElementById(id);
    if (!place || !figure) return;
    const { data, layout } = themed(figure, page.palettes[dark.matches ? "dark" : "light"]);
    if (narrow.matches) layout.font.size = 11;
    // On a phone a finger scrolls the page; it must not be caught by a figure.
    layout.dragmode = narrow.matches ? false : "zoom";
    const label = place.getAttribute("aria-label") || "figure";
    Plotly.react(place, data, layout, {
      responsive: true, displaylogo: false, displayModeBar: buttons,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: label.slice(0, 40) },
    });
  };

  const drawTrajectory = () => {
    draw("trajectory", chosen());
    const select = document.getElementById("recording");
    if (select) {
      const name = select.selectedOptions[0].textContent;
      document.getElementById("trajectory").setAttribute("aria-label", `True and predicted path of ${name}`);
    }
  };
  const drawAll = () => {
    for (const [id, figure] of Object.entries(page.figures)) draw(id, figure);
    drawTrajectory();
  };

  // A column sorts by the data-sort of its cells (numbers as numbers); unknown values stay at the end.
  const sortBy = (table, column, ascending) => {
    const body = table.tBodies[0];
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const [x, y] = [Number(a), Number(b)];
      const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
      return ascending ? order : -order;
    };
    body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const headers = [...[...table.tHead.rows].at(-1).cells];
    headers.forEach((header, column) => {
      header.querySelector("button")?.addEventListener("click", () => {
        const ascending = header.getAttribute("aria-sort") !== "ascending";
        headers.forEach((other) => other.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sortBy(table, column, ascending);
      });
    });
  }

  document.getElementById("recording")?.addEventListener("change", drawTrajectory);
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  drawAll();
})();
