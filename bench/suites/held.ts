import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, figure } from "../figures/figure.ts";
import { hasProcessFigures, memoryUse } from "../processes/process-figures.ts";
import type { Suite } from "./suite.ts";

/** What all functions of a node together may hold (`functions.held_bytes.node`), of one, with all copies and garbage, MB. */
const TARGET_MB = 268;
/** Between two looks at the node's memory, ms. */
const LOOK_MS = 20;
const STALL_MS = 3000;

/** Keeps its slot until its deadline. */
const SLOW = "export default () => new Promise(() => undefined);\n";

/** Publishes without payload, in 64 lanes, as fast as it may. */
const FLOODING = `export default async (event, { messaging }) => {
  const headers = { padding: "x".repeat(200) };
  const end = performance.now() + event.json().durationMs;
  let calls = 0;
  const lane = async () => {
    for (; performance.now() < end; calls++) await messaging.publish("bench.nobody", "", { headers });
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  return { calls };
};
`;

/** Gathers 24 times 15 MB of answers at once. */
const GATHERING = `export default async (event, { messaging }) => {
  const calls = Array.from({ length: 24 }, () => messaging.requestMany("bench.answers", "", { timeoutMs: 3000 }));
  return { calls: (await Promise.allSettled(calls)).length };
};
`;

export const held: Suite = {
  name: "held",
  title: "how much the node's memory grows at most while it is made to hold things for one function",
  unavailable: () => (hasProcessFigures ? undefined : "only Linux tells a process's proportional set size"),
  async run({ environment, progress }) {
    const { load } = environment;
    const figures: Figure[] = [];
    const grow = async (
      key: string,
      title: string,
      source: string,
      work: (subject: string) => Promise<unknown>,
    ): Promise<void> => {
      progress(title);
      // A node of its own for each: memory that it has had once it keeps.
      await using system = await environment.startSystem({ poolSize: 1 });
      const subject = `bench.held.${key}`;
      await system.deploy({ name: key, subject, source, deadlineMs: 10_000 });
      await system.whenCalm();
      const before = memoryUse(system.pid).proportional;
      let most = before;
      const looking = setInterval(() => (most = Math.max(most, memoryUse(system.pid).proportional)), LOOK_MS);
      try {
        await work(subject);
      } finally {
        clearInterval(looking);
      }
      figures.push(figure({ key, title, unit: "MB", better: "lower", target: TARGET_MB }, [most - before]));
    };
    await grow("waiting", "400 messages with 1 MB of headers wait", SLOW, async (subject) => {
      await load.run("flood", { subject, count: 400, headerBytes: 1_000_000 });
      await sleep(1000);
    });
    await grow("publish", "publishes without payload, the server stalls", FLOODING, async (subject) => {
      const flooding = load.run("ask", { subject, body: { durationMs: STALL_MS } });
      await sleep(STALL_MS / 6);
      process.kill(environment.serverPid, "SIGSTOP");
      await sleep(STALL_MS);
      process.kill(environment.serverPid, "SIGCONT");
      await flooding;
    });
    await grow("gather", "24 requestMany of 15 MB each", GATHERING, async (subject) => {
      await load.run("answer", { subject: "bench.answers", count: 240, payloadBytes: 64 * 1024 });
      await load.run("ask", { subject, body: {} });
    });
    return figures;
  },
};
