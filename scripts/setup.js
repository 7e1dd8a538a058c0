/**
 * Brings a clone to the point where it runs: npm packages with Node 26 among them, nats-server, bubblewrap, bundles. A step that
 * is done already is skipped, so this runs before every command. Plain JavaScript for Node 20 that imports nothing
 * but Node's own modules, because at first there is nothing else.
 *
 *   node scripts/setup.js            what `npm run demo` and the others begin with
 *   node scripts/setup.js --tests    and what only `npm test` needs: a C compiler, QEMU, an image for its machines
 *   node scripts/setup.js --build    compiles everything, changed or not: `npm run build`
 *   NEX_SETUP_VERBOSE=1              shows what the programs it starts say
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { fetchBubblewrap, findBubblewrap } from "./setup/bubblewrap.js";
import { build, isBuildCurrent } from "./setup/build-step.js";
import { alone } from "./setup/lock.js";
import { buildMachineImage, isMachineImageCurrent } from "./setup/machine-image.js";
import { hasNodeLibraries, installNodeLibraries } from "./setup/node-libraries.js";
import { fetchNatsServer, findNatsServer } from "./setup/nats-server.js";
import { arePackagesInstalled, checkPlatform, installPackages } from "./setup/packages.js";
import { SetupError, passSignalsOn } from "./setup/program.js";
import { hasMachineTools, installMachineTools } from "./setup/machine-tools.js";
import { say, showWork } from "./setup/talk.js";
import { fetchCCompiler, findCCompiler } from "./setup/c-compiler.js";

const ROOT = path.resolve(fileURLToPath(import.meta.url), "../..");
/** All that set-up makes outside node_modules and the packages' dist. Safe to delete. */
const TOOLS = path.join(ROOT, ".tools");
const OLDEST_NODE = 20;

/** @typedef {{ title: string, done: () => boolean, work: () => Promise<string | void> }} Step */

/** @param {{ everything: boolean, tests: boolean }} extent @returns {Step[]} */
const steps = ({ everything, tests }) => [
  { title: "installing a library of Node 26", done: () => hasNodeLibraries(), work: () => installNodeLibraries() },
  { title: "installing npm packages", done: () => arePackagesInstalled(ROOT), work: () => installPackages(ROOT) },
  {
    title: "fetching nats-server",
    done: () => findNatsServer(TOOLS) !== undefined,
    work: () => fetchNatsServer(TOOLS),
  },
  {
    title: "fetching bubblewrap",
    // Elsewhere there is none, and a node does without.
    done: () => process.platform !== "linux" || findBubblewrap(TOOLS) !== undefined,
    work: () => fetchBubblewrap(TOOLS),
  },
  {
    title: "fetching the C compiler",
    done: () => !tests || findCCompiler(TOOLS) !== undefined,
    work: () => fetchCCompiler(TOOLS),
  },
  {
    title: "building",
    done: () => !everything && isBuildCurrent(ROOT),
    work: () => build(ROOT, everything ? "everything" : "bundles"),
  },
  {
    title: "installing QEMU and other tools of virtual machines",
    done: () => !tests || hasMachineTools(),
    work: () => installMachineTools(),
  },
  {
    title: "building the image of virtual machines",
    done: () => !tests || isMachineImageCurrent(ROOT, TOOLS),
    work: () => buildMachineImage(ROOT, TOOLS),
  },
];

async function main() {
  const args = process.argv.slice(2);
  const unknown = args.find((argument) => argument !== "--build" && argument !== "--tests");
  if (unknown !== undefined)
    throw new SetupError(`unknown argument "${unknown}". Usage: node scripts/setup.js [--build] [--tests]`);
  if (Number(process.versions.node.split(".", 1)[0]) < OLDEST_NODE) {
    throw new SetupError(`this is Node ${process.versions.node}; Node ${OLDEST_NODE} or newer is needed.`);
  }
  checkPlatform(ROOT);
  const all = steps({ everything: args.includes("--build"), tests: args.includes("--tests") });
  if (all.every((step) => step.done())) return;
  await alone(path.join(TOOLS, "setup.lock"), async () => {
    // Asked again: whoever held the lock before may have done it.
    for (const { title, done, work } of all) if (!done()) await showWork(title, work);
  });
}

passSignalsOn();
try {
  await main();
} catch (thrown) {
  say(thrown instanceof SetupError ? thrown.message : String(thrown instanceof Error ? thrown.stack : thrown));
  process.exitCode = 1;
}
