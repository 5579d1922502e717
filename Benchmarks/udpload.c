// Loads a UDP echo server, and checks every byte of what comes back.
//
// Usage: udpload [--segment] [--gro] PORT [SECONDS [CLIENTS [OUTSTANDING [BYTES]]]]
//        (2 seconds, 16 clients, 16 outstanding, 64 bytes)
//
//   --segment  a client sends all its datagrams as one (UDP_SEGMENT) once the last are back or given up: bursts
//   --gro      a client reads with UDP_GRO: what came as one is read as one
//
// Each client is a connected socket that keeps the same number of datagrams outstanding: a reply is followed by the next
// datagram at once, and a loss by the next one after `loss_ns`, so that a lost datagram costs time but never stalls. It
// prints one JSON object:
//
//   echoed  datagrams that came back as they were sent      lost   datagrams given up
//   late    replies to datagrams given up before            wrong  anything else that came back
//   seconds from the first datagram to the last reply       cpu_seconds  what this program itself used
//
// Reads and writes are batched (recvmmsg, sendmmsg), and a connected socket knows its route, which an echo server must look
// up for each datagram: so this program has time left when the server has none, and the server is what is measured.

#define _GNU_SOURCE // recvmmsg, sendmmsg
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { most_clients = 64, most_outstanding = 64, most_bytes = 1472, longest_seconds = 60, sweep_ms = 5 };
enum { most_read = 65536, most_in_burst = 65507 };
// A server that is halted answers late in a row; 64 losses of one slot are 3 seconds.
enum { remembered = 64 };
static const uint64_t loss_ns = 50 * 1000 * 1000;

// The head of every datagram. No two datagrams of a run are alike, so a swapped or repeated reply cannot pass.
struct tag {
    uint64_t sequence;
    uint32_t client, slot;
};

// One datagram outstanding.
struct slot {
    bool is_outstanding;
    uint64_t sent_at_ns;
    uint64_t given_up[remembered]; // the last sequences counted as lost, a ring; 0: none
    uint32_t given_up_count;
    struct iovec piece;
    union {
        struct tag tag;
        unsigned char bytes[most_bytes];
    };
};

struct client {
    int descriptor, outstanding;
    uint32_t number;
    struct slot slots[most_outstanding];
};

static struct client clients[most_clients];
static int client_count = 16, outstanding = 16, datagram_bytes = 64, seconds = 2;
static bool sends_bursts, reads_bursts;
static uint64_t next_sequence = 1, now_ns;
static uint64_t echoed, lost, late, wrong;

static void fail(const char *what)
{
    fprintf(stderr, "udpload: ");
    perror(what);
    exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void open_client(struct client *client, int epoll, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = client};
    client->number = (uint32_t)(client - clients);
    client->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->descriptor < 0 || connect(client->descriptor, (struct sockaddr *)&address, sizeof address) < 0
        || epoll_ctl(epoll, EPOLL_CTL_ADD, client->descriptor, &interest) < 0)
        fail("socket");
    int on = 1;
    if (reads_bursts && setsockopt(client->descriptor, SOL_UDP, UDP_GRO, &on, sizeof on) < 0)
        fail("UDP_GRO");
    // A burst comes at once, and in pieces it counts for more than its bytes.
    int buffer_bytes = 1024 * 1024;
    if (sends_bursts && setsockopt(client->descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0)
        fail("SO_RCVBUF");
    for (int i = 0; i < outstanding; i++) {
        struct slot *slot = &client->slots[i];
        slot->piece = (struct iovec){slot->bytes, (size_t)datagram_bytes};
        for (int b = 0; b < datagram_bytes; b++)
            slot->bytes[b] = (unsigned char)(31 * i + b);
    }
}

static void fail_to_send(void)
{
    if (errno != EAGAIN && errno != ENOBUFS)
        fail("send"); // ECONNREFUSED: the server is gone
}

