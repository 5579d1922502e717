// Answers every request with the same JSON: the floor under any gateway built on libmicrohttpd.
//
// Usage: constant [PORT]    (0, the default, takes a free port)
//
// It reads the whole body, as a gateway must, and does nothing with it. The mode is the one a gateway needs that watches
// other sockets on the same thread: libmicrohttpd's epoll descriptor inside an epoll of our own. libmicrohttpd's internal
// thread would save one epoll_wait a turn and measure a floor that no such gateway can stand on.

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

// The pool is cleared for every request, so its size is part of what a request costs: 8 KiB, as in Yodel.
enum { memory_pool_bytes = 8 * 1024, idle_timeout_seconds = 60, longest_wait_ms = 1000 };

// The answer is a usual one of POST /api/messages, with the header fields that every answer of Yodel carries: what is
// compared is the work behind an answer, not its length.
static const char *const fields[][2] = {
    {"Content-Type", "application/json"},
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Server-Timing", "udp;dur=0.084"},
};

static char body[] =
    "{\"reply\":\"hello from client!!\",\"sender\":{\"address\":\"127.0.0.1\",\"port\":9999},"
    "\"local\":{\"address\":\"127.0.0.1\",\"port\":53117},\"target\":\"echo\",\"bytes\":19,\"match\":true,\"rtt_ms\":0.084}\n";

static void fail(const char *what)
{
    fprintf(stderr, "constant: ");
    perror(what);
    exit(1);
}

// libmicrohttpd calls this once for the head, once for each piece of the body and once at the end.
static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *piece, size_t *piece_bytes, void **request)
{
    (void)url, (void)method, (void)version, (void)piece;
    static char head_was_seen;
    if (*request == NULL) {
        *request = &head_was_seen;
        return MHD_YES;
    }
    if (*piece_bytes > 0) {
        *piece_bytes = 0; // what is left here would be offered again, forever
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static struct MHD_Response *make_response(void)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        fail("response");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (MHD_add_response_header(response, fields[i][0], fields[i][1]) != MHD_YES)
            fail("header");
    return response;
}

static struct MHD_Daemon *start(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, port, NULL, NULL, answer, make_response(), MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)memory_pool_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)idle_timeout_seconds, MHD_OPTION_END);
    if (daemon == NULL)
        fail("MHD_start_daemon");
    return daemon;
}

static int watch(struct MHD_Daemon *daemon)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int inner = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, inner, &(struct epoll_event){.events = EPOLLIN}) < 0)
        fail("epoll");
    return epoll;
}

// What libmicrohttpd wants to do by itself (close an idle connection) must not wait for a client.
static int wait_ms(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    if (MHD_get_timeout(daemon, &timeout_ms) != MHD_YES || timeout_ms > longest_wait_ms)
        return longest_wait_ms;
    return (int)timeout_ms;
}

// Nothing is cleaned up: it ends by SIGTERM, and the kernel closes what it held.
int main(int count, char **arguments)
{
    struct MHD_Daemon *daemon = start(count > 1 ? (uint16_t)atoi(arguments[1]) : 0);
    int epoll = watch(daemon);
    printf("libmicrohttpd: %s\n", MHD_get_version());
    printf("HTTP: http://127.0.0.1:%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    for (;;) {
        struct epoll_event event;
        epoll_wait(epoll, &event, 1, wait_ms(daemon));
        MHD_run(daemon);
    }
}
