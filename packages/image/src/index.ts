export { buildImage, type BuildImageOptions } from "./build-image.ts";
export type { ArtifactName, ImageArtifact, ImageManifest } from "./manifest.ts";
export { imageCache, imageDirectory } from "./places.ts";
export type { BuildListener, BuildStep } from "./progress.ts";
export type { RootfsPrograms } from "./rootfs/assemble.ts";
