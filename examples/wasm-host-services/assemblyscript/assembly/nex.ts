// Nex host services for AssemblyScript: the import module nex_host_v1. docs/host-services-wasm.md says what each
// function does. Pointers are addresses of UTF-8 bytes; `Text` below holds one with its length.

/** Errors. `Internal` stands for every code without a number; `errorCode()` tells it. */
export enum Failure {
  NotFound = -1,
  BadPointer = -2,
  BadHandle = -3,
  InvalidRequest = -4,
  InvalidKey = -5,
  InvalidSubject = -6,
  SubjectDenied = -7,
  KeyExists = -8,
  WrongRevision = -9,
  TooLarge = -10,
  NoResponders = -11,
  Timeout = -12,
  Overloaded = -13,
  SelfRequest = -14,
  ServiceDisabled = -15,
  NotAllowed = -16,
  BucketMissing = -17,
  BucketFull = -18,
  BucketTaken = -19,
  ObjectCorrupt = -20,
  JetstreamUnavailable = -21,
  UnsupportedByServer = -22,
  ConnectionFailed = -23,
  HttpDenied = -24,
  HttpFailed = -25,
  Internal = -99,
}

/** Texts and bytes of a result. */
export enum TextField {
  Body = 0,
  Headers = 1,
  Subject = 2,
  Name = 3,
  Description = 4,
  Digest = 5,
  Url = 6,
  StatusText = 7,
}

/** Numbers of a result. */
export enum NumberField {
  Revision = 0,
  Size = 1,
  ModifiedMs = 2,
  Status = 3,
  Redirected = 4,
}

// What the last successful call has left, and why the last failed one has failed.
@external("nex_host_v1", "result_size")
export declare function result_size(field: u32): i32;
@external("nex_host_v1", "result_take")
export declare function result_take(field: u32, buffer: usize, capacity: u32): i32;
@external("nex_host_v1", "result_number")
export declare function result_number(field: u32): i64;
@external("nex_host_v1", "error_code")
export declare function error_code(buffer: usize, capacity: u32): i32;
@external("nex_host_v1", "error_message")
export declare function error_message(buffer: usize, capacity: u32): i32;

// Handles.
@external("nex_host_v1", "stream_read")
export declare function stream_read(stream: u32, buffer: usize, capacity: u32): i32;
@external("nex_host_v1", "stream_write")
export declare function stream_write(stream: u32, data: usize, length: u32): i32;
@external("nex_host_v1", "stream_finish")
export declare function stream_finish(stream: u32): i32;
@external("nex_host_v1", "list_next")
export declare function list_next(list: u32): i32;
@external("nex_host_v1", "close")
export declare function close(handle: u32): i32;

// Key-value.
@external("nex_host_v1", "kv_get")
export declare function kv_get(key: usize, key_length: u32): i32;
@external("nex_host_v1", "kv_put")
export declare function kv_put(key: usize, key_length: u32, value: usize, value_length: u32, ttl_ms: u64): i32;
@external("nex_host_v1", "kv_create")
export declare function kv_create(key: usize, key_length: u32, value: usize, value_length: u32, ttl_ms: u64): i32;
@external("nex_host_v1", "kv_update")
export declare function kv_update(key: usize, key_length: u32, value: usize, value_length: u32, revision: u64): i32;
@external("nex_host_v1", "kv_delete")
export declare function kv_delete(key: usize, key_length: u32): i32;
@external("nex_host_v1", "kv_keys")
export declare function kv_keys(prefix: usize, prefix_length: u32): i32;

// Messaging.
@external("nex_host_v1", "messaging_publish")
export declare function messaging_publish(subject: usize, subject_length: u32, reply: usize, reply_length: u32, headers: usize, headers_length: u32, payload: usize, payload_length: u32): i32;
@external("nex_host_v1", "messaging_request")
export declare function messaging_request(subject: usize, subject_length: u32, headers: usize, headers_length: u32, payload: usize, payload_length: u32, timeout_ms: u32): i32;
@external("nex_host_v1", "messaging_request_many")
export declare function messaging_request_many(subject: usize, subject_length: u32, headers: usize, headers_length: u32, payload: usize, payload_length: u32, timeout_ms: u32, count: u32, quiet_ms: u32): i32;

// Object store.
@external("nex_host_v1", "object_get")
export declare function object_get(name: usize, name_length: u32): i32;
@external("nex_host_v1", "object_put")
export declare function object_put(name: usize, name_length: u32, description: usize, description_length: u32): i32;
@external("nex_host_v1", "object_delete")
export declare function object_delete(name: usize, name_length: u32): i32;
@external("nex_host_v1", "object_info")
export declare function object_info(name: usize, name_length: u32): i32;
@external("nex_host_v1", "object_list")
export declare function object_list(): i32;

// HTTP.
@external("nex_host_v1", "http_fetch")
export declare function http_fetch(method: usize, method_length: u32, url: usize, url_length: u32, headers: usize, headers_length: u32, body: usize, body_length: u32, redirect: u32): i32;
@external("nex_host_v1", "http_send")
export declare function http_send(method: usize, method_length: u32, url: usize, url_length: u32, headers: usize, headers_length: u32, redirect: u32): i32;

/** A text as the functions above take it. Keep it in a variable until the call is over: it holds the bytes. */
export class Text {
  private bytes: ArrayBuffer;

  constructor(text: string) {
    this.bytes = String.UTF8.encode(text);
  }

  get at(): usize {
    return changetype<usize>(this.bytes);
  }

  get length(): u32 {
    return this.bytes.byteLength;
  }
}

/** One of the result's texts; empty if it has none. */
export function takeText(field: TextField): string {
  const size = result_size(field);
  if (size <= 0) return "";
  const buffer = new ArrayBuffer(size);
  result_take(field, changetype<usize>(buffer), size);
  return String.UTF8.decode(buffer);
}

/** Why the last failed call has failed. */
export function errorMessage(): string {
  const buffer = new ArrayBuffer(error_message(0, 0));
  error_message(changetype<usize>(buffer), buffer.byteLength);
  return String.UTF8.decode(buffer);
}

/** Its code, as in docs/errors.md. */
export function errorCode(): string {
  const buffer = new ArrayBuffer(error_code(0, 0));
  error_code(changetype<usize>(buffer), buffer.byteLength);
  return String.UTF8.decode(buffer);
}

/** What a call gave back, if it went well; throws its error otherwise. */
export function check(result: i32): i32 {
  if (result < 0) throw new Error(`${errorCode()}: ${errorMessage()}`);
  return result;
}