// Sends as many messages as the kernel takes, and tells how many those were.
static int send_singly(struct client *client, struct slot **slots, int count)
{
    struct mmsghdr messages[most_outstanding];
    for (int i = 0; i < count; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &slots[i]->piece, .msg_iovlen = 1};
    int sent = sendmmsg(client->descriptor, messages, (unsigned)count, 0);
    if (sent < 0)
        fail_to_send();
    return sent;
}

// Sends all datagrams as one, which the kernel cuts into them where it must.
static int send_burst(struct client *client, struct slot **slots, int count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}};
    struct iovec pieces[most_outstanding];
    struct msghdr message = {
        .msg_iov = pieces, .msg_iovlen = (size_t)count, .msg_control = &control, .msg_controllen = sizeof control};
    uint16_t size = (uint16_t)datagram_bytes;
    memcpy(CMSG_DATA(&control.head), &size, sizeof size);
    for (int i = 0; i < count; i++)
        pieces[i] = slots[i]->piece;
    if (sendmsg(client->descriptor, &message, 0) >= 0)
        return count;
    fail_to_send();
    return 0;
}

// Sends a new datagram for every slot that has none outstanding; a burst only when none has.
static void fill(struct client *client)
{
    struct slot *filled[most_outstanding];
    int count = 0;
    if (sends_bursts && client->outstanding > 0)
        return;
    for (int i = 0; i < outstanding; i++) {
        struct slot *slot = &client->slots[i];
        if (slot->is_outstanding)
            continue;
        slot->tag = (struct tag){next_sequence++, client->number, (uint32_t)i};
        filled[count++] = slot;
    }
    if (count == 0)
        return;
    int sent = sends_bursts ? send_burst(client, filled, count) : send_singly(client, filled, count);
    for (int i = 0; i < sent; i++) { // the others are tried again with the next reply or sweep
        filled[i]->is_outstanding = true;
        filled[i]->sent_at_ns = now_ns;
        client->outstanding++;
    }
}

static void give_up(struct client *client, struct slot *slot)
{
    slot->is_outstanding = false;
    client->outstanding--;
    slot->given_up[slot->given_up_count++ % remembered] = slot->tag.sequence;
    lost++;
}

// Tells whether this sequence was given up, and forgets it, so that a second reply to it is wrong.
static bool was_given_up(struct slot *slot, uint64_t sequence)
{
    for (int i = 0; i < remembered; i++) {
        if (sequence != 0 && slot->given_up[i] == sequence) {
            slot->given_up[i] = 0;
            return true;
        }
    }
    return false;
}

static void judge(struct client *client, const unsigned char *bytes, size_t count)
{
    struct tag tag = {0};
    memcpy(&tag, bytes, count < sizeof tag ? count : sizeof tag);
    struct slot *slot = tag.slot < (uint32_t)outstanding ? &client->slots[tag.slot] : NULL;
    if (slot && slot->is_outstanding && count == (size_t)datagram_bytes && memcmp(bytes, slot->bytes, count) == 0) {
        slot->is_outstanding = false;
        client->outstanding--;
        echoed++;
    } else if (slot && tag.client == client->number && was_given_up(slot, tag.sequence)) {
        late++;
    } else {
        wrong++;
    }
}

// How long each datagram of what was read as one is, but for the last; what has no size is one datagram.
static size_t size_of_each(struct msghdr *message, size_t count)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        int size = 0;
        if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(control), sizeof size);
            return size > 0 ? (size_t)size : count;
        }
    }
    return count;
}

