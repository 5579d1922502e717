// A UDP echo server as an expert writes it in an afternoon: one blocking socket, one thread, datagrams in batches.
//
// Usage: echo [--single] [PORT]    (0, the default, takes a free port)
//
//   --single  one datagram at a time (recvfrom, sendto): the least that an answer to one takes
//
// It refuses nothing, counts nothing and shows nothing: what Yodel's echo server does beyond this is what the comparison
// puts a price on.

#define _GNU_SOURCE // recvmmsg, sendmmsg
#include "udp_server.h"
#include <string.h>

enum { largest_datagram = 65536 };

static char buffers[batch][largest_datagram];
static struct sockaddr_in senders[batch];
static struct iovec pieces[batch];
static struct mmsghdr messages[batch];

static void prepare_to_receive(void)
{
    for (int i = 0; i < batch; i++) {
        pieces[i] = (struct iovec){buffers[i], largest_datagram};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &senders[i], .msg_namelen = sizeof senders[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
}

// Sends the first `count` messages back; one that the kernel refuses is skipped, so that it holds up no other.
static void send_back(int descriptor, int count)
{
    for (int i = 0; i < count; i++)
        pieces[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < count;) {
        int now = sendmmsg(descriptor, messages + sent, (unsigned)(count - sent), 0);
        sent += now > 0 ? now : 1;
    }
    for (int i = 0; i < count; i++) { // the kernel has shortened these to what it wrote
        pieces[i].iov_len = largest_datagram;
        messages[i].msg_hdr.msg_namelen = sizeof senders[i];
    }
}

static void echo_batches(int descriptor)
{
    prepare_to_receive();
    for (;;) {
        int received = recvmmsg(descriptor, messages, batch, MSG_WAITFORONE, NULL);
        if (received > 0)
            send_back(descriptor, received);
    }
}

static void echo_singly(int descriptor)
{
    for (;;) {
        struct sockaddr *sender = (struct sockaddr *)&senders[0];
        socklen_t length = sizeof senders[0];
        ssize_t received = recvfrom(descriptor, buffers[0], largest_datagram, 0, sender, &length);
        if (received >= 0)
            sendto(descriptor, buffers[0], (size_t)received, 0, sender, length);
    }
}

// Nothing is cleaned up: it ends by SIGTERM, and the kernel closes what it held.
int main(int count, char **arguments)
{
    int is_single = count > 1 && strcmp(arguments[1], "--single") == 0;
    int descriptor = open_socket("UDP echo", count > 1 + is_single ? (uint16_t)atoi(arguments[1 + is_single]) : 0);
    if (is_single)
        echo_singly(descriptor);
    else
        echo_batches(descriptor);
}
