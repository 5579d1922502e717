// Measures round trips to a UDP echo server as plainly as it can be done: one connected socket, one datagram at a time.
//
// Usage: ping PORT [COUNT [INTERVAL_US [BYTES]]]    (1000 datagrams, one a millisecond, of 64 bytes)
//
// A round trip is from just before send(2) to the kernel's receipt of the reply (SO_TIMESTAMPNS), both on the wall clock.
// It prints one JSON object: how many datagrams came back, and their round trips in nanoseconds, in order.

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { most_bytes = 65507, most_datagrams = 100000, timeout_seconds = 1, billion = 1000 * 1000 * 1000 };

static unsigned char sent[most_bytes], received[most_bytes];

static void fail(const char *what)
{
    fprintf(stderr, "ping: ");
    perror(what);
    exit(1);
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * billion + time.tv_nsec;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return nanoseconds(time);
}

static int open_socket(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval timeout = {.tv_sec = timeout_seconds};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) < 0
        || setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0
        || connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        fail("socket");
    return descriptor;
}

// When the kernel received the next datagram; 0 where none came in time or it is not the one that was sent.
static int64_t receive(int descriptor, size_t bytes)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec piece = {received, sizeof received};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t count = recvmsg(descriptor, &message, 0);
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
    if (count != (ssize_t)bytes || memcmp(sent, received, bytes) != 0 || !stamp || stamp->cmsg_type != SO_TIMESTAMPNS)
        return 0;
    struct timespec time;
    memcpy(&time, CMSG_DATA(stamp), sizeof time);
    return nanoseconds(time);
}

static void wait_until(int64_t due, const struct timespec *start)
{
    int64_t at = nanoseconds(*start) + due;
    struct timespec time = {.tv_sec = at / billion, .tv_nsec = at % billion};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: ping PORT [COUNT [INTERVAL_US [BYTES]]]\n");
        return 64;
    }
    int descriptor = open_socket((uint16_t)atoi(arguments[1]));
    long datagrams = count > 2 ? atol(arguments[2]) : 1000;
    int64_t interval = (count > 3 ? atol(arguments[3]) : 1000) * 1000;
    size_t bytes = count > 4 ? (size_t)atol(arguments[4]) : 64;
    if (datagrams < 1 || datagrams > most_datagrams || bytes < sizeof datagrams || bytes > most_bytes)
        fail("arguments");
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    long answered = 0;
    printf("{\"rtt_ns\":[");
    for (long number = 0; number < datagrams; number++) {
        wait_until(number * interval, &start);
        memcpy(sent, &number, sizeof number);
        int64_t sent_at = now();
        if (send(descriptor, sent, bytes, 0) != (ssize_t)bytes)
            fail("send");
        int64_t received_at = receive(descriptor, bytes);
        if (received_at)
            printf("%s%" PRId64, answered++ ? "," : "", received_at - sent_at);
    }
    printf("],\"answered\":%ld}\n", answered);
}
