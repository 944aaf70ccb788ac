// The form of a criterion: the unit of the bound, and only the fields that the metric depends on.
const place = document.querySelector(".criterion");
const known = JSON.parse(document.getElementById("meanings")?.textContent ?? "{}");

function show(isChosen) {
  const field = (name) => place.querySelector(`[name=${name}]`);
  const meant = known[field("metric").value];
  if (!meant) return;
  for (const name of ["device", "dataset"]) field(name).closest(".field").hidden = ![name, "both"].includes(meant.depends);
  if (isChosen) field("comparison").value = meant.comparison;
  let unit = place.querySelector(".bound-unit");
  if (!unit) {
    unit = document.createElement("span");
    unit.className = "unit bound-unit";
    field("bound").after(unit);
  }
  unit.textContent = meant.unit;
}

if (place) {
  const metric = place.querySelector("[name=metric]");
  metric.addEventListener("change", () => show(true));
  // A fresh form begins with the side that its first metric usually has; a typed one stays as it was.
  show(!place.querySelector("[name=bound]").value);
}
