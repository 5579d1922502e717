// A gateway from HTTP to UDP as a good C programmer writes it on libmicrohttpd: the peer that does what Yodel does.
//
// Usage: relay NAME=PORT...    (UDP targets on this machine, the first the default)
//
// POST /api/messages with {"message":"hello"} sends the datagram to the target and answers with its reply.
// The duties are Yodel's, so that the comparison is of the work and not of what was left out: the head guarded
// (relay_guard.c), the body gathered within its bound, JSON read strictly and written in full (relay_json.c), connected
// sockets pooled by the same rules (relay_sockets.c), deadlines for heads, bodies and replies, a client that goes away
// noticed, everything counted. Libmicrohttpd is used as its manual says: its epoll in ours, a connection suspended while
// it waits, and one MHD_run for all that a turn has finished.

#define _GNU_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    events_per_wait = 256, accepts_per_turn = 64, backlog = 4096, send_buffer_bytes = 128 * 1024, longest_wait_ms = 1000,
    most_connections = 4096, connections_over_limit = 256, inactivity_seconds = 75, kept_body_bytes = 4096,
};
static const uint64_t head_ns = 10 * second_ns, body_ns = 15 * second_ns, idle_ns = 60 * second_ns,
                      sweep_ns = second_ns / 4;
static const size_t most_buffered_bytes = 64 * 1024 * 1024, most_discarded_bytes = 1024 * 1024;

// A connection and the request that is under way on it.
struct connection {
    enum source source;
    int descriptor;
    struct MHD_Connection *handle;
    enum { waiting, line_read, reading_body, refused, exchanging, answered, sending } phase;
    bool is_over_limit, is_suspended;
    uint64_t deadline_ns; // 0: none
    const char *target;
    size_t target_bytes;
    struct head head;
    struct refusal refusal;
    char *body;
    size_t body_bytes, body_room, discarded;
    struct exchange exchange;
    struct MHD_Response *response;
    unsigned status;
    struct connection *previous, *next;
};

static struct MHD_Daemon *daemon_;
static struct connection *connections, *arriving;
static size_t connection_count, buffered_bytes;
static bool needs_run;
static uint64_t now_ns, run_at_ns, next_sweep_ns;
static int epoll, listener;
static uint64_t outcomes[outcome_count], rtt_counts[18];
static const uint64_t rtt_bounds_us[] = {50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
                                         1000000, 2500000, 5000000, 10000000};

uint64_t monotonic_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * second_ns + (uint64_t)time.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "relay: ");
    perror(what);
    exit(1);
}

// ---- Answers

static struct MHD_Response *make_response(char *body, size_t count, const char *type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(count, body, MHD_RESPMEM_MUST_FREE);
    if (!response)
        fail("response");
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "same-origin");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    return response;
}

// RFC 9457.
static struct MHD_Response *make_problem(struct refusal refusal)
{
    char *body;
    int count = asprintf(&body, "{\"type\":\"urn:yodel:problem:%s\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n",
                         refusal.name, refusal.name, refusal.status, refusal.detail);
    if (count < 0)
        fail("problem");
    struct MHD_Response *response = make_response(body, (size_t)count, "application/problem+json");
    if (refusal.status == 503)
        MHD_add_response_header(response, "Retry-After", "1");
    return response;
}

static struct MHD_Response *make_metrics(void)
{
    static const char *const names[] = {"reply", "no-reply", "port-unreachable", "target-unreachable", "overloaded",
                                        "message-too-large", "cancelled"};
    char *body;
    size_t count;
    FILE *text = open_memstream(&body, &count);
    if (!text)
        fail("metrics");
    for (int i = 0; i < outcome_count; i++)
        fprintf(text, "relay_exchanges_total{outcome=\"%s\"} %" PRIu64 "\n", names[i], outcomes[i]);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof rtt_bounds_us / sizeof rtt_bounds_us[0]; i++)
        fprintf(text, "relay_exchange_rtt_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", (double)rtt_bounds_us[i] / 1e6,
                sum += rtt_counts[i]);
    fprintf(text, "relay_exchanges_in_flight %zu\nrelay_late_replies_total %" PRIu64 "\n", exchanges_in_flight(),
            late_replies());
    fclose(text);
    return make_response(body, count, "text/plain; version=0.0.4");
}