static void receive(struct client *client)
{
    static unsigned char buffers[most_outstanding][most_read];
    static char controls[most_outstanding][CMSG_SPACE(sizeof(int))];
    struct iovec pieces[most_outstanding];
    struct mmsghdr messages[most_outstanding];
    for (int i = 0; i < outstanding; i++) {
        pieces[i] = (struct iovec){buffers[i], reads_bursts ? most_read : most_bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
        if (reads_bursts) {
            messages[i].msg_hdr.msg_control = controls[i];
            messages[i].msg_hdr.msg_controllen = sizeof controls[i];
        }
    }
    int count = recvmmsg(client->descriptor, messages, (unsigned)outstanding, MSG_DONTWAIT, NULL);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        fail("receive");
    for (int i = 0; i < count; i++) {
        size_t whole = messages[i].msg_len, size = size_of_each(&messages[i].msg_hdr, whole), start = 0;
        do { // an empty datagram is one too
            size_t length = whole - start < size ? whole - start : size;
            judge(client, buffers[i] + start, length);
            start += length;
        } while (start < whole);
    }
}

// Gives up what is older than `loss_ns`; tells how many are still outstanding.
static int sweep(bool is_ending)
{
    int remaining = 0;
    for (int c = 0; c < client_count; c++) {
        for (int i = 0; i < outstanding; i++) {
            struct slot *slot = &clients[c].slots[i];
            if (slot->is_outstanding && now_ns - slot->sent_at_ns > loss_ns)
                give_up(&clients[c], slot);
            remaining += slot->is_outstanding;
        }
        if (!is_ending)
            fill(&clients[c]);
    }
    return remaining;
}

// Past the end nothing new is sent, and what is outstanding gets its fate: the loop ends `loss_ns` later at the latest.
static void load(int epoll, uint64_t end_ns)
{
    uint64_t next_sweep_ns = 0;
    for (;;) {
        bool is_ending = now_ns >= end_ns;
        if (is_ending || now_ns >= next_sweep_ns) {
            if (sweep(is_ending) == 0 && is_ending)
                return;
            next_sweep_ns = now_ns + sweep_ms * 1000000;
        }
        struct epoll_event events[most_clients];
        int count = epoll_wait(epoll, events, most_clients, sweep_ms);
        now_ns = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < count; i++) {
            receive(events[i].data.ptr);
            if (now_ns < end_ns)
                fill(events[i].data.ptr);
        }
    }
}

static int argument(int count, char **arguments, int index, int fallback, int least, int most)
{
    int value = index < count ? atoi(arguments[index]) : fallback;
    if (value < least || value > most) {
        fprintf(stderr, "usage: udpload [--segment] [--gro] PORT [SECONDS [CLIENTS [OUTSTANDING [BYTES]]]]: ");
        fprintf(stderr, "%d is not in %d to %d\n", value, least, most);
        exit(64);
    }
    return value;
}

int main(int count, char **arguments)
{
    for (; count > 1 && arguments[1][0] == '-'; count--, arguments++) {
        sends_bursts |= strcmp(arguments[1], "--segment") == 0;
        reads_bursts |= strcmp(arguments[1], "--gro") == 0;
    }
    int port = argument(count, arguments, 1, 0, 1, 65535);
    seconds = argument(count, arguments, 2, seconds, 1, longest_seconds);
    client_count = argument(count, arguments, 3, client_count, 1, most_clients);
    outstanding = argument(count, arguments, 4, outstanding, 1, most_outstanding);
    datagram_bytes = argument(count, arguments, 5, datagram_bytes, (int)sizeof(struct tag), most_bytes);
    if (sends_bursts && outstanding * datagram_bytes > most_in_burst) {
        fprintf(stderr, "udpload: a burst has %d bytes at most\n", most_in_burst);
        return 64;
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int c = 0; c < client_count; c++)
        open_client(&clients[c], epoll, (uint16_t)port);

    uint64_t start_ns = now_ns = clock_ns(CLOCK_MONOTONIC);
    load(epoll, start_ns + (uint64_t)seconds * 1000000000);
    double elapsed = (double)(now_ns - start_ns) / 1e9, cpu = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
    if (echoed == 0) {
        fprintf(stderr, "udpload: nothing came back from 127.0.0.1:%d\n", port);
        return 1;
    }
    printf("{\"echoed\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"late\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"seconds\":%.6f,\"datagrams_per_second\":%.0f,\"cpu_seconds\":%.6f}\n",
           echoed, lost, late, wrong, elapsed, (double)echoed / elapsed, cpu);
}
