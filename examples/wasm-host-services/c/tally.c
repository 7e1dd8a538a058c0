/*
 * A function in C that uses host services: counts the messages of each subject in key-value and publishes the new
 * number. Safe with several replicas: a count that somebody else has changed meanwhile is read again.
 *
 *   clang --target=wasm32-wasi --sysroot=/usr -O2 -o tally.wasm tally.c
 *   nex run tally.wasm --trigger 'tally.*'
 *   nats sub tallied & nex trigger tally --subject tally.apples --data ''
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nex.h"

/* Ends the function with the reason in its log, unless the call went well. */
static int32_t check(const char *what, int32_t result)
{
    if (result >= 0)
        return result;
    char message[512];
    uint32_t length = (uint32_t)nex_error_message(message, sizeof message);
    fprintf(stderr, "%s: %.*s\n", what, (int)(length < sizeof message ? length : sizeof message), message);
    exit(1);
}

/* The count under the key, and the revision to update; 0 for both if there is none. */
static long read_count(const char *key, uint64_t *revision)
{
    char text[32] = {0};
    *revision = 0;
    int32_t found = nex_kv_get(key, strlen(key));
    if (found == NEX_NOT_FOUND)
        return 0;
    check("read", found);
    *revision = (uint64_t)nex_result_number(NEX_REVISION);
    check("take", nex_result_take(NEX_BODY, text, sizeof text - 1));
    return strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *key = argc > 1 ? argv[1] : "unknown";
    char text[32];
    int32_t written;
    do {
        uint64_t revision;
        snprintf(text, sizeof text, "%ld", read_count(key, &revision) + 1);
        written = revision == 0 ? nex_kv_create(key, strlen(key), text, strlen(text), 0)
                                : nex_kv_update(key, strlen(key), text, strlen(text), revision);
    } while (written == NEX_KEY_EXISTS || written == NEX_WRONG_REVISION);
    check("write", written);

    char headers[300];
    int length = snprintf(headers, sizeof headers, "Subject: %.250s\n", key);
    check("publish",
          nex_messaging_publish("tallied", strlen("tallied"), "", 0, headers, (uint32_t)length, text, strlen(text)));
    printf("%s", text);
    return 0;
}
