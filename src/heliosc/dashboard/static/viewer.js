/* Shows an optimised geometry with 3Dmol.js. */
(function () {
  "use strict";
  var box = document.getElementById("viewer");
  if (!box) { return; }
  var viewer = window.$3Dmol && window.$3Dmol.createViewer(box, { backgroundColor: "white" });
  if (!viewer) {
    box.textContent = "This browser cannot draw in three dimensions (no WebGL); the geometries can be saved below.";
    return;
  }

  async function show(state) {
    var answer = await fetch(box.getAttribute("data-base") + state + ".xyz");
    viewer.removeAllModels();
    viewer.addModel(await answer.text(), "xyz");
    viewer.setStyle({}, { stick: { radius: 0.13 }, sphere: { scale: 0.24 } });
    viewer.zoomTo();
    viewer.render();
    box.setAttribute("data-shown", state);
  }

  var buttons = document.querySelectorAll("button[data-state]");
  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      buttons.forEach(function (other) { other.setAttribute("aria-pressed", String(other === button)); });
      show(button.getAttribute("data-state"));
    });
  });
  show(buttons[0].getAttribute("data-state"));
})();
