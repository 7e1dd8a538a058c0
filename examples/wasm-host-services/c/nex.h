/*
 * Nex host services for WebAssembly functions in C: the import module nex_host_v1.
 * docs/host-services-wasm.md says what each function does.
 *
 * Texts are UTF-8 with a length, without a zero at the end. A result of 0 or more is success; a negative one is an
 * error, of which nex_error_message says more. Calls that ask the node wait for its answer.
 */
#ifndef NEX_H
#define NEX_H

#include <stdint.h>

#define NEX_IMPORT(name) __attribute__((import_module("nex_host_v1"), import_name(#name)))

/* Errors. NEX_INTERNAL stands for every code without a number; nex_error_code tells it. */
enum {
    NEX_NOT_FOUND = -1,
    NEX_BAD_POINTER = -2,
    NEX_BAD_HANDLE = -3,
    NEX_INVALID_REQUEST = -4,
    NEX_INVALID_KEY = -5,
    NEX_INVALID_SUBJECT = -6,
    NEX_SUBJECT_DENIED = -7,
    NEX_KEY_EXISTS = -8,
    NEX_WRONG_REVISION = -9,
    NEX_TOO_LARGE = -10,
    NEX_NO_RESPONDERS = -11,
    NEX_TIMEOUT = -12,
    NEX_OVERLOADED = -13,
    NEX_SELF_REQUEST = -14,
    NEX_SERVICE_DISABLED = -15,
    NEX_NOT_ALLOWED = -16,
    NEX_BUCKET_MISSING = -17,
    NEX_BUCKET_FULL = -18,
    NEX_BUCKET_TAKEN = -19,
    NEX_OBJECT_CORRUPT = -20,
    NEX_JETSTREAM_UNAVAILABLE = -21,
    NEX_UNSUPPORTED_BY_SERVER = -22,
    NEX_CONNECTION_FAILED = -23,
    NEX_HTTP_DENIED = -24,
    NEX_HTTP_FAILED = -25,
    NEX_INTERNAL = -99,
};

/* Texts and bytes of a result: nex_result_size, nex_result_take. */
enum {
    NEX_BODY = 0,
    NEX_HEADERS = 1,
    NEX_SUBJECT = 2,
    NEX_NAME = 3,
    NEX_DESCRIPTION = 4,
    NEX_DIGEST = 5,
    NEX_URL = 6,
    NEX_STATUS_TEXT = 7,
};

/* Numbers of a result: nex_result_number. */
enum {
    NEX_REVISION = 0,
    NEX_SIZE = 1,
    NEX_MODIFIED_MS = 2,
    NEX_STATUS = 3,
    NEX_REDIRECTED = 4,
};

/* What http does with a redirect. */
enum {
    NEX_REDIRECT_FOLLOW = 0,
    NEX_REDIRECT_MANUAL = 1,
    NEX_REDIRECT_ERROR = 2,
};

/* What the last successful call has left. */
NEX_IMPORT(result_size) int32_t nex_result_size(uint32_t field);
NEX_IMPORT(result_take) int32_t nex_result_take(uint32_t field, void *buffer, uint32_t capacity);
NEX_IMPORT(result_number) int64_t nex_result_number(uint32_t field);

/* Why the last failed call has failed. Copies what there is room for; gives the whole length. */
NEX_IMPORT(error_code) int32_t nex_error_code(char *buffer, uint32_t capacity);
NEX_IMPORT(error_message) int32_t nex_error_message(char *buffer, uint32_t capacity);

/* Handles. */
NEX_IMPORT(stream_read) int32_t nex_stream_read(uint32_t stream, void *buffer, uint32_t capacity);
NEX_IMPORT(stream_write) int32_t nex_stream_write(uint32_t stream, const void *data, uint32_t length);
NEX_IMPORT(stream_finish) int32_t nex_stream_finish(uint32_t stream);
NEX_IMPORT(list_next) int32_t nex_list_next(uint32_t list);
NEX_IMPORT(close) int32_t nex_close(uint32_t handle);

/* Key-value. A ttl_ms of 0: for ever. */
NEX_IMPORT(kv_get) int32_t nex_kv_get(const char *key, uint32_t key_length);
NEX_IMPORT(kv_put) int32_t nex_kv_put(const char *key, uint32_t key_length, const void *value, uint32_t value_length, uint64_t ttl_ms);
NEX_IMPORT(kv_create) int32_t nex_kv_create(const char *key, uint32_t key_length, const void *value, uint32_t value_length, uint64_t ttl_ms);
NEX_IMPORT(kv_update) int32_t nex_kv_update(const char *key, uint32_t key_length, const void *value, uint32_t value_length, uint64_t revision);
NEX_IMPORT(kv_delete) int32_t nex_kv_delete(const char *key, uint32_t key_length);
NEX_IMPORT(kv_keys) int32_t nex_kv_keys(const char *prefix, uint32_t prefix_length);

/* Messaging. Headers are lines "Name: value\n". A timeout_ms of 0: the node's default; a count or quiet_ms of 0: no such end. */
NEX_IMPORT(messaging_publish) int32_t nex_messaging_publish(const char *subject, uint32_t subject_length, const char *reply, uint32_t reply_length, const char *headers, uint32_t headers_length, const void *payload, uint32_t payload_length);
NEX_IMPORT(messaging_request) int32_t nex_messaging_request(const char *subject, uint32_t subject_length, const char *headers, uint32_t headers_length, const void *payload, uint32_t payload_length, uint32_t timeout_ms);
NEX_IMPORT(messaging_request_many) int32_t nex_messaging_request_many(const char *subject, uint32_t subject_length, const char *headers, uint32_t headers_length, const void *payload, uint32_t payload_length, uint32_t timeout_ms, uint32_t count, uint32_t quiet_ms);

/* Object store. */
NEX_IMPORT(object_get) int32_t nex_object_get(const char *name, uint32_t name_length);
NEX_IMPORT(object_put) int32_t nex_object_put(const char *name, uint32_t name_length, const char *description, uint32_t description_length);
NEX_IMPORT(object_delete) int32_t nex_object_delete(const char *name, uint32_t name_length);
NEX_IMPORT(object_info) int32_t nex_object_info(const char *name, uint32_t name_length);
NEX_IMPORT(object_list) int32_t nex_object_list(void);

/* HTTP. */
NEX_IMPORT(http_fetch) int32_t nex_http_fetch(const char *method, uint32_t method_length, const char *url, uint32_t url_length, const char *headers, uint32_t headers_length, const void *body, uint32_t body_length, uint32_t redirect);
NEX_IMPORT(http_send) int32_t nex_http_send(const char *method, uint32_t method_length, const char *url, uint32_t url_length, const char *headers, uint32_t headers_length, uint32_t redirect);

#endif