static enum MHD_Result queue(struct connection *connection, unsigned status, struct MHD_Response *response, bool closes)
{
    connection->phase = sending;
    connection->deadline_ns = now_ns + idle_ns;
    if (closes || connection->head.closes)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(connection->handle, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct connection *connection, struct refusal refusal, bool closes)
{
    return queue(connection, refusal.status, make_problem(refusal), closes);
}

// ---- An exchange's end

static void count_round_trip(uint64_t ns)
{
    size_t i = 0;
    while (i < sizeof rtt_bounds_us / sizeof rtt_bounds_us[0] && ns > rtt_bounds_us[i] * 1000)
        i++;
    rtt_counts[i]++;
}

static const struct refusal problems[outcome_count] = {
    [outcome_no_reply] = {504, "no-reply", "no reply came before the timeout"},
    [outcome_port_unreachable] = {502, "port-unreachable", "nothing listens at the target"},
    [outcome_target_unreachable] = {502, "target-unreachable", "the target cannot be reached"},
    [outcome_overloaded] = {503, "overloaded", "there are too many exchanges; try again in a moment"},
    [outcome_too_large] = {413, "message-too-large", "a datagram holds 65507 bytes at most"},
    [outcome_cancelled] = {503, "overloaded", "the client has gone"},
};

void exchange_ended(struct exchange *exchange, enum outcome outcome, const struct reply *reply)
{
    struct connection *connection = (struct connection *)((char *)exchange - offsetof(struct connection, exchange));
    outcomes[outcome]++;
    if (reply) {
        size_t count;
        char timing[48] = "udp;dur=";
        char *body = write_reply(reply, &count);
        if (!body)
            fail("answer");
        count_round_trip(reply->rtt_ns);
        write_milliseconds(timing + 8, reply->rtt_ns);
        connection->status = 200;
        connection->response = make_response(body, count, "application/json");
        MHD_add_response_header(connection->response, "Server-Timing", timing);
    } else {
        connection->status = problems[outcome].status;
        connection->response = make_problem(problems[outcome]);
    }
    connection->phase = answered;
    if (connection->is_suspended) {
        connection->is_suspended = false;
        MHD_resume_connection(connection->handle);
        needs_run = true;
    }
}

// ---- A request's way

static enum MHD_Result begin(struct connection *connection, const char *method, const char *version)
{
    struct request_line line = {method, connection->target, version, connection->target_bytes};
    struct refusal refusal = guard_head(connection->handle, &line, &connection->head);
    if (refusal.status)
        return refuse(connection, refusal, true);
    connection->deadline_ns = now_ns + body_ns;
    bool is_metrics = strcmp(connection->target, "/metrics") == 0;
    if (!is_metrics && strncmp(connection->target, "/api/messages", 14) != 0)
        refusal = (struct refusal){404, "not-found", "there is POST /api/messages and GET /metrics"};
    else if (strcmp(method, is_metrics ? "GET" : "POST") != 0)
        refusal = (struct refusal){405, "method-not-allowed", "there is POST /api/messages and GET /metrics"};
    else if (!is_metrics && strlen(connection->target) != connection->target_bytes)
        refusal = (struct refusal){400, "invalid-request", "there are no query parameters"};
    else if (connection->head.length > most_body_bytes)
        refusal = problems[outcome_too_large];
    else if (!is_metrics && !connection->head.is_json)
        refusal = (struct refusal){415, "unsupported-media-type", "the body must be application/json"};
    else if (connection->is_over_limit)
        refusal = problems[outcome_overloaded];
    if (connection->head.length > most_body_bytes || (refusal.status && connection->head.asks_beforehand))
        return refuse(connection, refusal, true);
    connection->refusal = refusal;
    connection->phase = refusal.status ? refused : reading_body;
    return MHD_YES;
}

static void release_body(struct connection *connection)
{
    buffered_bytes -= connection->body_bytes;
    connection->body_bytes = 0;
    if (connection->body_room > kept_body_bytes) {
        free(connection->body);
        connection->body = NULL;
        connection->body_room = 0;
    }
}

// A body that is too large is read and thrown away, so that its client hears of it; but not for ever.
static void discard(struct connection *connection, size_t count)
{
    connection->discarded += count + connection->body_bytes;
    release_body(connection);
    if (connection->phase == reading_body) {
        connection->phase = refused;
        connection->refusal = problems[outcome_too_large];
    }
    if (connection->discarded > most_discarded_bytes)
        shutdown(connection->descriptor, SHUT_RDWR);
}

static void gather(struct connection *connection, const char *piece, size_t count)
{
    size_t needed = connection->body_bytes + count;
    if (connection->phase != reading_body || needed > most_body_bytes || buffered_bytes + count > most_buffered_bytes)
        return discard(connection, count);
    if (needed >= connection->body_room) { // one more for the 0 at its end
        size_t room = connection->head.has_length ? (size_t)connection->head.length + 1 : 2 * needed + 1;
        connection->body = realloc(connection->body, room > needed ? room : needed + 1);
        connection->body_room = room > needed ? room : needed + 1;
        if (!connection->body)
            fail("body");
    }
    memcpy(connection->body + connection->body_bytes, piece, count);
    connection->body_bytes = needed;
    buffered_bytes += count;
}

static enum MHD_Result send_message(struct connection *connection)
{
    static char nothing[1];
    struct message message;
    char *body = connection->body_bytes > 0 ? connection->body : nothing;
    body[connection->body_bytes] = 0;
    const char *fault = read_message(body, connection->body_bytes, &message);
    if (fault)
        return refuse(connection, (struct refusal){400, "invalid-request", fault}, false);
    enum outcome outcome = message.count > most_datagram_bytes ? outcome_too_large : outcome_overloaded;
    connection->phase = exchanging;
    connection->deadline_ns = 0;
    if (outcome == outcome_too_large || !begin_exchange(&connection->exchange, &message, now_ns)) {
        outcomes[outcome]++;
        return refuse(connection, problems[outcome], false);
    }
    if (connection->phase == answered) // the send was refused
        return queue(connection, connection->status, connection->response, false);
    connection->is_suspended = true;
    MHD_suspend_connection(connection->handle);
    return MHD_YES;
}

static enum MHD_Result handle_request(void *context, struct MHD_Connection *handle, const char *url, const char *method,
                                      const char *version, const char *piece, size_t *piece_bytes, void **state)
{
    (void)context, (void)url;
    struct connection *connection = *state;
    connection->handle = handle;
    if (connection->phase == line_read)
        return begin(connection, method, version);
    if (*piece_bytes > 0) {
        gather(connection, piece, *piece_bytes);
        *piece_bytes = 0;
        return MHD_YES;
    }
    switch (connection->phase) {
    case reading_body:
        if (strcmp(connection->target, "/metrics") == 0)
            return queue(connection, 200, make_metrics(), false);
        return send_message(connection);
    case refused:
        return refuse(connection, connection->refusal, connection->is_over_limit || connection->discarded > 0);
    case answered: return queue(connection, connection->status, connection->response, false);
    default: return MHD_YES;
    }
}

// What is returned here comes back as the state of every call for this request.
static void *line_arrived(void *context, const char *target, struct MHD_Connection *handle)
{
    (void)context;
    struct connection *connection = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    connection->phase = line_read;
    connection->handle = handle;
    connection->target = target;
    connection->target_bytes = strlen(target);
    return connection;
}

static void request_completed(void *context, struct MHD_Connection *handle, void **state,
                              enum MHD_RequestTerminationCode code)
{
    (void)context, (void)handle, (void)code;
    struct connection *connection = *state;
    if (!connection)
        return;
    cancel_exchange(&connection->exchange);
    if (connection->phase == answered)
        MHD_destroy_response(connection->response);
    release_body(connection);
    connection->phase = waiting;
    connection->discarded = 0;
    connection->deadline_ns = now_ns + idle_ns;
}

// Escapes stay as they are: libmicrohttpd would cut at %00.
static size_t keep_escapes(void *context, struct MHD_Connection *handle, char *text)
{
    (void)context, (void)handle;
    return strlen(text);
}

// ---- Connections

static void forget(struct connection *closed)
{
    *(closed->previous ? &closed->previous->next : &connections) = closed->next;
    if (closed->next)
        closed->next->previous = closed->previous;
    connection_count--;
    free(closed->body);
    free(closed);
}

static void connection_changed(void *context, struct MHD_Connection *handle, void **state,
                               enum MHD_ConnectionNotificationCode code)
{
    (void)context, (void)handle;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        return forget(*state);
    *state = arriving;
    arriving = NULL;
}

// Its descriptor is in our epoll too, for ends only: libmicrohttpd does not look at suspended connections.
static void adopt(int descriptor, struct sockaddr_in *peer)
{
    bool is_closed = connection_count >= most_connections + connections_over_limit;
    struct connection *adopted = is_closed ? NULL : calloc(1, sizeof *adopted);
    struct epoll_event interest = {.events = EPOLLET, .data.ptr = adopted};
    if (!adopted || epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &interest) < 0) {
        free(adopted);
        close(descriptor);
        return;
    }
    adopted->source = source_connection;
    adopted->descriptor = descriptor;
    adopted->is_over_limit = connection_count >= most_connections;
    adopted->deadline_ns = now_ns + head_ns;
    adopted->next = connections;
    if (connections)
        connections->previous = adopted;
    connections = arriving = adopted;
    connection_count++;
    // What it cannot take it closes; it tells of that only where it told of the connection before.
    if (MHD_add_connection(daemon_, descriptor, (struct sockaddr *)peer, sizeof *peer) != MHD_YES && arriving)
        forget(adopted);
    needs_run = true;
}

