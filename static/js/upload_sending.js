// One file on its way: in parts, with speed and time left, going on by itself when the line was cut and where it stopped.
import { sizeWords, spanWords } from "./upload_words.js";

const EDGE_BYTES = 262_144;
const SPEED_MS = 4000;
const LONGEST_WAIT_MS = 15_000;

const UNREADABLE = "The browser cannot read this file; a folder cannot be sent.";

class Refused extends Error {}
class Cut extends Error {}

export class Sending {
  constructor(file, { kind, options, token, list, announce, changed, limit }) {
    Object.assign(this, { file, kind, options, token, announce, changed, limit, failures: 0, isPaused: false, isOver: false, marks: [] });
    this.row = this.#draw(list);
  }

  /** Send the whole file; resolves when it is checked by the server, refused, or abandoned. */
  async run() {
    try {
      if (this.isOver) return;
      if (this.file.size > this.limit) throw new Refused(`It has ${sizeWords(this.file.size)}; at most ${sizeWords(this.limit)} are taken.`);
      await this.#begin();
      while (this.sent < this.file.size && !this.isOver) await this.#step();
      if (!this.isOver) await this.#until(() => this.#ask("POST", `/api/uploads/${this.id}/finish`));
      this.#gone();
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      this.#refuse(problem.message);
    }
  }

  async #begin() {
    this.#say("reading");
    await this.#gather();
    const fingerprint = await this.#fingerprint();
    const body = { kind: this.kind, name: this.file.name, size_bytes: this.file.size, options: this.options, fingerprint };
    const found = await this.#until(() => this.#ask("POST", "/api/uploads", body));
    if (!found) return;
    Object.assign(this, { id: found.id, part: found.part_bytes, sent: found.received_bytes });
    // Abandoned while it was asked for.
    if (this.isOver) return void (await this.#forget());
    this.row.dataset.sending = this.id;
    if (this.sent) this.announce(`Going on with ${this.file.name} where it stopped.`);
    this.changed();
    this.#show(this.sent);
  }

