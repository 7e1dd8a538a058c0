/** The node's side of host services: what answers the calls of what runs in a sandbox. */
export { ByteBudget } from "./byte-budget.ts";
export {
  type BucketConfig,
  type BucketOptions,
  bucketName,
  type HostServicesConfig,
  type HostServicesOptions,
  hostServicesSchema,
  type HttpConfig,
} from "./config.ts";
export { InstanceServices, type ServeOptions } from "./instance-services.ts";
export { readHeaders, writeHeaders } from "./message-headers.ts";
export { sizeOf } from "./message-size.ts";
export { narrowHostServices } from "./narrow.ts";
export { type PullOrder, pullMessages, sequenceOf } from "./pull-messages.ts";
export type { ServiceScope, StorageBuckets, WorkloadId } from "./service.ts";
export { WorkloadServices } from "./workload-services.ts";