static void accept_connections(void)
{
    for (int i = 0; i < accepts_per_turn; i++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int descriptor = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0)
            return;
        adopt(descriptor, &peer);
    }
}

// Both directions are closed: nobody waits for the answer, and libmicrohttpd finds out when it goes on.
static void connection_ready(struct connection *connection, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP))
        cancel_exchange(&connection->exchange);
}

static void cut_overdue(void)
{
    for (struct connection *connection = connections; connection; connection = connection->next)
        if (connection->deadline_ns && connection->deadline_ns <= now_ns)
            shutdown(connection->descriptor, SHUT_RDWR);
    next_sweep_ns = now_ns + sweep_ns;
}

// ---- The loop

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static int wait_ms(void)
{
    uint64_t now = monotonic_ns(), due = least(run_at_ns, next_expiry_ns());
    if (connection_count > 0)
        due = least(due, next_sweep_ns);
    uint64_t left_ms = due > now ? (due - now + 999999) / 1000000 : 0;
    return (int)least(left_ms, longest_wait_ms);
}

static void run_daemon(void)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    needs_run = false;
    MHD_run(daemon_);
    run_at_ns = MHD_get_timeout(daemon_, &timeout_ms) == MHD_YES ? now_ns + timeout_ms * 1000000 : UINT64_MAX;
}

