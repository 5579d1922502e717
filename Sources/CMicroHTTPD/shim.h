/* libmicrohttpd for Swift. Swift cannot call variadic C functions, so each one that Yodel needs has an inline
   here; what differs between the versions of the library at compile time stays in this file too. */
#ifndef CMICROHTTPD_SHIM_H
#define CMICROHTTPD_SHIM_H

#include <microhttpd.h>
#include <stdbool.h>

#if MHD_VERSION < 0x00097500
#error "Yodel needs libmicrohttpd 0.9.75 or later"
#endif

/* Variadic: the options come as an array that MHD_OPTION_END ends. No port: this daemon never listens. */
static inline struct MHD_Daemon *
cmhd_start_daemon (unsigned int flags, MHD_AccessHandlerCallback handler, void *handler_context,
                   struct MHD_OptionItem *options)
{
  return MHD_start_daemon (flags, 0, NULL, NULL, handler, handler_context,
                           MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* Variadic. The daemon's own epoll descriptor, or -1. */
static inline int
cmhd_epoll_descriptor (struct MHD_Daemon *daemon)
{
  const union MHD_DaemonInfo *info = MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return NULL == info ? -1 : info->epoll_fd;
}

/* Variadic. What MHD_OPTION_NOTIFY_CONNECTION stored for the connection. */
static inline void *
cmhd_socket_context (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info
    = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return NULL == info ? NULL : info->socket_context;
}

/* Variadic. The connection's descriptor, or -1. */
static inline int
cmhd_connection_descriptor (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info
    = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return NULL == info ? -1 : info->connect_fd;
}

/* Variadic. The connection's session (gnutls_session_t), or NULL where nothing is encrypted. */
static inline void *
cmhd_tls_session (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info
    = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  return NULL == info ? NULL : info->tls_session;
}

/* Variadic. The bytes of the request's head, from its method to the blank line's end; 0 where it is not whole. */
static inline size_t
cmhd_head_size (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info
    = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return NULL == info ? 0 : info->header_size;
}

/* Whether the library that runs is older than 1.0, which came with another parser. Not asked of the headers: both
   are libmicrohttpd.so.12, so a program that was built with one may run with the other. */
static inline bool
cmhd_is_before_1_0 (void)
{
  const char *version = MHD_get_version ();
  return '0' == version[0] && '.' == version[1];
}

/* External epoll, suspend and resume, and no listening socket. From 1.0 on the library keeps an inter-thread channel
   unless it is told that one thread does everything: MHD_USE_NO_THREAD_SAFETY, which older headers lack. */
static inline unsigned int
cmhd_daemon_flags (void)
{
  const unsigned int flags
    = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
  return cmhd_is_before_1_0 () ? flags : flags | 1U << 19;
}

/* Variadic. The response is sent without chunks, and ends its connection. */
static inline void
cmhd_forgo_chunks (struct MHD_Response *response)
{
  (void) MHD_set_response_options (response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

/* Macros with casts, which Swift cannot read. */
static const uint64_t CMHD_SIZE_UNKNOWN = MHD_SIZE_UNKNOWN;
static const ssize_t CMHD_END_OF_STREAM = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t CMHD_END_WITH_ERROR = MHD_CONTENT_READER_END_WITH_ERROR;

/* How strictly the library itself reads requests. Before 1.0 strictness makes a missing Host answered with its
   headers twice, so it stays off and Yodel checks alone; from then on level 1 of MHD_OPTION_CLIENT_DISCIPLINE_LVL,
   which older headers lack, refuses bare LF, folding and NUL before Yodel sees them. */
static inline struct MHD_OptionItem
cmhd_discipline_option (void)
{
  const struct MHD_OptionItem lenient = { MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL };
  const struct MHD_OptionItem strict = { (enum MHD_OPTION) 38, 1, NULL };
  return cmhd_is_before_1_0 () ? lenient : strict;
}

/* The names that Swift gives the features differ between 0.9.75 and 1.0. */
static inline enum MHD_Result
cmhd_can_encrypt (void)
{
  return MHD_is_feature_supported (MHD_FEATURE_TLS);
}

#endif
