// The log of a run: the newest lines, followed or not, searched, errors pinned on top.
const MOST_LINES = 2000;
const MOST_PINNED = 5;

export class Log {
  constructor(root) {
    this.lines = root.querySelector(".lines");
    this.pinned = root.querySelector(".pinned");
    this.follow = root.querySelector("#log-follow");
    this.search = root.querySelector("#log-search");
    this.follow.addEventListener("click", () => this.#setFollow(!this.follows));
    this.search.addEventListener("input", () => this.#filter());
    // Scrolling up is a wish to read: stop following; scrolling to the end goes on.
    this.lines.addEventListener("scroll", () => this.#setFollow(this.#atEnd, { quietly: true }));
  }

  get follows() { return this.follow.getAttribute("aria-pressed") === "true"; }

  get #atEnd() { return this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 24; }

  append(rows) {
    const made = rows.map(line).filter(Boolean).slice(-MOST_LINES);
    if (!made.length) return;
    const following = this.follows;
    this.lines.append(...made.map((each) => this.#item(each)));
    while (this.lines.childElementCount > MOST_LINES) this.lines.firstElementChild.remove();
    for (const each of made) if (each.level === "error") this.#pin(each);
    if (following) this.#toEnd();
  }

  #item({ at, level, text }) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString("en-GB");
    const words = document.createElement("span");
    words.className = level;
    words.textContent = level === "warning" || level === "error" ? `${level}: ${text}` : text;
    item.append(time, words);
    item.hidden = !this.#matches(item);
    return item;
  }

  #pin({ text }) {
    const line = document.createElement("p");
    line.textContent = `✕ ${text}`;
    this.pinned.append(line);
    while (this.pinned.childElementCount > MOST_PINNED) this.pinned.firstElementChild.remove();
  }

  #matches(item) { return item.textContent.toLowerCase().includes(this.search.value.trim().toLowerCase()); }

  #filter() {
    for (const item of this.lines.children) item.hidden = !this.#matches(item);
  }

  #setFollow(on, { quietly = false } = {}) {
    this.follow.setAttribute("aria-pressed", String(on));
    if (on && !quietly) this.#toEnd();
  }

  #toEnd() { this.lines.scrollTop = this.lines.scrollHeight; }
}

/** What a row says in the log; nothing for rows that the charts draw. */
function line({ at, type, body }) {
  const said = SAID[type]?.(body);
  return said ? { at, level: "info", ...said } : null;
}

const SAID = {
  log: (body) => ({ level: body.level, text: body.message }),
  started: (body) => ({ text: `${body.resumed ? "resumed" : "started"}, attempt ${body.attempt}` }),
  variant: (body) => ({ text: `variant ${body.name}: ${body.facts.params.toLocaleString("en")} parameters` }),
  file: (body) => ({ level: "debug", text: `file ${body.name}` }),
  finished: (body) => ({ text: `finished after ${body.seconds.toFixed(1)} s` }),
  failed: (body) => ({ level: "error", text: body.reason }),
  cancelled: (body) => ({ text: body.by ? `cancelled by ${body.by}` : "cancelled" }),
  changed: (body) => ({ text: `${body.by} set ${Object.entries(body.values).map(([name, value]) => `${name} to ${value === "" ? "nothing" : value}`).join(", ")}` }),
  status: (body) => ({ level: "debug", text: [body.status, body.worker && `on ${body.worker}`, body.reason].filter(Boolean).join(" ") }),
};
