/** Does nothing but answer what it was sent, like the echo function in JavaScript. */
export const WASM_ECHO = `
#include <unistd.h>
static char buffer[32768];
int main(void) {
  for (ssize_t length; (length = read(0, buffer, sizeof buffer)) > 0;) write(1, buffer, length);
  return 0;
}`;

const HOST_SERVICE = (name: string): string =>
  `__attribute__((import_module("nex_host_v1"), import_name("${name}"))) int ${name}`;

/** The same, but able to wait for host services, which it does not use. */
export const WASM_SUSPENDABLE_ECHO = `
${HOST_SERVICE("kv_get")}(const char *key, unsigned length);
${WASM_ECHO.replace("int main(void) {", "int main(int argc, char **argv) {\n  if (argc > 99) kv_get(argv[1], argc);")}`;

/** Measures its own calls of host services for the time it is told, in ms, by the payload. */
export const WASM_MEASURING = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
${HOST_SERVICE("kv_get")}(const char *key, unsigned length);
${HOST_SERVICE("kv_put")}(const char *key, unsigned length, const char *value, unsigned size, unsigned long long ttl);
static double took[100000];
static double now(void) { struct timespec at; clock_gettime(CLOCK_MONOTONIC, &at); return at.tv_sec * 1e3 + at.tv_nsec / 1e6; }
static int compare(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return x < y ? -1 : x > y; }
int main(void) {
  char text[100] = {0}, value[128] = {0};
  fread(text, 1, sizeof text - 1, stdin);
  kv_put("key", 3, value, sizeof value, 0);
  int calls = 0;
  double end = now() + atof(strstr(text, "durationMs") + 12);
  for (double began = now(), done; began < end && calls < 100000; began = done) {
    if (kv_get("key", 3) != sizeof value) return 1;
    done = now();
    took[calls++] = done - began;
  }
  qsort(took, calls, sizeof *took, compare);
  printf("{\\"p50\\":%f,\\"calls\\":%d}", took[calls / 2], calls);
  return 0;
}`;
