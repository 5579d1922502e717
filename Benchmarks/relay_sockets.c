// The C relay's sockets: connected, one exchange at a time, used again only when nothing late can come.
//
// A socket rests 500 ms after a clean reply, and the longest rested goes first. With none rested a new one is opened; at
// the cap the longest rested is taken early, unless the target sent something surplus of late. Whatever ended otherwise
// is held for 10 s, and read, before its port can be anybody's again.

#define _GNU_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_reads = 64, housekeeping_ms = 1000, most_in_flight = 4096, most_targets = 8 };

static const uint64_t rest_ns = 500 * 1000 * 1000ull, retirement_ns = 10 * second_ns, quiet_ns = 60 * second_ns,
                      idle_ns = 30 * second_ns, never_ns = UINT64_MAX;

struct udp_socket {
    enum source source;
    struct target *target;
    int descriptor;
    uint16_t local_port;
    uint32_t local;
    enum { in_flight, resting, retired } state;
    uint64_t since_ns;
    struct exchange *exchange;
    struct udp_socket *previous, *next; // of those that rest, or are retired
};

// Oldest first.
struct list {
    struct udp_socket *first, *last;
    size_t count;
};

struct target {
    char name[32];
    struct sockaddr_in address;
    struct list rested;
    size_t flying, held;
    uint64_t surplus_at_ns; // when it last sent what nobody waited for; 0: never
};

static int epoll;
static struct target targets[most_targets];
static int target_count;
static struct list held, closing; // retired ones, and those that a turn's end closes
static size_t flying, rested;     // of all targets
static uint64_t next_housekeeping_ns, late;
static unsigned char buffer[65535];

uint64_t late_replies(void) { return late; }
size_t exchanges_in_flight(void) { return flying; }

static void append(struct list *list, struct udp_socket *socket)
{
    socket->previous = list->last;
    socket->next = NULL;
    *(list->last ? &list->last->next : &list->first) = socket;
    list->last = socket;
    list->count++;
}

static void unlink_from(struct list *list, struct udp_socket *socket)
{
    *(socket->previous ? &socket->previous->next : &list->first) = socket->next;
    *(socket->next ? &socket->next->previous : &list->last) = socket->previous;
    list->count--;
}

// ---- Deadlines: a binary heap, since every exchange may have a timeout of its own

static struct exchange *heap[most_in_flight];
static size_t heap_count;

static void place(struct exchange *exchange, size_t at)
{
    heap[at] = exchange;
    exchange->place = at;
}

static void sift(struct exchange *exchange, size_t at)
{
    while (at > 0 && exchange->deadline_ns < heap[(at - 1) / 2]->deadline_ns) {
        place(heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < heap_count && heap[child + 1]->deadline_ns < heap[child]->deadline_ns)
            child++;
        if (child >= heap_count || heap[child]->deadline_ns >= exchange->deadline_ns)
            break;
        place(heap[child], at);
        at = child;
    }
    place(exchange, at);
}

static void leave_heap(struct exchange *exchange)
{
    struct exchange *last = heap[--heap_count];
    if (last != exchange)
        sift(last, exchange->place);
}

// ---- A socket's life

static struct udp_socket *open_socket(struct target *target)
{
    struct udp_socket *opened = calloc(1, sizeof *opened);
    struct sockaddr_in local;
    socklen_t length = sizeof local;
    int yes = 1, descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!opened || descriptor < 0)
        goto failed;
    *opened = (struct udp_socket){.source = source_socket, .target = target, .descriptor = descriptor};
    struct epoll_event interest = {.events = EPOLLIN | EPOLLET, .data.ptr = opened};
    if (setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) < 0
        || setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes) < 0
        || connect(descriptor, (struct sockaddr *)&target->address, sizeof target->address) < 0
        || getsockname(descriptor, (struct sockaddr *)&local, &length) < 0
        || epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &interest) < 0)
        goto failed;
    opened->local = local.sin_addr.s_addr;
    opened->local_port = ntohs(local.sin_port);
    return opened;