static void turn(void)
{
    struct epoll_event events[events_per_wait];
    int count = epoll_wait(epoll, events, events_per_wait, wait_ms());
    now_ns = monotonic_ns();
    for (int i = 0; i < count; i++) {
        switch (*(enum source *)events[i].data.ptr) {
        case source_listener: accept_connections(); break;
        case source_daemon: needs_run = true; break;
        case source_connection: connection_ready(events[i].data.ptr, events[i].events); break;
        case source_socket: socket_ready(events[i].data.ptr, events[i].events); break;
        }
    }
    expire_exchanges(now_ns);
    if (now_ns >= next_sweep_ns)
        cut_overdue();
    if (needs_run || now_ns >= run_at_ns)
        run_daemon();
}

static void watch(int descriptor, enum source *source)
{
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &(struct epoll_event){.events = EPOLLIN, .data.ptr = source}) < 0)
        fail("epoll_ctl");
}

static uint16_t start_listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int bytes = send_buffer_bytes;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0
        || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, backlog) < 0
        || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        fail("listener");
    return ntohs(address.sin_port);
}

static void start_daemon(void)
{
    daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, handle_request, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, NULL, MHD_OPTION_NOTIFY_COMPLETED, request_completed, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, line_arrived, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)connection_pool_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)inactivity_seconds, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)INT32_MAX, MHD_OPTION_END);
    if (!daemon_)
        fail("MHD_start_daemon");
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Nothing is cleaned up: it ends by SIGTERM, and the kernel closes what it held.
int main(int count, char **arguments)
{
    static enum source of_listener = source_listener, of_daemon = source_daemon;
    for (int i = 1; i < count || i == 1; i++) {
        if (i < count && add_target(arguments[i]))
            continue;
        fprintf(stderr, "usage: relay NAME=PORT...\n");
        return 64;
    }
    raise_descriptor_limit();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    start_daemon();
    uint16_t port = start_listening();
    watch(listener, &of_listener);
    watch(MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &of_daemon);
    start_sockets(epoll);
    printf("HTTP: http://127.0.0.1:%u\n", port);
    fflush(stdout);
    for (;;)
        turn();
}
