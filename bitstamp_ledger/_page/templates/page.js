"use strict";
// Finds, chooses and sorts what the page lists.  Without it the page is complete, and cannot do this.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const count = (number) => number.toLocaleString("en");

  const rowOf = (element) => ({ element, text: element.textContent.toLowerCase() });
  const listings = all("[data-listing]").filter((each) => each.querySelector("tbody")).map((box) => ({
    rows: all("tbody tr", box).map(rowOf),
    selects: all("select", box),
    shown: box.querySelector("[data-shown]"),
  }));
  const pairs = all("[data-pair]").map(rowOf);

  const words = () => search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (row, wanted) => wanted.every((word) => row.text.includes(word));
  const chosen = (row, select) =>
    !select.value || `=${row.element.cells[select.dataset.column].textContent}` === select.value;

  const showListing = (listing, wanted) => {
    const selects = listing.selects.filter((select) => select.value);
    let shown = 0;
    for (const row of listing.rows) {
      const visible = holds(row, wanted) && selects.every((select) => chosen(row, select));
      row.element.hidden = !visible;
      shown += visible;
    }
    const narrowed = wanted.length || selects.length;
    listing.shown.textContent = narrowed
      ? `${count(shown)} of ${count(listing.rows.length)} listed rows`
      : "";
    return shown;
  };

  const showAll = () => {
    const wanted = words();
    let shown = 0;
    for (const listing of listings) shown += showListing(listing, wanted);
    for (const pair of pairs) {
      pair.element.hidden = !holds(pair, wanted);
      shown += !pair.element.hidden;
    }
    found.textContent = wanted.length ? `${count(shown)} found` : "";
  };

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(showAll, 120);
  });
  document.getElementById("clear").addEventListener("click", () => {
    search.value = "";
    for (const listing of listings) for (const select of listing.selects) select.value = "";
    showAll();
    search.focus();
  });
  for (const listing of listings) {
    for (const select of listing.selects) {
      select.addEventListener("change", () => showListing(listing, words()));
    }
  }

  // Sorting.  Numbers are compared as such only to order them; what is shown stays as written.
  const number = (text) => Number.parseFloat(text.replaceAll(",", ""));
  const compare = (one, other) => {
    const [first, second] = [number(one), number(other)];
    if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) - Number.isNaN(second);
    return first - second;
  };
  const sort = (header, place) => {
    const body = header.closest("table").tBodies[0];
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const each of header.parentElement.cells) each.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = header.classList.contains("number");
    const order = (one, other) => {
      const [first, second] = [one, other].map((row) => row.cells[place].textContent);
      return (numeric ? compare(first, second) : first < second ? -1 : first > second ? 1 : 0) * (down ? -1 : 1);
    };
    body.append(...[...body.rows].sort(order));
  };
  for (const header of all("[data-listing] thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header, header.cellIndex));
  }

  for (const each of all("[data-needs-script]")) each.hidden = false;
})();
