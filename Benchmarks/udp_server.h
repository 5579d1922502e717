// How the plain servers begin, the echo and the responder behind dnsdist: one UDP socket on loopback, and its port told.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

// The receive buffer is what the kernel grants an ordinary user at most; its default loses datagrams of a burst of 256.
enum { batch = 64, receive_buffer_bytes = 1024 * 1024 };

// Binds a free port where `port` is 0, and prints it behind `what`.
static int open_socket(const char *what, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), buffer_bytes = receive_buffer_bytes;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0
        || bind(descriptor, (struct sockaddr *)&address, length) < 0
        || getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) {
        perror(what);
        exit(1);
    }
    printf("%s: 127.0.0.1:%u\n", what, ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}
