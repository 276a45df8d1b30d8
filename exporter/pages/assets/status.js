// Keeps the page fresh without losing the place: scroll, focus, selection and what is typed stay.
"use strict";
(() => {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const notice = document.getElementById("notice");
  let tag = document.body.dataset.tag;
  let aheadMs = 0; // of this machine's clock, the exporter's is

  function ago(moment) {
    const seconds = Math.round((Date.now() + aheadMs - moment) / 1000);
    const [length, unit] = UNITS.find(([length]) => Math.abs(seconds) >= length) || [1, "s"];
    const number = `${Math.floor(Math.abs(seconds) / length)} ${unit}`;
    return seconds < 0 ? `in ${number}` : `${number} ago`;
  }

  function showAges() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const words = ago(Date.parse(time.dateTime));
      if (time.textContent !== words && !isSelecting()) time.textContent = words;
    }
  }

  function showCopyButtons() {
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  }

  function isSelecting() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed;
  }

  function say(words) {
    if (notice.textContent !== words) notice.textContent = words;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // without TLS there is no clipboard but this one
      const area = document.createElement("textarea");
      const focused = document.activeElement;
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      focused.focus({ preventScroll: true });
    }
    say("The id was copied.");
  }

  // A reload of the settings may add and remove projects; what is chosen stays.
  function replaceOptions(next) {
    for (const select of document.querySelectorAll("select")) {
      const fresh = next.querySelector(`select[name="${select.name}"]`);
      if (!fresh || fresh.innerHTML === select.innerHTML) continue;
      const chosen = select.value;
      select.replaceChildren(...fresh.childNodes);
      select.value = chosen;
      if (select.selectedIndex < 0) select.value = "";
    }
  }

  function replaceLive(next) {
    const key = document.activeElement.dataset.key;
    const { scrollX, scrollY } = window;
    for (const live of document.querySelectorAll("[data-live]")) {
      const fresh = next.querySelector(`[data-live="${live.dataset.live}"]`);
      if (fresh) live.replaceChildren(...fresh.childNodes);
    }
    replaceOptions(next);
    showCopyButtons();
    showAges();
    if (key !== undefined) {
      for (const element of document.querySelectorAll("[data-key]")) {
        if (element.dataset.key === key) element.focus({ preventScroll: true });
      }
    }
    window.scrollTo(scrollX, scrollY);
  }

  async function refresh() {
    if (document.hidden || isSelecting()) return;
    try {
      const options = { cache: "no-store", headers: { "If-None-Match": tag } };
      const answer = await fetch(location.href, options);
      const date = Date.parse(answer.headers.get("Date"));
      if (!Number.isNaN(date) && Math.abs(date - Date.now() - aheadMs) > 2000) aheadMs = date - Date.now();
      if (answer.status === 200) {
        replaceLive(new DOMParser().parseFromString(await answer.text(), "text/html"));
        tag = answer.headers.get("ETag");
      }
      const isGone = answer.status === 404;
      say(isGone ? "This job is no longer followed." : answer.status < 400 ? "" : `HTTP ${answer.status}`);
    } catch {
      say("The exporter does not answer.");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button.dataset.copy);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  showCopyButtons();
  showAges();
  setInterval(showAges, 1000);
  setInterval(refresh, Number(document.body.dataset.refreshSeconds) * 1000);
})();