  /** Several files that belong together become one here, when their turn has come. */
  async #gather() {
    if (!this.file.whole) return;
    try {
      this.file = await this.file.whole();
    } catch {
      throw new Refused(UNREADABLE);
    }
  }

  /** The next part; the server says where it stands, which is where we go on. */
  async #step() {
    while (this.isPaused && !this.isOver) await this.#pause(60_000);
    if (this.isOver) return;
    const found = await this.#until(() => this.#put());
    if (found) this.sent = found.received_bytes;
    this.#show(this.sent);
  }

  /** What the file is known again by: its edges and its date, so that another file of that name is not mixed with it. */
  async #fingerprint() {
    const plain = `${this.file.lastModified}-${this.file.size}`;
    if (!crypto.subtle) return plain;
    try {
      const edges = await new Blob([this.file.slice(0, EDGE_BYTES), this.file.slice(-EDGE_BYTES), plain]).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", edges));
      return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    } catch {
      throw new Refused(UNREADABLE);
    }
  }

  /** Try until it is answered; the portal may be away for a while, or the line. */
  async #until(act) {
    for (;;) {
      try {
        const answer = await act();
        this.failures = 0;
        return answer;
      } catch (problem) {
        if (!(problem instanceof Cut)) throw problem;
        const wasPaused = this.isPaused;
        while (this.isPaused && !this.isOver) { this.#say("paused"); await this.#pause(60_000); }
        if (this.isOver) return null;
        if (wasPaused) continue;
        this.failures += 1;
        this.#say("the portal does not answer; going on by itself");
        await this.#pause(Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures));
      }
    }
  }

  /** Wait, but no longer than until the network is back, or somebody wants to go on. */
  #pause(ms) {
    return new Promise((done) => {
      const end = () => { clearTimeout(timer); window.removeEventListener("online", end); this.wake = null; done(); };
      const timer = setTimeout(end, ms);
      window.addEventListener("online", end);
      this.wake = end;
    });
  }

  async #ask(method, path, body) {
    const headers = { "X-CSRFToken": this.token, Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => { throw new Cut(); });
    return this.#read(answer.status, await answer.text());
  }

  /** XMLHttpRequest, because fetch does not tell how much of a body has gone out. */
  #put() {
    return new Promise((done, fail) => {
      const asked = new XMLHttpRequest();
      this.asked = asked;
      asked.open("PUT", `/api/uploads/${this.id}/parts?offset=${this.sent}`);
      asked.setRequestHeader("X-CSRFToken", this.token);
      asked.setRequestHeader("Content-Type", "application/octet-stream");
      asked.timeout = 120_000;
      asked.upload.onprogress = ({ loaded }) => this.#show(this.sent + loaded);
      asked.onload = () => { try { done(this.#read(asked.status, asked.responseText)); } catch (problem) { fail(problem); } };
      asked.onerror = asked.onabort = asked.ontimeout = () => fail(new Cut());
      asked.send(this.file.slice(this.sent, this.sent + this.part));
    });
  }

  #read(status, text) {
    const body = parsed(text);
    if (status < 300) return body;
    // A part that is here already, or out of order: the answer says where to go on.
    if (status === 409 && body.state === "receiving") return body;
    if (status === 401) throw new Refused("You are signed out. Sign in and drop the file again: it goes on where it stopped.");
    if (status === 408 || status === 429 || status >= 500 || !status) throw new Cut();
    throw new Refused(body.title ?? "The portal refused it.");
  }

  #draw(list) {
    const row = document.createElement("li");
    row.className = "upload";
    row.innerHTML = '<div class="line"><b></b> <span class="muted nowrap size"></span> <span class="muted said"></span><span class="grow"></span><button type="button" class="button small pause">Pause</button><button type="button" class="button small stop">Abandon</button></div><progress max="1" value="0"></progress>';
    row.querySelector("b").textContent = this.file.name;
    row.querySelector(".size").textContent = sizeWords(this.file.size);
    row.querySelector("progress").setAttribute("aria-label", this.file.name);
    row.querySelector(".pause").addEventListener("click", () => this.#toggle());
    row.querySelector(".stop").addEventListener("click", () => this.#abandon());
    list.append(row);
    this.#put_words(row, "waits");
    return row;
  }

  #toggle() {
    this.isPaused = !this.isPaused;
    this.row.querySelector(".pause").textContent = this.isPaused ? "Go on" : "Pause";
    if (this.isPaused) { this.asked?.abort(); this.#say("paused"); }
    else this.wake?.();
    this.marks = [];
  }

  async #abandon() {
    this.isOver = true;
    this.asked?.abort();
    this.wake?.();
    if (this.id) await this.#forget();
    this.#gone();
  }

  /** Of what did not go away the list tells, with a button of its own. */
  #forget() {
    return this.#ask("DELETE", `/api/uploads/${this.id}`).catch(() => {});
  }

  #gone() {
    this.isOver = true;
    this.row.remove();
    this.changed();
  }

  #refuse(text) {
    this.isOver = true;
    this.row.classList.add("is-refused");
    this.row.querySelector("progress").remove();
    this.row.querySelector(".pause").remove();
    this.#say("refused");
    const why = document.createElement("p");
    why.className = "why";
    why.textContent = text;
    this.row.append(why);
    const button = this.row.querySelector(".stop");
    button.textContent = "Dismiss";
    this.announce(`Refused. ${text}`);
  }

  #show(done) {
    const now = performance.now();
    this.marks = [...this.marks.filter((mark) => now - mark.at < SPEED_MS), { at: now, done }];
    this.row.querySelector("progress").value = done / this.file.size;
    const [first] = this.marks;
    const speed = (done - first.done) / Math.max(0.001, (now - first.at) / 1000);
    const words = [`${Math.floor((100 * done) / this.file.size)} %`];
    if (speed > 0 && now - first.at > 300) words.push(`${sizeWords(speed)}/s`, `${spanWords((this.file.size - done) / speed)} left`);
    if (!this.isPaused) this.#say(words.join(" · "));
  }

  #say(text) {
    this.#put_words(this.row, text);
  }

  #put_words(row, text) {
    row.querySelector(".said").textContent = text;
  }
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return {}; }
}
