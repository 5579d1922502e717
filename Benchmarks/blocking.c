// A UDP echo server as plain as can be: recvfrom, sendto, one datagram after the other.
//
// Usage: blocking [PORT]    (0, the default, takes a free port)
//
// With one datagram outstanding there is nothing to batch, and nothing is faster: no epoll, no second system call.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void fail(const char *what)
{
    fprintf(stderr, "blocking: ");
    perror(what);
    exit(1);
}

// Nothing is cleaned up: it ends by SIGTERM, and the kernel closes what it held.
int main(int count, char **arguments)
{
    static char datagram[65536];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? (uint16_t)atoi(arguments[1]) : 0),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, length) < 0
        || getsockname(descriptor, (struct sockaddr *)&address, &length) < 0)
        fail("socket");
    printf("UDP echo: 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        length = sizeof address;
        ssize_t bytes = recvfrom(descriptor, datagram, sizeof datagram, 0, (struct sockaddr *)&address, &length);
        if (bytes >= 0)
            sendto(descriptor, datagram, (size_t)bytes, 0, (struct sockaddr *)&address, length);
    }
}
