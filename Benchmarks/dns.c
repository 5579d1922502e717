// Answers every DNS query over UDP with one address: what dnsdist relays to, as echo.c is what the others relay to.
//
// Usage: dns [PORT]    (0, the default, takes a free port)
//
// The question comes back with an A record behind it (RFC 1035 section 4): 127.0.0.1, for an hour. Batches as in echo.c.

#define _GNU_SOURCE // recvmmsg, sendmmsg
#include "udp_server.h"
#include <string.h>

enum { header_bytes = 12, largest_query = 512 };

// A pointer to the question's name, type A, class IN, its time to live, and the address.
static const unsigned char record[] = {0xC0, header_bytes, 0, 1, 0, 1, 0, 0, 0x0E, 0x10, 0, 4, 127, 0, 0, 1};

static unsigned char buffers[batch][largest_query + sizeof record];
static struct sockaddr_in senders[batch];
static struct iovec pieces[batch];
static struct mmsghdr messages[batch];

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
    int descriptor = open_socket("UDP DNS", count > 1 ? (uint16_t)atoi(arguments[1]) : 0);
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
