(function () {
  "use strict";
  var table = document.getElementById("candidate-list");
  if (!table) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var words = document.getElementById("filter-words");
  var role = document.getElementById("filter-role");
  var shown = document.getElementById("filter-count");

  function sortKey(row, column) { return row.cells[column].getAttribute("data-sort"); }

  function compare(a, b, isNumeric) {
    if (a === "" || b === "") { return a === b ? 0 : (a === "" ? 2 : -2); }
    return isNumeric ? parseFloat(a) - parseFloat(b) : a.localeCompare(b);
  }

  function sortBy(button) {
    var header = button.closest("th");
    var column = parseInt(button.getAttribute("data-column"), 10);
    var isDown = header.getAttribute("aria-sort") === "ascending";
    var isNumeric = button.hasAttribute("data-numeric");
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
    header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    rows.sort(function (left, right) {
      var order = compare(sortKey(left, column), sortKey(right, column), isNumeric);
      return Math.abs(order) === 2 && (sortKey(left, column) === "" || sortKey(right, column) === "")
        ? order : (isDown ? -order : order);
    });
    rows.forEach(function (row) { body.appendChild(row); });
  }

  function filter() {
    var wanted = words.value.trim().toLowerCase();
    var count = 0;
    rows.forEach(function (row) {
      var fits = (!role.value || row.getAttribute("data-role") === role.value) &&
        (!wanted || row.textContent.toLowerCase().indexOf(wanted) >= 0);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = count + " of " + rows.length;
  }

  table.querySelectorAll("button[data-column]").forEach(function (button) {
    button.addEventListener("click", function () { sortBy(button); });
  });
  words.addEventListener("input", filter);
  role.addEventListener("change", filter);
  filter();
})();
