/*
 * A function in C: numbers in, one per line; their count, smallest, largest and mean out, as JSON.
 * Lines that are no numbers are counted and named in the log.
 *
 *   clang --target=wasm32-wasi --sysroot=/usr -O2 -o stats.wasm stats.c
 *   nex run stats.wasm --trigger 'stats.*'
 *   seq 1 100 | nex trigger stats --subject stats.seq --data -
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    /* argv[1] is the subject that the message came in on. */
    const char *subject = argc > 1 ? argv[1] : "";
    double smallest = 0, largest = 0, sum = 0;
    long count = 0, bad = 0;
    char line[256];

    /* stdin is the message's payload. */
    for (long number = 1; fgets(line, sizeof line, stdin) != NULL; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0')
            continue;
        char *end;
        errno = 0;
        double value = strtod(line, &end);
        if (errno != 0 || *end != '\0') {
            /* Each line of stderr becomes a log record of this invocation. */
            fprintf(stderr, "line %ld is not a number: %s\n", number, line);
            bad++;
            continue;
        }
        smallest = count == 0 || value < smallest ? value : smallest;
        largest = count == 0 || value > largest ? value : largest;
        sum += value;
        count++;
    }

    if (count == 0) {
        fprintf(stderr, "%s: no numbers at all\n", subject);
        return 1; /* The caller gets the error function_failed, with this code. */
    }
    /* All of stdout is the reply. */
    printf("{\"subject\":\"%s\",\"count\":%ld,\"bad\":%ld,\"min\":%g,\"max\":%g,\"mean\":%g}", subject, count, bad,
           smallest, largest, sum / (double)count);
    return 0;
}
