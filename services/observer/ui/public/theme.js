// Runs before the first paint, so that whoever chose a theme never sees the other one flash.
try {
  const chosen = localStorage.getItem("quadrille.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme is right then.
}
