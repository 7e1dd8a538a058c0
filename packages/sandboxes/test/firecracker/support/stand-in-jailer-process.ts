/**
 * Stands for the jailer and, in the same process, for the Firecracker it becomes: no such program can run here. It
 * takes the command line as docs/jailer.md of Firecracker describes it and does what is said there, but for the
 * change of the root directory, in which no Node would be found.
 *
 *     stand-in-jailer-process.ts LOG MODE [jailer's arguments]
 *
 * LOG gets a line of JSON for each request. MODE: `plain`, `deaf` (does not hear Ctrl-Alt-Del or TERM), `broken`
 * (ends with words), `stuck` (boots no kernel),
 * `full` (has no room for a snapshot).
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { StandInApi } from "./stand-in-api.ts";

const [log = "", mode = "", ...args] = process.argv.slice(2);
const INSIDE = "NEX_STAND_IN_INSIDE";
const NSENTER = "/usr/bin/nsenter";

interface Jail {
  readonly program: string;
  readonly root: string;
  readonly uid: number;
  readonly gid: number;
  readonly socket: string;
  readonly options: ReturnType<typeof parseOptions>;
}

function main(): void {
  if (args.includes("--version")) return void process.stdout.write("Jailer v1.12.0\n");
  if (mode === "broken") throw new Error("the jail cannot be built");
  const jail = checkArguments();
  if (process.env[INSIDE] === undefined) {
    buildJail(jail);
    enterNetwork(jail.options.netns ?? "");
  }
  serve(jail);
}

function parseOptions(given: readonly string[]) {
  return parseArgs({
    args: [...given],
    strict: true,
    options: {
      id: { type: "string" },
      "exec-file": { type: "string" },
      uid: { type: "string" },
      gid: { type: "string" },
      "chroot-base-dir": { type: "string", default: "/srv/jailer" },
      netns: { type: "string" },
      "cgroup-version": { type: "string", default: "1" },
      "parent-cgroup": { type: "string" },
      cgroup: { type: "string", multiple: true },
      "resource-limit": { type: "string", multiple: true },
      daemonize: { type: "boolean" },
      "new-pid-ns": { type: "boolean" },
    },
  }).values;
}

function checkArguments(): Jail {
  const end = args.indexOf("--");
  const options = parseOptions(args.slice(0, end));
  const own = parseArgs({
    args: args.slice(end + 1),
    strict: true,
    options: { "api-sock": { type: "string" } },
  }).values;
  const id = options.id ?? "";
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) throw new Error(`invalid id ${id}`);
  const program = realpathSync(options["exec-file"] ?? "");
  if (!basename(program).includes("firecracker")) throw new Error("the file name must contain firecracker");
  return {
    program,
    root: join(realpathSync(options["chroot-base-dir"]), basename(program), id, "root"),
    uid: Number(options.uid),
    gid: Number(options.gid),
    socket: own["api-sock"] ?? "/run/firecracker.socket",
    options,
  };
}

function buildJail({ root, program, uid, gid, options }: Jail): void {
  mkdirSync(root, { recursive: true });
  cpSync(program, join(root, basename(program)));
  const version = options["cgroup-version"];
  for (const setting of options.cgroup ?? []) {
    const [file = "", value = ""] = setting.split("=");
    const mount = cgroupMount(version, file.split(".")[0]!);
    const directory = join(mount, options["parent-cgroup"] ?? "firecracker", options.id!);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, file), `${value}\n`);
    writeFileSync(join(directory, version === "2" ? "cgroup.procs" : "tasks"), `${process.pid}\n`);
  }
  for (const folder of [root, join(root, "dev"), join(root, "run")]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
    chownSync(folder, uid, gid);
  }
}

function cgroupMount(version: string, controller: string): string {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const found = mounts.find(([, , type, options]) =>
    version === "2" ? type === "cgroup2" : type === "cgroup" && options!.split(",").includes(controller),
  );
  if (found === undefined) throw new Error(`no controller ${controller}`);
  return found[1]!;
}

/** Node has no setns: another program goes there and comes back as this one. */
function enterNetwork(path: string): never {
  const again = [process.execPath, ...process.execArgv, import.meta.filename, log, mode, ...args];
  const environment = { [INSIDE]: "1", NODE_NO_WARNINGS: "1" };
  return process.execve!(NSENTER, [NSENTER, `--net=${path}`, "--", ...again], environment);
}

function serve({ root, uid, gid, socket }: Jail): void {
  // Opened by root: the jail's user could not.
  const output = openSync(log, "a");
  process.chdir(root);
  process.setgroups!([]);
  process.setgid!(gid);
  process.setuid!(uid);
  const api = new StandInApi({
    hasRoom: mode !== "full",
    onStart: (bootArgs) => {
      if (mode === "stuck") return;
      if (!bootArgs.split(" ").includes("quiet")) process.stdout.write("[    0.2] Run /init as init process\n");
      process.stdout.write("Welcome to the stand-in\n");
    },
    onCtrlAltDel: () => {
      if (mode === "deaf") return;
      server.close();
    },
  });
  if (mode === "deaf") process.on("SIGTERM", () => undefined);
  const server = createServer((request, response) => {
    void json(request)
      .catch(() => undefined)
      .then((body) => {
        const fault = api.take(request.method ?? "", request.url ?? "", body);
        writeSync(output, `${JSON.stringify({ method: request.method, path: request.url, body, fault })}\n`);
        response.writeHead(fault === undefined ? 204 : 400, {
          "Content-Type": "application/json",
          Connection: "close",
        });
        response.end(fault === undefined ? undefined : JSON.stringify({ fault_message: fault }));
      });
  });
  server.listen(`.${socket}`);
}

main();
