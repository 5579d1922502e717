// Answers every DNS query over UDP with one address: what dnsdist relays to, as echo.c is what the others relay to.
//
// Usage: dns [PORT]    (0, the default, takes a free port)
//
// The question comes back with an A record behind it (RFC 1035 section 4): 127.0.0.1, for an hour. Batches as in echo.c.

#define _GNU_SOURCE // recvmmsg, sendmmsg
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { batch = 64, header_bytes = 12, largest_query = 512, receive_buffer_bytes = 1024 * 1024 };

// A pointer to the question's name, type A, class IN, its time to live, and the address.
static const unsigned char record[] = {0xC0, header_bytes, 0, 1, 0, 1, 0, 0, 0x0E, 0x10, 0, 4, 127, 0, 0, 1};

static unsigned char buffers[batch][largest_query + sizeof record];
static struct sockaddr_in senders[batch];
static struct iovec pieces[batch];
static struct mmsghdr messages[batch];

static void fail(const char *what)
{
    fprintf(stderr, "dns: ");
    perror(what);
    exit(1);
}

static int open_socket(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), buffer_bytes = receive_buffer_bytes;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0
        || bind(descriptor, (struct sockaddr *)&address, length) < 0
        || getsockname(descriptor, (struct sockaddr *)&address, &length) < 0)
        fail("socket");
    printf("UDP DNS: 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}

// The answer's length; 0 for what is no query with one question and nothing else.
static size_t answer(unsigned char *query, size_t count)
{
    static const unsigned char one_question[] = {0, 1, 0, 0, 0, 0};
    if (count < header_bytes + 5 || (query[2] & 0x80) || memcmp(query + 4, one_question, sizeof one_question) != 0)
        return 0;
    query[2] |= 0x80; // a response
    query[3] = 0x80;  // recursion available, no error
    query[7] = 1;     // one answer
    memcpy(query + count, record, sizeof record);
    return count + sizeof record;
}

static void prepare_to_receive(void)
{
    for (int i = 0; i < batch; i++) {
        pieces[i] = (struct iovec){buffers[i], largest_query};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &senders[i], .msg_namelen = sizeof senders[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
}

// Nothing is cleaned up: it ends by SIGTERM, and the kernel closes what it held.
int main(int count, char **arguments)
{
    int descriptor = open_socket(count > 1 ? (uint16_t)atoi(arguments[1]) : 0);
    for (;;) {
        prepare_to_receive();
        int received = recvmmsg(descriptor, messages, batch, MSG_WAITFORONE, NULL), answers = 0;
        for (int i = 0; i < received; i++) {
            size_t length = answer(buffers[i], messages[i].msg_len);
            if (length == 0)
                continue;
            messages[answers].msg_hdr = messages[i].msg_hdr; // what is answered moves to the front
            messages[answers].msg_hdr.msg_iov->iov_len = length;
            answers++;
        }
        for (int sent = 0; sent < answers;) {
            int now = sendmmsg(descriptor, messages + sent, (unsigned)(answers - sent), 0);
            sent += now > 0 ? now : 1; // one that the kernel refuses holds up no other
        }
    }
}
