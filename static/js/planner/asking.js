// Questions to the planner, at most one on its way: while it is, only the newest waits. Answers come in the order in which was
// asked; who does not answer is asked again, more and more seldom.
const AGAIN_MS = [1000, 2000, 4000, 8000];
const TAB = Math.random().toString(36).slice(2);

export class Asking {
  constructor(address, { paint, silence }) {
    Object.assign(this, { address, paint, silence, next: null, isOut: false, tries: 0, timer: 0 });
  }

  /** Whether something is on its way, or will be. */
  get waits() { return this.isOut || this.next !== null || this.timer !== 0; }

  ask(query, isWhole = false) {
    // A form that has to be painted is, even when the next question needs none.
    this.next = { query, isWhole: isWhole || Boolean(this.next?.isWhole) };
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.isOut) this.#go();
  }

  async #go() {
    const asked = this.next;
    this.next = null;
    this.isOut = true;
    const text = await this.#fetched(asked);
    this.isOut = false;
    if (this.next) {
      // Who drags sees each answer on the way; what is shown at the end is the last one's.
      if (text && !asked.isWhole && !text.includes('"silent": true')) this.paint(text, false, false);
      this.next.isWhole ||= asked.isWhole;
      return this.#go();
    }
    if (text === "") return this.#again(asked);
    if (text === null) return this.#later(asked);
    if (text.includes('"silent": true')) this.#later(asked); else this.tries = 0;
    this.paint(text, asked.isWhole && !text.includes('"silent": true'), true);
  }

  async #fetched({ query, isWhole }) {
    const address = new URLSearchParams(query);
    if (isWhole) address.set("part", "all");
    try {
      const answer = await fetch(`${this.address}?${address}`, { headers: { "X-Tab": TAB, Accept: "text/html" } });
      if (answer.status === 204) return "";
      if (answer.redirected || answer.status === 401 || answer.status === 403) return void location.reload();
      return answer.ok ? await answer.text() : null;
    } catch { return null; }
  }

  #later(asked) {
    this.silence(true);
    this.#again(asked);
  }

  /** Never at once: whatever the reason, who is asked without a pause is asked for ever. */
  #again(asked) {
    const wait = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)];
    this.tries += 1;
    this.timer = setTimeout(() => { this.timer = 0; if (!this.next) this.ask(asked.query, asked.isWhole); }, wait);
  }
}
