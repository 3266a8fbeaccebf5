// What pages do beyond their forms and htmx: the menu on small screens, copying, the theme, asking before an act.
(() => {
  const root = document.documentElement;

  function prepare(within) {
    for (const button of within.querySelectorAll("[data-copy], [data-theme]")) button.hidden = false;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.toggle) {
      const part = document.getElementById(button.dataset.toggle);
      const shown = part.classList.toggle("show");
      button.setAttribute("aria-expanded", String(shown));
    } else if ("copy" in button.dataset) {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    } else if ("theme" in button.dataset) {
      const theme = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", theme);
      document.cookie = "theme=" + theme + "; path=/; max-age=31536000; samesite=lax";
    }
  });

  // A checkbox that ticks all others of its form with the name it tells.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.all;
    if (!name) return;
    for (const box of event.target.form.querySelectorAll('input[type="checkbox"][name="' + name + '"]')) {
      box.checked = event.target.checked;
    }
  });

  // Forms are sent once: a second click while the first is under way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-many")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // A part that looks anew by itself lets people read what they unfolded, and press what they have reached.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (!part.hasAttribute("data-undisturbed")) return;
    if (part.querySelector("details[open]") || part.contains(document.activeElement)) event.preventDefault();
  });
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  // An answer that is an error is shown as what it is, not swallowed.
  document.addEventListener("htmx:responseError", (event) => {
    const place = document.getElementById("messages");
    if (!place || event.detail.xhr.status === 404) return;
    const notice = document.createElement("div");
    notice.className = "notice notice-error";
    const status = event.detail.xhr.status;
    notice.textContent = status === 503 ? place.dataset.away : place.dataset.failed + " " + status;
    place.replaceChildren(notice);
  });
  prepare(document);
})();
