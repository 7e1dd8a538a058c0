import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { agentPrograms, REPOSITORY, temporaryDirectory, type TemporaryDirectory } from "@nex/testing";
import { buildImage, imageCache, type ImageManifest } from "../src/index.ts";
import { hashFile } from "../src/hash.ts";
import { hashText } from "../src/manifest.ts";

/** Packages are fetched once for all test runs. */
const CACHE = { XDG_CACHE_HOME: join(REPOSITORY, ".tools", "cache") };
const VERSION = (JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string }).version;
const MEGABYTE = 1_000_000;

interface Entry {
  readonly mode: string;
  readonly owner: string;
  readonly sha256: string;
  readonly target: string | undefined;
}

function program(name: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(name, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, ...env },
    maxBuffer: 64 * MEGABYTE,
  });
  assert.equal(status, 0, `${name} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function readList(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const line of text.trimEnd().split("\n")) {
    const [, mode, owner, sha256, path, target] = /^(\d{6}) (\S+) \S+ (\S+) (\/.*?)(?: -> (.+))?$/.exec(line)!;
    entries.set(path!, { mode: mode!, owner: owner!, sha256: sha256!, target });
  }
  return entries;
}

describe("an image", () => {
  let directory: TemporaryDirectory;
  let output: string;
  let manifest: ImageManifest;
  let files: Map<string, Entry>;
  const steps: string[] = [];
  /** Content of a file as it is in the file system. */
  const cat = (path: string): string => program("debugfs", ["-R", `cat ${path}`, join(output, "rootfs.ext4")]);

  before(async () => {
    directory = await temporaryDirectory();
    output = join(directory.path, "first");
    manifest = await buildImage({
      output,
      cache: imageCache(CACHE),
      programs: { node: process.execPath, ...agentPrograms() },
      versions: { nex: VERSION, node: process.versions.node },
      onStep: ({ title, took }) => steps.push(`${title} ${took > 0}`),
    });
    files = readList(readFileSync(join(output, "files.txt"), "utf8"));
  });

  after(async () => await directory[Symbol.asyncDispose]());

  it("is described by its manifest", async () => {
    assert.deepEqual(JSON.parse(readFileSync(join(output, "manifest.json"), "utf8")), manifest);
    assert.deepEqual(
      [manifest.format, manifest.nex_version, manifest.node_version, manifest.architecture],
      [1, VERSION, process.versions.node, process.arch],
    );
    assert.match(manifest.kernel_version, /^\d+\.\d+\./);
    assert.ok(manifest.packages.some(({ name, version }) => name === "openrc" && version !== ""));
    assert.equal(manifest.files.sha256, hashText(readFileSync(join(output, "files.txt"), "utf8")));
    assert.equal(manifest.files.count, files.size);
    for (const [name, { sha256, size }] of Object.entries(manifest.artifacts)) {
      assert.equal(sha256, await hashFile(join(output, name)), name);
      assert.equal(size, readFileSync(join(output, name)).length, name);
    }
    assert.equal(steps.filter((step) => step.endsWith("true")).length, 7);
  });

  it("is complete, and nothing of the build is left", () => {
    const artifacts = ["files.txt", "initramfs.cpio.gz", "manifest.json", "rootfs.ext4", "vmlinux"];
    assert.deepEqual(readdirSync(output).sort(), artifacts);
    assert.ok(manifest.artifacts["rootfs.ext4"].size <= 160 * MEGABYTE, "not larger than 160 MB");
  });

  it("is the same again, built by the command from a fresh directory", () => {
    const again = join(directory.path, "second");
    const nex = join(REPOSITORY, "packages/cli/bin/nex.js");
    const said = program(process.execPath, [nex, "image", "build", "--json", "--output", again], CACHE);
    assert.deepEqual(JSON.parse(said), { directory: again, ...manifest });
    assert.equal(readFileSync(join(again, "files.txt"), "utf8"), readFileSync(join(output, "files.txt"), "utf8"));
  });

  it("has a sound file system in which all is root's and nothing gives rights", () => {
    program("e2fsck", ["-f", "-n", join(output, "rootfs.ext4")]);
    for (const [path, { mode, owner }] of files) {
      assert.equal(owner, "0:0", path);
      assert.match(mode, /^(?:100|040|120)[0-7]{3}$|^041777$/, path);
      if (path !== "/tmp" && !mode.startsWith("12")) assert.match(mode, /[0145]$/, `${path} is written by nobody else`);
    }
    assert.match(
      program("debugfs", ["-R", "stat /etc/shadow", join(output, "rootfs.ext4")]),
      /Mode:\s+0600[^]*User:\s+0 /,
    );
  });

  it("has OpenRC supervise the agent", async () => {
    assert.equal(files.get("/usr/sbin/init")?.target, "openrc-init");
    assert.equal(files.get("/sbin")?.target, "usr/sbin");
    assert.equal(files.get("/etc/runlevels/default/agent")?.target, "/etc/init.d/agent");
    const service = cat("/etc/init.d/agent");
    for (const line of [
      "name=$RC_SVCNAME",
      'description="Nex Agent"',
      'supervisor="supervise-daemon"',
      'command="/usr/local/bin/agent"',
      'pidfile="/run/agent.pid"',
      'command_user="nex:nex"',
      'output_log="/home/nex/nex.log"',
      'error_log="/home/nex/err.log"',
      "\tafter net.eth0",
    ])
      assert.ok(service.split("\n").includes(line), line);
    const { agent, runner } = agentPrograms();
    assert.equal(files.get("/usr/local/lib/nex/nex-agent.cjs")?.sha256, await hashFile(agent));
    assert.equal(files.get("/usr/local/lib/nex/nex-runner.cjs")?.sha256, await hashFile(runner));
    for (const path of ["/usr/local/bin/agent", "/usr/local/bin/node", "/etc/init.d/agent", "/usr/bin/setpriv"])
      assert.equal(files.get(path)?.mode, "100755", path);
  });

  it("lets nobody in: no password, no shell, no program that asks for one", () => {
    assert.deepEqual(
      cat("/etc/shadow")
        .trim()
        .split("\n")
        .map((line) => line.split(":").slice(0, 2)),
      [
        ["root", "*"],
        ["nex", "*"],
      ],
    );
    for (const line of cat("/etc/passwd").trim().split("\n")) assert.match(line, /:\/bin\/false$/);
    const doors = /\/(?:a?getty|login|su|sulogin|sshd?|dropbear|telnetd?|passwd|httpd|crond)$/;
    assert.deepEqual(
      [...files.keys()].filter((path) => /\/s?bin\//.test(path) && doors.test(path)),
      [],
    );
    const services = [...files.keys()].filter((path) => path.startsWith("/etc/init.d/"));
    const ours = ["agent", "net.eth0", "nex-machine"];
    assert.deepEqual(
      services,
      ours.map((name) => `/etc/init.d/${name}`),
    );
  });

  it("brings authorities, time zones and a file for the names of tunnels", () => {
    assert.ok(cat("/etc/ssl/certs/ca-certificates.crt").split("BEGIN CERTIFICATE").length > 100);
    assert.ok(files.has("/usr/share/zoneinfo/Europe/Berlin"));
    assert.equal(files.get("/etc/hosts")?.target, "/run/nex/hosts");
  });

  it("has a network of one address, with the metadata on the wire", () => {
    const network = cat("/etc/init.d/net.eth0");
    for (const line of [
      "ip addr add 169.254.0.21/30 dev eth0",
      "ip route add default via 169.254.0.22 dev eth0",
      "ip route add 169.254.169.254/32 dev eth0",
      "ip link set lo up",
    ])
      assert.ok(network.includes(`\t${line}\n`), line);
  });

  it("starts with the drivers of disk and network, and a kernel that Firecracker takes", () => {
    const archive = gunzipSync(readFileSync(join(output, "initramfs.cpio.gz"))).toString("latin1");
    const drivers = ["virtio_mmio.ko", "virtio_pci.ko", "virtio_blk.ko", "virtio_net.ko"];
    for (const name of drivers) assert.ok(archive.includes(`modules/${name}\0`), name);
    assert.equal(readFileSync(join(output, "vmlinux")).toString("latin1", 0, 4), "\x7fELF");
  });

  it("has scripts without mistakes in their grammar", () => {
    const shell = [...files].filter(
      ([path]) => /^\/etc\/(?:init\.d\/|rc\.conf$)|^\/usr\/lib\/rc\/sh\//.test(path) || path === "/usr/local/bin/agent",
    );
    for (const [path] of shell) {
      const { status, stderr } = spawnSync("sh", ["-n"], { input: cat(path), encoding: "utf8" });
      assert.equal(status, 0, `${path}: ${stderr}`);
    }
    const perl = spawnSync("perl", ["-c"], { input: cat("/usr/local/lib/nex/nex-machine.pl"), encoding: "utf8" });
    assert.equal(perl.status, 0, perl.stderr);
  });
});

describe("a build that is stopped", () => {
  it("leaves an earlier image as it is", async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, "vmlinux"), "earlier");
    const build = buildImage({
      output: directory.path,
      cache: imageCache(CACHE),
      programs: { node: process.execPath, ...agentPrograms() },
      versions: { nex: VERSION, node: process.versions.node },
      signal: AbortSignal.timeout(500),
    });
    await assert.rejects(build, { code: "cancelled" });
    assert.deepEqual(readdirSync(directory.path), ["vmlinux"]);
    assert.equal(readFileSync(join(directory.path, "vmlinux"), "utf8"), "earlier");
  });
});
