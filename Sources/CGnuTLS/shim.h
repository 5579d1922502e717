/* GnuTLS for Swift: what Debian's libmicrohttpd speaks TLS with, so it is in the process in any case. */
#ifndef CGNUTLS_SHIM_H
#define CGNUTLS_SHIM_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* A macro. The session reads and writes this socket. */
static inline void
cgnutls_transport_set_int (gnutls_session_t session, int descriptor)
{
  gnutls_transport_set_int (session, descriptor);
}

#endif
