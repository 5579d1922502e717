// The C relay's guard: libmicrohttpd 0.9 lets most of what follows through.

#define _GNU_SOURCE // strcasestr
#include "relay.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static const struct refusal accepted = {0};

static struct refusal malformed(const char *detail)
{
    return (struct refusal){400, "malformed-request", detail};
}

// What one pass over the fields gathers.
struct fields {
    const char *next; // where the next name must stand
    const char *host, *site, *origin, *length, *coding, *type;
    size_t host_bytes, origin_bytes, bytes, count;
    unsigned hosts, sites, origins, lengths, codings;
    bool is_exact, is_clean, asks_beforehand, closes;
};

// RFC 9110 section 5.6.2.
static bool is_token(const char *text, size_t count)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < count; i++) {
        char c = text[i];
        bool is_alphanumeric = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!is_alphanumeric && (c == 0 || !strchr(others, c)))
            return false;
    }
    return count > 0;
}

static bool is_value(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static enum MHD_Result note(void *context, enum MHD_ValueKind kind, const char *name, size_t name_bytes, const char *value,
                            size_t value_bytes)
{
    (void)kind;
    struct fields *fields = context;
    // libmicrohttpd 0.9 reads in place: between a value and the next name are exactly the two bytes that were CRLF, or
    // the line was folded, held a NUL or ended in a bare LF.
    fields->is_exact = fields->is_exact && name == fields->next;
    fields->next = value + value_bytes + 2;
    fields->is_clean = fields->is_clean && is_token(name, name_bytes) && is_value(value, value_bytes);
    fields->bytes += name_bytes + value_bytes + 4;
    fields->count++;
    switch (name_bytes) { // lengths tell most names apart
    case 4:
        if (strcasecmp(name, "Host") == 0)
            fields->host = value, fields->host_bytes = value_bytes, fields->hosts++;
        break;
    case 6:
        if (strcasecmp(name, "Origin") == 0)
            fields->origin = value, fields->origin_bytes = value_bytes, fields->origins++;
        else if (strcasecmp(name, "Expect") == 0)
            fields->asks_beforehand = true;
        break;
    case 10:
        if (strcasecmp(name, "Connection") == 0)
            fields->closes = strcasestr(value, "close") != NULL;
        break;
    case 12:
        if (strcasecmp(name, "Content-Type") == 0)
            fields->type = value;
        break;
    case 14:
        if (strcasecmp(name, "Content-Length") == 0)
            fields->length = value, fields->lengths++;
        else if (strcasecmp(name, "Sec-Fetch-Site") == 0)
            fields->site = value, fields->sites++;
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0)
            fields->coding = value, fields->codings++;
        break;
    }
    return MHD_YES;
}

static struct refusal refused_line(const struct request_line *line)
{
    if (strcmp(line->version, "HTTP/1.1") != 0 && strcmp(line->version, "HTTP/1.0") != 0)
        return malformed("the version is neither HTTP/1.1 nor HTTP/1.0");
    if (!is_token(line->method, strlen(line->method)))
        return malformed("the method is no token");
    if (line->target[0] != '/')
        return malformed("the request target must be a path that starts with a slash");
    // It has been cut at the question mark, if there was one; 0 stands there.
    for (size_t i = 0; i < line->target_bytes; i++) {
        unsigned char c = (unsigned char)line->target[i];
        if (c != 0 && (c <= 0x20 || c >= 0x7F || c == '#'))
            return malformed("the request target holds a character that must be escaped");
    }
    return accepted;
}

static struct refusal refused_framing(const struct fields *fields, const struct request_line *line, struct head *head)
{
    if (fields->lengths > 1)
        return malformed("there are several Content-Length headers");
    if (fields->lengths == 1) {
        if (fields->codings > 0)
            return malformed("there is a Content-Length beside a Transfer-Encoding");
        for (const char *digit = fields->length; *digit || digit == fields->length; digit++) {
            if (*digit < '0' || *digit > '9' || head->length > UINT64_MAX / 10 - 1)
                return malformed("the Content-Length is no length");
            head->length = head->length * 10 + (uint64_t)(*digit - '0');
        }
        head->has_length = true;
    }
    if (fields->codings > 0) {
        if (line->version[7] == '0')
            return malformed("HTTP/1.0 has no Transfer-Encoding");
        if (fields->codings > 1 || strcasecmp(fields->coding, "chunked") != 0)
            return (struct refusal){501, "not-implemented", "the only transfer coding is chunked"};
        head->is_chunked = true;
    }
    return accepted;
}