failed:
    if (descriptor >= 0)
        close(descriptor);
    free(opened);
    return NULL;
}

static void leave_rest(struct udp_socket *socket)
{
    unlink_from(&socket->target->rested, socket);
    rested--;
}

static void retire(struct udp_socket *socket)
{
    if (socket->state == resting)
        leave_rest(socket);
    socket->state = retired;
    socket->since_ns = monotonic_ns();
    socket->target->held++;
    append(&held, socket);
}

// Closed it is when the turn ends: an event of this one may still be about it.
static void close_rested(struct udp_socket *socket)
{
    leave_rest(socket);
    socket->state = retired;
    append(&closing, socket);
}

static void close_first(struct list *list)
{
    struct udp_socket *socket = list->first;
    unlink_from(list, socket);
    close(socket->descriptor);
    free(socket);
}

static struct udp_socket *longest_rested(void)
{
    struct udp_socket *longest = NULL;
    for (struct target *target = targets; target < targets + target_count; target++)
        if (target->rested.first && (!longest || target->rested.first->since_ns < longest->since_ns))
            longest = target->rested.first;
    return longest;
}

static void rest(struct udp_socket *socket, uint64_t now_ns)
{
    socket->state = resting;
    socket->since_ns = now_ns;
    append(&socket->target->rested, socket);
    if (++rested > most_in_flight) {
        struct udp_socket *longest = longest_rested();
        if (now_ns - longest->since_ns >= rest_ns)
            close_rested(longest);
        else
            retire(longest);
    }
}

// ---- Receiving

struct arrival {
    size_t count;
    bool is_truncated;
    struct sockaddr_in sender;
    uint64_t at_ns, read_at_ns;
};

// The stamp is of the wall clock, so its age is taken; one from the future was stamped before the clock was set back.
static void note_time(struct msghdr *message, struct arrival *arrival)
{
    static const int64_t unbelievable_ns = -1000 * 1000;
    struct timespec stamp, wall;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
        clock_gettime(CLOCK_REALTIME, &wall);
        arrival->read_at_ns = monotonic_ns();
        int64_t age = (wall.tv_sec - stamp.tv_sec) * (int64_t)second_ns + wall.tv_nsec - stamp.tv_nsec;
        arrival->at_ns = age < unbelievable_ns ? 0 : arrival->read_at_ns - (uint64_t)(age > 0 ? age : 0);
        return;
    }
    arrival->at_ns = arrival->read_at_ns = monotonic_ns();
}

