/* Looks every few seconds whether the run has changed, and then renews the parts of the page marked data-live. */
(function () {
  "use strict";
  var PAUSE_MS = 3000;
  var root = document.documentElement;
  var status = document.getElementById("live");

  function say(text, isLost) {
    if (status.textContent !== text) { status.textContent = text; }
    status.classList.toggle("lost", isLost);
  }

  function renew(text, stamp) {
    var fresh = new DOMParser().parseFromString(text, "text/html");
    var focused = document.activeElement && document.activeElement.id;
    document.querySelectorAll("[data-live]").forEach(function (part) {
      var other = fresh.getElementById(part.id);
      if (!other) { return; }
      var open = Array.prototype.map.call(part.querySelectorAll("details"), function (item) { return item.open; });
      part.innerHTML = other.innerHTML;
      part.querySelectorAll("details").forEach(function (item, i) { if (i < open.length) { item.open = open[i]; } });
    });
    if (focused && document.getElementById(focused)) { document.getElementById(focused).focus(); }
    root.setAttribute("data-stamp", stamp);
    say("live", false);
  }

  async function look() {
    try {
      var answer = await fetch("/stamp");
      var stamp = (await answer.json()).stamp;
      var hasChanged = stamp !== root.getAttribute("data-stamp");
      var isLive = document.querySelector("[data-live]");
      if (hasChanged && !isLive) { say("the run has changed: reload to see it", false); }
      else if (isLive && (hasChanged || document.querySelector("[data-live=always]"))) {
        var page = await fetch(window.location.pathname);
        if (page.ok) { renew(await page.text(), stamp); }
      } else { say("live", false); }
    } catch (error) {
      say("the dashboard has stopped; start it again with heliosc dashboard", true);
    }
    window.setTimeout(look, PAUSE_MS);
  }

  window.setTimeout(look, PAUSE_MS);
})();
