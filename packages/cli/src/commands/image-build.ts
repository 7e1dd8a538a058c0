import { resolve } from "node:path";
import { buildImage, imageCache, imageDirectory, type ImageManifest } from "@nex/image";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { text } from "../option.ts";
import { sandboxPrograms } from "../programs.ts";
import { ownVersion } from "../version.ts";

/** `nex image build` */
export const command: Command = defineCommand({
  details:
    "Made of Debian packages, from the sources that apt on this machine knows, and of the Node that runs nex. Needs no root and mounts nothing. Packages are kept in nex/image under XDG_CACHE_HOME or ~/.cache.",
  options: {
    output: text(
      "-o, --output <directory>",
      "where to put it (default: nex/image under XDG_DATA_HOME or ~/.local/share)",
    ),
  },
  examples: [
    ["image build", "build the image that nodes on this machine use"],
    ["image build --output ./image --json", "build one elsewhere and print what it is made of"],
  ],
  async run(ctx, { output }) {
    const { print, terminal, cwd, signal } = ctx;
    const directory = output === undefined ? imageDirectory(terminal.env) : resolve(cwd, output);
    const manifest = await buildImage({
      output: directory,
      cache: imageCache(terminal.env),
      programs: sandboxPrograms(terminal.env),
      versions: { nex: ownVersion(), node: process.versions.node },
      signal,
      onStep: ({ title, took }) => print.note(`${(took / 1000).toFixed(1).padStart(6)} s  ${title}`),
    });
    if (print.isJson) return print.json({ directory, ...manifest });
    announce(ctx, directory, manifest);
  },
});

function announce({ print }: CommandContext, directory: string, manifest: ImageManifest): void {
  const { artifacts, files, packages } = manifest;
  print.block("The image is ready", [
    ["Directory", directory],
    ["Root file system", `${megabytes(artifacts["rootfs.ext4"].size)}, ${files.count} files`],
    ["Kernel", `${manifest.kernel_version}, ${megabytes(artifacts.vmlinux.size)}`],
    ["Node", manifest.node_version],
    ["Debian packages", String(packages.length)],
  ]);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
