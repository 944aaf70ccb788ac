// A part of the page that somebody has begun to work in is not replaced, not even by an answer that was already on its way.

/** Leave the part `id` as it is while `isHeld(part)`, and call `again` instead. What the user has sent is always shown. */
export function spare(id, isHeld, again) {
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== id || detail.requestConfig.verb !== "get" || !isHeld(detail.target)) return;
    detail.shouldSwap = false;
    again();
  });
}
