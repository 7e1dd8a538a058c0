/** The object store of all artifacts of a nexus. An object's name is the SHA-256 of its bytes, in lower-case hex. */
export const ARTIFACT_BUCKET = "nex_artifacts";

export const ARTIFACT_BUCKET_DESCRIPTION = "Artifacts of Nex workloads, by SHA-256";

/** Bytes all artifacts together may take where nobody says otherwise. */
export const DEFAULT_ARTIFACT_QUOTA: number = 2 ** 30;
