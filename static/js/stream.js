// One stream, without gap and without duplicate: the socket while it lasts, the poll when it does not, one cursor for both.
const SILENCE_MS = 45_000;
const POLL_MS = 2_000;
const SOCKET_FAILURES_BEFORE_POLLING = 3;
const SOCKET_AGAIN_MS = 30_000;
const LONGEST_WAIT_MS = 20_000;
export const SIGNED_OUT = "you are signed out";

export class Stream {
  /** onEvents(rows) gets new rows in order; onState(word, detail) gets "live", "catching up", "polling" or "offline". */
  constructor(id, { after = 0, onEvents, onState = () => {} }) {
    Object.assign(this, { id, last: after, onEvents, onState, failures: 0, socket: null, timer: 0, turn: 0, state: "", ended: false });
    this.#listen();
    this.#open();
  }

  close() {
    this.ended = true;
    this.#drop();
    clearTimeout(this.timer);
  }

  /** Apply rows that continue the cursor; true when there was a gap. */
  take(rows) {
    const fresh = [];
    let gap = false;
    for (const row of rows) {
      if (row.seq <= this.last) continue;
      if (row.seq !== this.last + 1) { gap = true; break; }
      this.last = row.seq;
      fresh.push(row);
    }
    if (fresh.length) this.onEvents(fresh);
    return gap;
  }

  #listen() {
    // A laptop that slept has sockets that look open and are not: ask at once whether anything was missed.
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") this.#check(); });
    window.addEventListener("online", () => this.#check());
    window.addEventListener("offline", () => this.#say("offline", "this computer has no network"));
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.#again(0); });
  }

  #open() {
    if (this.ended) return;
    clearTimeout(this.timer);
    this.turn += 1;
    this.#drop();
    this.#say("catching up");
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/streams/${this.id}/?after=${this.last}`;
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => this.#heard();
    socket.onmessage = (message) => { if (socket === this.socket) this.#hear(JSON.parse(message.data)); };
    socket.onclose = () => { if (socket === this.socket) this.#lost(); };
    this.#heard();
  }

  #hear(frame) {
    this.#heard();
    if (frame.type === "error") return this.#refused(frame);
    const gap = frame.type === "events" && this.take(frame.events);
    if (gap) return this.#again(0);
    this.failures = 0;
    this.#say(this.last >= (frame.head ?? this.last) ? "live" : "catching up");
    // A heartbeat that knows of more than we have: a knock was lost on the way, read again from here.
    if (frame.type === "head" && frame.head > this.last) this.#again(0);
  }

  /** The server counts less than we do: its stream was replaced, so begin again from its start with a fresh page. */
  #refused(frame) {
    if (frame.code === "bad_position") { this.close(); this.#say("offline", "reload the page"); }
  }

  #heard() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.#again(0), SILENCE_MS);
  }

  #lost() {
    this.socket = null;
    clearTimeout(this.watch);
    this.failures += 1;
    if (this.failures >= SOCKET_FAILURES_BEFORE_POLLING) return this.#poll(Date.now() + SOCKET_AGAIN_MS);
    this.#say("catching up", "reconnecting");
    this.#again(this.#wait());
  }

  #wait() {
    const longest = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures);
    return longest / 2 + Math.random() * longest / 2;
  }

  #again(wait) {
    if (this.ended) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#open(), wait);
  }

  async #poll(until) {
    // A socket opened in the meantime ends the polling: two readers would be right, but would contradict each other's state.
    const turn = this.turn;
    const isOver = () => this.ended || turn !== this.turn;
    if (isOver()) return;
    try {
      const more = await this.#read();
      if (isOver()) return;
      this.#say("polling");
      if (more) return this.#poll(until);
    } catch (problem) {
      if (isOver()) return;
      this.#say("offline", problem.message);
    }
    clearTimeout(this.timer);
    const again = Date.now() > until ? () => this.#open() : () => this.#poll(until);
    this.timer = setTimeout(again, POLL_MS);
  }

  /** Read one page after the cursor; true when there is more. */
  async #read() {
    const response = await fetch(`/api/streams/${this.id}/events?after=${this.last}`, { headers: { Accept: "application/json" } })
      .catch(() => { throw new Error("the portal does not answer"); });
    if (response.status === 401 || response.status === 404) { this.close(); throw this.#final(response.status); }
    if (!response.ok) throw new Error("the portal does not answer");
    const page = await response.json();
    this.take(page.events);
    return page.more;
  }

  #final(status) {
    const detail = status === 401 ? SIGNED_OUT : "this run is no longer yours to see";
    this.ended = false;
    this.#say("offline", detail);
    this.ended = true;
    return new Error(detail);
  }

  #check() {
    if (this.ended) return;
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) { this.failures = 0; return this.#again(0); }
    // The socket may be dead without knowing: a poll tells, and one that finds rows opens a new socket.
    const before = this.last;
    this.#read().then(() => (this.last > before ? this.#again(0) : this.#say("live"))).catch(() => this.#again(this.#wait()));
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.watch);
    if (socket) { socket.onclose = null; socket.close(); }
  }

  #say(word, detail = "") {
    if (word === this.state && detail === this.detail) return;
    this.state = word;
    this.detail = detail;
    this.onState(word, detail);
  }
}
