/** Functions that measure their own host service calls, and the plain client's calls beside them. */
export const MEASURING_MODULE = `
const now = () => performance.now();
const operations = {
  kv_get: (ctx) => ctx.kv.get("key"),
  kv_put: (ctx, payload) => ctx.kv.put("key", payload),
  request: (ctx, payload) => ctx.messaging.request("bench.echo", payload),
};
export default async (event, ctx) => {
  const { operation, durationMs } = event.json();
  const payload = Buffer.alloc(128, "a");
  await ctx.kv.put("key", payload);
  const took = [];
  const end = now() + durationMs;
  for (let began = now(); began < end;) {
    await operations[operation](ctx, payload);
    const done = now();
    took.push(done - began);
    began = done;
  }
  took.sort((a, b) => a - b);
  return { p50: took[took.length >> 1], calls: took.length };
};
`;

/** The script form has no clock but Date, so it counts calls in a time long enough for that. */
export const MEASURING_SCRIPT = `(subject, payload) => {
  const { durationMs } = JSON.parse(String.fromCharCode(...payload));
  const { kv } = this.hostServices;
  kv.set("key", new Uint8Array(128));
  const began = Date.now();
  let calls = 0;
  while (Date.now() - began < durationMs) {
    kv.get("key");
    calls++;
  }
  return { mean: (Date.now() - began) / calls, calls };
}`;
