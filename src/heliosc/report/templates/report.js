/* What lies below the first screen is laid out and decoded after the page has opened, section by section. */
(function () {
  "use strict";
  var wait = window.requestIdleCallback || function (next) { window.setTimeout(next, 1); };
  var sections = Array.prototype.slice.call(document.querySelectorAll("main > section"));

  function settle() {
    var section = sections.shift();
    if (!section) { document.documentElement.setAttribute("data-settled", ""); return; }
    section.querySelectorAll("img[loading]").forEach(function (image) { image.loading = "eager"; });
    section.classList.add("settled");
    wait(settle);
  }
  window.addEventListener("load", function () { wait(settle); });
})();

(function () {
  "use strict";
  var table = document.getElementById("candidate-list");
  if (!table) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var fields = {};
  ["words", "role", "verdict", "key", "low", "high"].forEach(function (name) {
    fields[name] = document.getElementById("filter-" + name);
  });

  function sortKey(row, column) {
    var cell = row.cells[column];
    return cell.hasAttribute("data-sort") ? cell.getAttribute("data-sort") : cell.textContent;
  }

  /* Missing values stand last, whichever way the column is sorted. */
  function sortBy(button) {
    var header = button.closest("th");
    var column = parseInt(button.getAttribute("data-column"), 10);
    var direction = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    var isNumeric = button.hasAttribute("data-numeric");
    var keys = new Map(rows.map(function (row) { return [row, sortKey(row, column)]; }));
    rows.sort(function (left, right) {
      var a = keys.get(left), b = keys.get(right);
      if (a === "" || b === "") { return a === b ? 0 : (a === "" ? 1 : -1); }
      return direction * (isNumeric ? parseFloat(a) - parseFloat(b) : a.localeCompare(b));
    });
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
    header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    body.append.apply(body, rows);
  }

  function isBetween(row) {
    if (!fields.key || (fields.low.value === "" && fields.high.value === "")) { return true; }
    var text = sortKey(row, parseInt(fields.key.value, 10));
    var value = parseFloat(text);
    return text !== "" && (fields.low.value === "" || value >= parseFloat(fields.low.value)) &&
      (fields.high.value === "" || value <= parseFloat(fields.high.value));
  }

  function filter() {
    var wanted = fields.words.value.trim().toLowerCase();
    var count = 0;
    rows.forEach(function (row) {
      var fits = (!fields.role.value || row.getAttribute("data-role") === fields.role.value) &&
        (!fields.verdict.value || row.getAttribute("data-verdict") === fields.verdict.value) &&
        (!wanted || row.textContent.toLowerCase().indexOf(wanted) >= 0) && isBetween(row);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    document.getElementById("filter-count").textContent = count + " of " + rows.length;
  }

  function reset() {
    ["words", "role", "verdict", "low", "high"].forEach(function (name) {
      if (fields[name]) { fields[name].value = ""; }
    });
    filter();
  }

  table.querySelectorAll("button[data-column]").forEach(function (button) {
    button.addEventListener("click", function () { sortBy(button); });
  });
  Object.keys(fields).forEach(function (name) {
    if (fields[name]) { fields[name].addEventListener("input", filter); }
  });
  document.getElementById("filter-reset").addEventListener("click", reset);
  filter();
})();
