/* zlib for Swift. */
#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H

#include <zlib.h>

/* A macro, which Swift cannot read. 16 more than the window's bits: a gzip header and trailer instead of zlib's. */
static inline int
czlib_begin_gzip (z_stream *stream)
{
  return deflateInit2 (stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
}

#endif
