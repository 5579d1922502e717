// What the files of the C relay know of each other; relay.c says what it is.

#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    connection_pool_bytes = 8 * 1024, // libmicrohttpd's memory of a connection, cleared for every request
    header_overhead = 64,             // what a field costs in it beside its text
    pool_reserve = 1024,              // what it must keep free
    most_body_bytes = 512 * 1024,
    most_datagram_bytes = 65507, // RFC 768 over IPv4
    default_timeout_ms = 2000,
    most_timeout_ms = 10000,
};

static const uint64_t second_ns = 1000 * 1000 * 1000;

// Everything that epoll tells of begins with what it is.
enum source { source_listener, source_daemon, source_connection, source_socket };

uint64_t monotonic_ns(void);

// ---- relay_guard.c: what a head may look like

struct refusal {
    unsigned status;
    const char *name, *detail; // of a problem (RFC 9457)
};

// The request line, as libmicrohttpd read it in its own memory.
struct request_line {
    const char *method, *target, *version;
    size_t target_bytes;
};

struct head {
    bool has_length, is_chunked, asks_beforehand, closes, is_json;
    uint64_t length;
};

// Refuses what two parsers could read differently, hosts that are not ours and other sites; gathers what else matters.
struct refusal guard_head(struct MHD_Connection *handle, const struct request_line *line, struct head *head);

// ---- relay_json.c: the request and the answer as text

struct target;

struct message {
    char *bytes;
    size_t count;
    struct target *target;
    int timeout_ms;
    bool is_fresh;
};

// Reads {"message":…} strictly (RFC 8259), in place; `body[count]` must be 0. What is wrong, or NULL.
const char *read_message(char *body, size_t count, struct message *message);

struct reply {
    const unsigned char *bytes;
    size_t count;
    const char *target;
    uint32_t sender, local; // IPv4 addresses, in the network's order
    uint16_t sender_port, local_port;
    uint64_t rtt_ns;
    bool is_match;
};

// The answer's JSON, in memory of its own.
char *write_reply(const struct reply *reply, size_t *count);

// Milliseconds with three decimals, ended by 0.
char *write_milliseconds(char *out, uint64_t ns);

// ---- relay_sockets.c: datagrams out, their replies back

enum outcome {
    outcome_reply, outcome_no_reply, outcome_port_unreachable, outcome_target_unreachable, outcome_overloaded,
    outcome_too_large, outcome_cancelled, outcome_count,
};

struct udp_socket;

// A message on its way; who waits for it gets `exchange_ended`.
struct exchange {
    struct udp_socket *socket; // NULL: none under way
    const char *bytes;
    size_t count;
    uint64_t deadline_ns, sent_at_ns;
    size_t place; // in the heap of deadlines
    bool has_heard_surplus, has_retried;
};

void start_sockets(int epoll);
// NAME=PORT on this machine; false where it is not that. The first is the default.
bool add_target(const char *argument);
// NULL: no target has this name.
struct target *target_named(const char *name, size_t count);
struct target *default_target(void);
// False where there is no room: then nothing is sent and nothing will end.
bool begin_exchange(struct exchange *exchange, const struct message *message, uint64_t now_ns);
void cancel_exchange(struct exchange *exchange);
void socket_ready(void *socket, uint32_t events);
// Ends what is due, closes what has rested or been retired long enough.
void expire_exchanges(uint64_t now_ns);
uint64_t next_expiry_ns(void);
size_t exchanges_in_flight(void);
uint64_t late_replies(void);

// relay.c has it.
void exchange_ended(struct exchange *exchange, enum outcome outcome, const struct reply *reply);