// The part of HOST[:PORT] before the port; 0 where the rest is no port.
static size_t name_bytes(const char *host, size_t count)
{
    const char *end = count > 0 && host[0] == '[' ? memchr(host, ']', count) : NULL;
    const char *colon = end ? end + 1 : memchr(host, ':', count);
    size_t bytes = colon ? (size_t)(colon - host) : count;
    for (size_t i = bytes; i < count; i++)
        if (i == bytes ? host[i] != ':' : host[i] < '0' || host[i] > '9')
            return 0;
    return bytes;
}

// An IP literal or localhost: a browser that was led here by a foreign name says that name.
static bool is_own_host(const char *host, size_t count)
{
    char text[64];
    unsigned char address[16];
    size_t bytes = name_bytes(host, count);
    if (bytes == 0 || bytes >= sizeof text)
        return false;
    if (bytes == 9 && strncasecmp(host, "localhost", 9) == 0)
        return true;
    bool is_bracketed = host[0] == '[';
    size_t length = is_bracketed ? bytes - 2 : bytes;
    memcpy(text, host + is_bracketed, length);
    text[length] = 0;
    return inet_pton(is_bracketed ? AF_INET6 : AF_INET, text, address) == 1;
}

// Programs send neither Sec-Fetch-Site nor Origin.
static bool is_cross_site(const struct fields *fields)
{
    if (fields->sites > 1 || fields->origins > 1)
        return true;
    if (fields->sites == 1)
        return strcmp(fields->site, "same-origin") != 0 && strcmp(fields->site, "none") != 0;
    if (fields->origins == 0)
        return false;
    const char *slashes = strstr(fields->origin, "://");
    return !slashes || !fields->host || strcasecmp(slashes + 3, fields->host) != 0;
}

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    if (!type || strncasecmp(type, json, sizeof json - 1) != 0)
        return false;
    char next = type[sizeof json - 1];
    return next == 0 || next == ';' || next == ' ' || next == '\t';
}

struct refusal guard_head(struct MHD_Connection *handle, const struct request_line *line, struct head *head)
{
    struct fields fields = {.is_clean = true};
    *head = (struct head){0};
    fields.is_exact = line->method + strlen(line->method) + 1 == line->target
                      && line->target + line->target_bytes + 1 == line->version;
    fields.next = line->version + strlen(line->version) + 2;
    MHD_get_connection_values_n(handle, MHD_HEADER_KIND, note, &fields);
    struct refusal refusal = refused_line(line);
    if (refusal.status)
        return refusal;
    size_t size = strlen(line->method) + line->target_bytes + strlen(line->version) + 6 + fields.bytes
                  + header_overhead * fields.count;
    if (size > connection_pool_bytes - pool_reserve)
        return (struct refusal){431, "malformed-request", "the head is too large"};
    if (!fields.is_clean)
        return malformed("a header's name is no token, or its value holds a control character");
    refusal = refused_framing(&fields, line, head);
    if (refusal.status)
        return refusal;
    if (fields.hosts > 1 || (fields.hosts == 0 && line->version[7] == '1'))
        return malformed("there must be one Host header");
    size_t head_bytes = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    if (MHD_get_version()[0] == '0' && (!fields.is_exact || line->method + head_bytes != fields.next + 2))
        return malformed("a line of the head is folded, holds a NUL, or does not end in CR and LF");
    if (fields.hosts == 1 && !is_own_host(fields.host, fields.host_bytes))
        return (struct refusal){421, "wrong-host", "the Host is neither an IP literal nor localhost"};
    if (strcmp(line->method, "POST") == 0 && is_cross_site(&fields))
        return (struct refusal){403, "cross-site", "the request comes from another site"};
    head->asks_beforehand = fields.asks_beforehand;
    head->closes = fields.closes;
    head->is_json = is_json_type(fields.type);
    return accepted;
}
