// Before anything is drawn: the theme, and for the server the viewer's time zone.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  if (!root.hasAttribute("data-bs-theme")) {
    follow();
    dark.addEventListener("change", follow);
  }
  root.classList.add("scripts");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const told = document.cookie.split("; ").includes("zone=" + zone);
  if (zone && !told) {
    document.cookie = "zone=" + zone + "; path=/; max-age=31536000; samesite=lax";
  }
})();
