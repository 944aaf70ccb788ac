// What the server says of blocks, as the rows that a chart of bars takes.
/** The bars of each device as the rows that a chart takes. */
export function bars({ bars: devices, spans }) {
  return Object.entries(devices).flatMap(([device, values]) => values.map(([value, low, high], i) =>
    ({ type: "metric", body: { name: "block_ms", value, low, high, labels: { block: String(i + 1), device }, told: spans[i][0] === spans[i][1] ? spans[i][0] : `${spans[i][0]} … ${spans[i][1]}` } })));
}
