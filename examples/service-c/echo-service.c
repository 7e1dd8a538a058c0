/*
 * A service that speaks NATS: it answers requests on a subject with the payload in capitals.
 *
 *   cc -static -O2 -o echo-service echo-service.c
 *   nex run echo-service --connect localhost:4222 --env NATS_URL=nats://localhost:4222 --env SUBJECT=shout
 *
 * A sandbox has no network: --connect makes the server appear inside under its own name. NATS_URL may hold user and password. The protocol is text: https://docs.nats.io/reference/reference-protocols
 */
#include <ctype.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PAYLOAD = 1 << 20 };

struct address {
  char user[128], password[256], host[256], port[8];
};

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

/* nats://[user:password@]host[:port] */
static struct address parse_url(const char *url) {
  struct address found = {.port = "4222"};
  if (strncmp(url, "nats://", 7) == 0) url += 7;
  const char *at = strrchr(url, '@');
  if (at != NULL) {
    if (sscanf(url, "%127[^:@]:%255[^@]", found.user, found.password) != 2) fail("NATS_URL has a user without password");
    url = at + 1;
  }
  if (sscanf(url, "%255[^:/]:%7[0-9]", found.host, found.port) < 1) fail("NATS_URL names no host");
  return found;
}

static int dial(const struct address *to) {
  struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  int failure = getaddrinfo(to->host, to->port, &wanted, &found);
  if (failure != 0) fail("cannot find %s: %s", to->host, gai_strerror(failure));
  int connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (connection < 0 || connect(connection, found->ai_addr, found->ai_addrlen) != 0) fail("cannot connect to %s:%s", to->host, to->port);
  freeaddrinfo(found);
  return connection;
}

static void end(int signal) {
  (void)signal;
  write(1, "stopping\n", 9);
  _exit(0);
}

/* One MSG: its subject, its subscription, perhaps a reply subject, the size; then the payload. */
static void answer(FILE *in, FILE *out, const char *line) {
  char subject[1024], third[1024], fourth[32];
  int words = sscanf(line, "MSG %1023s %*s %1023s %31s", subject, third, fourth);
  long size = strtol(words == 3 ? fourth : third, NULL, 10);
  if (words < 2 || size < 0 || size > MAX_PAYLOAD) fail("a message of the wrong form: %s", line);
  static char payload[MAX_PAYLOAD + 2];
  if (fread(payload, 1, (size_t)size + 2, in) != (size_t)size + 2) fail("the server closed the connection");
  printf("message on %s, %ld bytes\n", subject, size);
  if (words != 3) return;
  for (long index = 0; index < size; index++) payload[index] = (char)toupper((unsigned char)payload[index]);
  fprintf(out, "PUB %s %ld\r\n", third, size);
  fwrite(payload, 1, (size_t)size, out);
  fprintf(out, "\r\n");
  fflush(out);
}

int main(void) {
  const char *url = getenv("NATS_URL"), *subject = getenv("SUBJECT");
  if (url == NULL || subject == NULL) fail("set NATS_URL and SUBJECT");
  signal(SIGTERM, end);
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct address server = parse_url(url);
  int connection = dial(&server);
  FILE *in = fdopen(connection, "r"), *out = fdopen(dup(connection), "w");
  char line[4096];
  while (fgets(line, sizeof line, in) != NULL) {
    if (strncmp(line, "INFO ", 5) == 0) {
      fprintf(out, "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"echo-service\",\"user\":\"%s\",\"pass\":\"%s\"}\r\n", server.user, server.password);
      fprintf(out, "SUB %s 1\r\nPING\r\n", subject);
      fflush(out);
    } else if (strncmp(line, "PING", 4) == 0) {
      fprintf(out, "PONG\r\n");
      fflush(out);
    } else if (strncmp(line, "PONG", 4) == 0) {
      printf("listening on %s\n", subject);
    } else if (strncmp(line, "MSG ", 4) == 0) {
      answer(in, out, line);
    } else if (strncmp(line, "-ERR", 4) == 0) {
      fail("the server says %s", line);
    }
  }
  fail("the server closed the connection");
}
