// Parts of a page that are brought anew: one request for each at a time, and never under the hands of somebody who works in it.
const LONGEST_MS = 60_000;
const out = new Map();

/**
 * Put the part `id` as it now is in its place. What is asked for while an answer is on its way is asked once more after it: htmx
 * would leave it out, because the part in whose name it was asked is gone by then.
 */
export async function bring(id, address, more = {}) {
  if (out.has(id)) return void out.set(id, [address, more]);
  const place = document.getElementById(id);
  if (!place) return;
  out.set(id, null);
  const answered = window.htmx.ajax("GET", address, { source: place, target: place, swap: "outerHTML", ...more }).catch(() => {});
  await Promise.race([answered, new Promise((done) => { setTimeout(done, LONGEST_MS); })]);
  const next = out.get(id);
  out.delete(id);
  if (next) bring(id, ...next);
}

/** Leave the part `id` as it is while `isHeld(part)`, and call `again` instead. What the user has sent is always shown. */
export function spare(id, isHeld, again) {
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== id || detail.requestConfig.verb !== "get" || !isHeld(detail.target)) return;
    detail.shouldSwap = false;
    again();
  });
}
