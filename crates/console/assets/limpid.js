// What htmx does not: how live the page is, and keys. Shows only what the server formatted, but for
// the seconds since the last message.
(() => {
  const live = document.getElementById("live");
  const stream = document.getElementById("stream");
  const keys = document.querySelector(".keys");
  const SILENT_MS = 4000;
  let heard = 0;

  const say = (word, kind) => {
    if (!live) return;
    live.hidden = false;
    live.className = "live " + kind;
    live.textContent = word;
  };

  if (stream && window.htmx) {
    document.addEventListener("htmx:sse:after:message", () => {
      heard = Date.now();
      say("live", "on");
    });
    // The extension closes the stream of a hidden tab and opens it again.
    setInterval(() => {
      if (document.hidden || heard === 0) return;
      const silent = Date.now() - heard;
      if (silent > SILENT_MS) say("not live for " + Math.round(silent / 1000) + " s", "off");
    }, 1000);
  }

  // Keys: `/` to the filter, `g` and a letter to a page.
  if (keys) keys.hidden = false;
  const pages = { o: 0, t: 1, g: 2 };
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      const filter = document.querySelector("input[type=search]");
      if (filter) {
        event.preventDefault();
        filter.focus();
        filter.select();
      }
      return;
    }
    if (going && event.key in pages) {
      const link = document.querySelectorAll("header nav a")[pages[event.key]];
      going = false;
      if (link) link.click();
      return;
    }
    going = event.key === "g";
  });
})();
