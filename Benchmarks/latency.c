// Measures how long one client waits, one request after the other: for answers over HTTP, or for replies over UDP.
//
// Usage: latency http PORT [SECONDS]    POST /api/messages on one kept-alive connection
//        latency udp PORT [SECONDS]     19 bytes on one connected socket
//
// From just before the request is sent to when the whole answer has been read, on a blocking socket. An answer over HTTP
// must be 200 with a Content-Length; a reply over UDP must be what was sent. It prints one JSON object.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { most_samples = 4 * 1000 * 1000, timeout_seconds = 2 };

static const char message[] = "hello from client!!";
static uint32_t samples[most_samples];

static void fail(const char *what)
{
    fprintf(stderr, "latency: ");
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int open_socket(bool is_http, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval timeout = {.tv_sec = timeout_seconds};
    int descriptor = socket(AF_INET, (is_http ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0), yes = 1;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0
        || (is_http && setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0)
        || connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        fail("socket");
    return descriptor;
}

// Reads one answer to its end; false where it is none that is expected.
static bool read_answer(int descriptor)
{
    static char answer[8192];
    size_t count = 0;
    for (;;) {
        ssize_t read = recv(descriptor, answer + count, sizeof answer - 1 - count, 0);
        if (read <= 0)
            return false;
        answer[count += (size_t)read] = 0;
        const char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (!end)
            continue;
        if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end)
            return false;
        if (count >= (size_t)(end + 4 - answer) + (size_t)atol(length + 16))
            return true;
    }
}

static bool read_reply(int descriptor)
{
    char reply[sizeof message];
    ssize_t count = recv(descriptor, reply, sizeof reply, 0);
    return count == sizeof message - 1 && memcmp(reply, message, sizeof message - 1) == 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

int main(int count, char **arguments)
{
    bool is_http = count > 2 && strcmp(arguments[1], "http") == 0;
    if (count < 3 || (!is_http && strcmp(arguments[1], "udp") != 0)) {
        fprintf(stderr, "usage: latency http|udp PORT [SECONDS]\n");
        return 64;
    }
    char http[512];
    snprintf(http, sizeof http,
             "POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n{\"message\":\"%s\"}", sizeof message - 1 + 14, message);
    const char *request = is_http ? http : message;
    size_t bytes = strlen(request), answered = 0;
    int descriptor = open_socket(is_http, (uint16_t)atoi(arguments[2]));
    uint64_t start = now_ns(), end = start + (uint64_t)((count > 3 ? atof(arguments[3]) : 1) * 1e9);
    while (answered < most_samples && now_ns() < end) {
        uint64_t sent = now_ns();
        if (send(descriptor, request, bytes, 0) != (ssize_t)bytes)
            fail("send");
        if (!(is_http ? read_answer(descriptor) : read_reply(descriptor))) {
            fprintf(stderr, "latency: after %zu answers came none, or another one than expected\n", answered);
            return 1;
        }
        samples[answered++] = (uint32_t)(now_ns() - sent);
    }
    if (answered == 0)
        return 1;
    qsort(samples, answered, sizeof *samples, compare);
    printf("{\"answered\":%zu,\"seconds\":%.6f,\"p50_us\":%.3f,\"p99_us\":%.3f}\n", answered,
           (double)(now_ns() - start) / 1e9, samples[answered / 2] / 1e3, samples[answered * 99 / 100] / 1e3);
}
