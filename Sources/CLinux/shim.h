/* What Linux offers and Swift's Glibc module does not: epoll, eventfd, signalfd, batched datagrams, control
   messages. _GNU_SOURCE must not be defined here (glibc would then declare things that the Glibc module has
   differently), so what glibc hides behind it is declared anew, bound to glibc's symbol by name. */
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

/* Swift's own module comes first: what is in both is then its declaration alone, wherever it is asked for. */
#pragma clang module import SwiftGlibc

#include <time.h> /* before linux/errqueue.h, which needs struct timespec */

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* struct mmsghdr, recvmmsg(2), sendmmsg(2), accept4(2), pthread_setname_np(3): behind _GNU_SOURCE. */
struct clinux_mmsghdr {
  struct msghdr message;
  unsigned int length;
};
int clinux_recvmmsg (int fd, struct clinux_mmsghdr *vector, unsigned int count, int flags,
                     struct timespec *timeout) __asm__ ("recvmmsg");
int clinux_sendmmsg (int fd, struct clinux_mmsghdr *vector, unsigned int count,
                     int flags) __asm__ ("sendmmsg");
int clinux_accept4 (int fd, void *address, socklen_t *length, int flags) __asm__ ("accept4");
int clinux_setname (unsigned long thread, const char *name) __asm__ ("pthread_setname_np");

/* struct in6_pktinfo: behind _GNU_SOURCE. */
struct clinux_in6_pktinfo {
  struct in6_addr address;
  unsigned int interface;
};

/* epoll_event is packed on x86-64 and its union is awkward in Swift: the 64 bits are what Yodel uses. */
static inline uint64_t clinux_epoll_data (const struct epoll_event *event) { return event->data.u64; }
static inline struct epoll_event clinux_epoll_event (uint32_t events, uint64_t data)
{
  struct epoll_event event;
  memset (&event, 0, sizeof event);
  event.events = events;
  event.data.u64 = data;
  return event;
}

/* epoll_pwait2(2), Linux 5.11: glibc has it from 2.35 on, and the number is the same on every architecture. */
static inline int clinux_epoll_pwait2 (int epoll, struct epoll_event *events, int count, const struct timespec *timeout)
{
  return (int) syscall (441, epoll, events, count, timeout, (void *) 0, (size_t) 0);
}

/* The flags of epoll are an enum whose last member does not fit Swift's Int32. */
static const uint32_t CLINUX_EPOLLIN = EPOLLIN;
static const uint32_t CLINUX_EPOLLOUT = EPOLLOUT;
static const uint32_t CLINUX_EPOLLERR = EPOLLERR;
static const uint32_t CLINUX_EPOLLHUP = EPOLLHUP;
static const uint32_t CLINUX_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t CLINUX_EPOLLET = 1u << 31;

/* The CMSG macros of cmsg(3). */
static inline struct cmsghdr *clinux_cmsg_first (struct msghdr *message) { return CMSG_FIRSTHDR (message); }
static inline struct cmsghdr *clinux_cmsg_next (struct msghdr *message, struct cmsghdr *control)
{
  return CMSG_NXTHDR (message, control);
}
static inline void *clinux_cmsg_data (struct cmsghdr *control) { return CMSG_DATA (control); }
static inline size_t clinux_cmsg_space (size_t length) { return CMSG_SPACE (length); }
static inline size_t clinux_cmsg_length (size_t length) { return CMSG_LEN (length); }

/* Socket options that glibc shows only with _GNU_SOURCE or that live in kernel headers which clash with it. */
static const int CLINUX_SO_TIMESTAMPNS = 35;
static const int CLINUX_SO_REUSEPORT = 15;
static const int CLINUX_SO_RXQ_OVFL = 40;
static const int CLINUX_SO_MEMINFO = 55;
static const int CLINUX_IP_TTL = 2;
static const int CLINUX_IP_PKTINFO = 8;
static const int CLINUX_IP_RECVERR = 11;
static const int CLINUX_IP_RECVTTL = 12;
static const int CLINUX_IPV6_UNICAST_HOPS = 16;
static const int CLINUX_IPV6_RECVERR = 25;
static const int CLINUX_IPV6_RECVPKTINFO = 49;
static const int CLINUX_IPV6_PKTINFO = 50;
static const int CLINUX_IPV6_RECVHOPLIMIT = 51;
static const int CLINUX_IPV6_HOPLIMIT = 52;
static const int CLINUX_UDP_SEGMENT = 103;
static const int CLINUX_UDP_GRO = 104;

#endif