// 1 with a datagram in `buffer`, 0 where none is queued, -1 for an error that ICMP or the kernel reported.
static int receive(struct udp_socket *socket, struct arrival *arrival)
{
    union {
        struct cmsghdr alignment;
        char bytes[128];
    } control;
    struct iovec piece = {buffer, sizeof buffer};
    struct msghdr message = {.msg_name = &arrival->sender, .msg_namelen = sizeof arrival->sender, .msg_iov = &piece,
                             .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t count;
    do
        count = recvmsg(socket->descriptor, &message, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno == EAGAIN ? 0 : -1;
    arrival->count = (size_t)count;
    arrival->is_truncated = message.msg_flags & MSG_TRUNC;
    note_time(&message, arrival);
    return 1;
}

// Empties the error queue and the pending error, or epoll would tell of them for ever; 0 where there was none.
static int take_error(struct udp_socket *socket)
{
    int newest = 0, pending = 0;
    socklen_t length = sizeof pending;
    for (;;) {
        union {
            struct cmsghdr alignment;
            char bytes[256];
        } control;
        struct msghdr message = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        if (recvmsg(socket->descriptor, &message, MSG_ERRQUEUE) < 0)
            break;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
            if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR)
                newest = (int)((struct sock_extended_err *)CMSG_DATA(part))->ee_errno;
    }
    getsockopt(socket->descriptor, SOL_SOCKET, SO_ERROR, &pending, &length);
    return newest ? newest : pending;
}

// Reads away and counts what is queued on a socket that waits for nothing; tells whether there was anything.
static bool read_surplus(struct udp_socket *socket)
{
    struct arrival arrival;
    int read = 0;
    for (; read < most_reads; read++) {
        int had = receive(socket, &arrival);
        if (had == 0)
            break;
        if (had > 0)
            late++;
        else
            take_error(socket);
    }
    if (read > 0)
        socket->target->surplus_at_ns = monotonic_ns();
    return read > 0;
}

// ---- An exchange's end

static void end(struct exchange *exchange, enum outcome outcome, const struct reply *reply)
{
    exchange->socket->target->flying--;
    exchange->socket->exchange = NULL;
    exchange->socket = NULL;
    leave_heap(exchange);
    flying--;
    exchange_ended(exchange, outcome, reply);
}

static void fail(struct exchange *exchange, enum outcome outcome)
{
    retire(exchange->socket);
    end(exchange, outcome, NULL);
}

void cancel_exchange(struct exchange *exchange)
{
    if (exchange->socket)
        fail(exchange, outcome_cancelled);
}

static void take(struct exchange *exchange, const struct arrival *arrival)
{
    struct udp_socket *socket = exchange->socket;
    if (arrival->at_ns < exchange->sent_at_ns) { // it answers an earlier message
        late++;
        exchange->has_heard_surplus = true;
        socket->target->surplus_at_ns = arrival->read_at_ns;
        return;
    }
    if (arrival->is_truncated)
        return fail(exchange, outcome_target_unreachable);
    struct reply reply = {
        .bytes = buffer, .count = arrival->count, .target = socket->target->name,
        .sender = arrival->sender.sin_addr.s_addr, .sender_port = ntohs(arrival->sender.sin_port),
        .local = socket->local, .local_port = socket->local_port,
        .rtt_ns = arrival->at_ns - exchange->sent_at_ns,
        .is_match = arrival->count == exchange->count && memcmp(buffer, exchange->bytes, arrival->count) == 0,
    };
    if (exchange->has_heard_surplus)
        retire(socket);
    else
        rest(socket, arrival->read_at_ns);
    end(exchange, outcome_reply, &reply);
}

static enum outcome outcome_of(int error)
{
    return error == ECONNREFUSED ? outcome_port_unreachable : outcome_target_unreachable;
}

// Reads until the exchange has ended or nothing is left: a reply counts more than an error beside it.
static void receive_reply(struct udp_socket *socket, bool may_have_error)
{
    struct arrival arrival;
    int had, error = 0;
    while (socket->exchange && (had = receive(socket, &arrival)) != 0) {
        if (had > 0)
            take(socket->exchange, &arrival);
        else
            error = errno, take_error(socket);
    }
    if (may_have_error && socket->exchange) {
        int reported = take_error(socket);
        error = reported ? reported : error;
    }
    if (error && socket->exchange)
        fail(socket->exchange, outcome_of(error));
}

// ---- Sending

static void watch(struct udp_socket *socket, uint32_t events)
{
    epoll_ctl(epoll, EPOLL_CTL_MOD, socket->descriptor, &(struct epoll_event){.events = events, .data.ptr = socket});
}

static void send_message(struct exchange *exchange)
{
    struct udp_socket *socket = exchange->socket;
    uint64_t now_ns = monotonic_ns();
    if (send(socket->descriptor, exchange->bytes, exchange->count, 0) >= 0) {
        exchange->sent_at_ns = now_ns;
        return;
    }
    switch (errno) {
    case EAGAIN: return watch(socket, EPOLLIN | EPOLLOUT | EPOLLET);
    case ENOBUFS:
    case ENOMEM: // a full device queue is usually a moment's matter
        if (exchange->has_retried)
            return fail(exchange, outcome_overloaded);
        exchange->has_retried = true;
        return send_message(exchange);
    default: return fail(exchange, outcome_of(errno));
    }
}

// A rested socket on which nothing is queued, or a new one; NULL where there is no room.
static struct udp_socket *choose_socket(struct target *target, bool is_fresh, uint64_t now_ns)
{
    if (target->held >= most_in_flight - most_in_flight / 4)
        return NULL;
    while (!is_fresh && target->rested.first) {
        struct udp_socket *longest = target->rested.first;
        if (now_ns - longest->since_ns < rest_ns) {
            if (rested + target->flying < most_in_flight - most_in_flight / 8)
                break;
            if (target->surplus_at_ns && now_ns - target->surplus_at_ns < quiet_ns)
                return NULL;
        }
        if (recv(longest->descriptor, NULL, 0, MSG_PEEK) < 0 && errno == EAGAIN) {
            leave_rest(longest);
            longest->state = in_flight;
            return longest;
        }
        read_surplus(longest);
        retire(longest);
    }
    return open_socket(target);
}

bool begin_exchange(struct exchange *exchange, const struct message *message, uint64_t now_ns)
{
    size_t overdue = held.count > most_in_flight ? held.count - most_in_flight : 0;
    if (flying + overdue >= most_in_flight)
        return false;
    struct udp_socket *socket = choose_socket(message->target, message->is_fresh, now_ns);
    if (!socket)
        return false;
    *exchange = (struct exchange){
        .socket = socket, .bytes = message->bytes, .count = message->count, .sent_at_ns = never_ns,
        .deadline_ns = monotonic_ns() + (uint64_t)message->timeout_ms * 1000000,
    };
    socket->exchange = exchange;
    message->target->flying++;
    flying++;
    heap_count++;
    sift(exchange, heap_count - 1);
    send_message(exchange);
    return true;
}

// ---- What epoll and the clock tell

void socket_ready(void *source, uint32_t events)
{
    struct udp_socket *socket = source;
    if (!socket->exchange) {
        bool had_error = (events & EPOLLERR) && take_error(socket);
        if ((read_surplus(socket) || had_error) && socket->state == resting)
            retire(socket);
        return;
    }
    if (events & EPOLLOUT) {
        watch(socket, EPOLLIN | EPOLLET);
        send_message(socket->exchange);
    }
    receive_reply(socket, events & EPOLLERR);
}

static void keep_house(uint64_t now_ns)
{
    while (held.first && now_ns - held.first->since_ns >= retirement_ns) {
        read_surplus(held.first);
        held.first->target->held--;
        close_first(&held);
    }
    struct udp_socket *longest;
    while ((longest = longest_rested()) && now_ns - longest->since_ns >= idle_ns) {
        read_surplus(longest);
        close_rested(longest);
    }
    next_housekeeping_ns = now_ns + housekeeping_ms * 1000000ull;
}

void expire_exchanges(uint64_t now_ns)
{
    while (heap_count > 0 && heap[0]->deadline_ns <= now_ns) {
        struct exchange *exchange = heap[0];
        receive_reply(exchange->socket, false); // it may be queued all the same
        if (heap_count > 0 && heap[0] == exchange)
            fail(exchange, outcome_no_reply);
    }
    if (now_ns >= next_housekeeping_ns)
        keep_house(now_ns);
    while (closing.first)
        close_first(&closing);
}

uint64_t next_expiry_ns(void)
{
    uint64_t house_ns = rested + held.count > 0 ? next_housekeeping_ns : never_ns;
    return heap_count > 0 && heap[0]->deadline_ns < house_ns ? heap[0]->deadline_ns : house_ns;
}

// ---- Targets

bool add_target(const char *argument)
{
    const char *equals = strchr(argument, '=');
    int port = equals ? atoi(equals + 1) : 0;
    if (port < 1 || port > 65535 || target_count == most_targets)
        return false;
    struct target *added = &targets[target_count++];
    snprintf(added->name, sizeof added->name, "%.*s", (int)(equals - argument), argument);
    added->address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return true;
}

struct target *target_named(const char *name, size_t count)
{
    for (struct target *target = targets; target < targets + target_count; target++)
        if (strlen(target->name) == count && memcmp(target->name, name, count) == 0)
            return target;
    return NULL;
}

struct target *default_target(void) { return targets; }

void start_sockets(int epoll_descriptor) { epoll = epoll_descriptor; }
