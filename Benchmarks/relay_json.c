// The C relay's JSON: the few members of a message read strictly and in place, the answer written by hand.

#include "relay.h"

#include <stdlib.h>
#include <string.h>

// ---- UTF-8 (RFC 3629)

// The bytes of the character at `at`, which is not ASCII; 0 where it is none.
static size_t character_bytes(const unsigned char *at, const unsigned char *end)
{
    size_t count = at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    if (count == 0 || (size_t)(end - at) < count)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    bool is_overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool is_beyond = (at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF4 && at[1] > 0x8F); // surrogates, past U+10FFFF
    return is_overlong || is_beyond ? 0 : count;
}

static char *put_character(char *out, uint32_t scalar)
{
    if (scalar < 0x80) {
        *out++ = (char)scalar;
        return out;
    }
    if (scalar < 0x800) {
        *out++ = (char)(0xC0 | scalar >> 6);
    } else {
        if (scalar < 0x10000) {
            *out++ = (char)(0xE0 | scalar >> 12);
        } else {
            *out++ = (char)(0xF0 | scalar >> 18);
            *out++ = (char)(0x80 | (scalar >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (scalar >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (scalar & 0x3F));
    return out;
}

// ---- Reading

static char *skip_space(char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        at++;
    return at;
}

// Four hexadecimal digits; -1 where they are none. The 0 at the body's end is no digit either.
static int32_t read_hex(const char *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

// Reads the escape at `*at`, which is a backslash; false where it is none, or half a surrogate pair.
static bool read_escape(char **at, char **out)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = (*at)[1];
    if (c != 'u') {
        const char *found = c ? strchr(plain, c) : NULL;
        if (!found)
            return false;
        *(*out)++ = meant[found - plain];
        *at += 2;
        return true;
    }
    int32_t unit = read_hex(*at + 2);
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000))
        return false;
    *at += 6;
    uint32_t scalar = (uint32_t)unit;
    if (unit >= 0xD800 && unit < 0xDC00) {
        int32_t low = (*at)[0] == '\\' && (*at)[1] == 'u' ? read_hex(*at + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return false;
        *at += 6;
        scalar = 0x10000 + ((scalar - 0xD800) << 10 | (uint32_t)(low - 0xDC00));
    }
    *out = put_character(*out, scalar);
    return true;
}

// Reads the text that begins with the quote at `at`, in place: what is escaped is never shorter than what it means.
// Returns what follows it, or NULL.
static char *read_text(char *at, const char *end, char **text, size_t *count)
{
    if (*at != '"')
        return NULL;
    char *out = *text = ++at;
    for (;;) {
        unsigned char c = (unsigned char)*at;
        if (c == '"')
            break;
        if (c < 0x20)
            return NULL; // the 0 at the body's end is one of these
        if (c == '\\') {
            if (!read_escape(&at, &out))
                return NULL;
        } else if (c < 0x80) {
            *out++ = *at++;
        } else {
            size_t bytes = character_bytes((unsigned char *)at, (const unsigned char *)end);
            if (bytes == 0)
                return NULL;
            memmove(out, at, bytes);
            out += bytes, at += bytes;
        }
    }
    *count = (size_t)(out - *text);
    return at + 1;
}

static char *skip_digits(char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

// RFC 8259 section 6; strtod(3) alone would take more.
static char *read_number(char *at, double *number)
{
    char *start = at, *digits = at += *at == '-';
    at = skip_digits(at);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return NULL;
    if (*at == '.') {
        digits = ++at;
        if ((at = skip_digits(at)) == digits)
            return NULL;
    }
    if ((*at | 32) == 'e') {
        at++;
        digits = at += *at == '+' || *at == '-';
        if ((at = skip_digits(at)) == digits)
            return NULL;
    }
    *number = strtod(start, NULL);
    return at;
}

static bool is_text(const char *text, size_t count, const char *other)
{
    return count == strlen(other) && memcmp(text, other, count) == 0;
}

enum member { member_message = 1, member_timeout = 2, member_target = 4, member_fresh = 8 };

// Reads one member's value; NULL where it is not of its kind.
static char *read_value(char *at, const char *end, enum member member, struct message *message)
{
    char *text;
    size_t count;
    double number;
    switch (member) {
    case member_message: return read_text(at, end, &message->bytes, &message->count);
    case member_target:
        at = read_text(at, end, &text, &count);
        message->target = at ? target_named(text, count) : NULL;
        return message->target ? at : NULL;
    case member_timeout:
        at = read_number(at, &number);
        if (!at || number < 1 || number > most_timeout_ms || number != (int)number)
            return NULL;
        message->timeout_ms = (int)number;
        return at;
    case member_fresh:
        message->is_fresh = strncmp(at, "true", 4) == 0;
        return message->is_fresh ? at + 4 : strncmp(at, "false", 5) == 0 ? at + 5 : NULL;
    }
    return NULL;
}

static enum member member_named(const char *name, size_t count)
{
    if (is_text(name, count, "message"))
        return member_message;
    if (is_text(name, count, "timeout_ms"))
        return member_timeout;
    if (is_text(name, count, "target"))
        return member_target;
    return is_text(name, count, "fresh") ? member_fresh : 0;
}

const char *read_message(char *body, size_t count, struct message *message)
{
    static const char malformed[] = "the body is no JSON object such as {\\\"message\\\":\\\"hello\\\"}";
    const char *end = body + count;
    unsigned seen = 0;
    *message = (struct message){.target = default_target(), .timeout_ms = default_timeout_ms};
    char *at = skip_space(body);
    if (*at != '{')
        return malformed;
    do {
        char *name;
        size_t name_bytes;
        at = read_text(skip_space(at + 1), end, &name, &name_bytes);
        if (!at || *(at = skip_space(at)) != ':')
            return malformed;
        enum member member = member_named(name, name_bytes);
        if (!member)
            return "a member is unknown; known are message, timeout_ms, target, fresh";
        if (seen & member)
            return "a member is there twice";
        seen |= member;
        at = read_value(skip_space(at + 1), end, member, message);
        if (!at)
            return "a member has no value that it may have";
        at = skip_space(at);
    } while (*at == ',');
    if (*at != '}' || skip_space(at + 1) != end)
        return malformed;
    return seen & member_message ? NULL : "the member message is missing";
}

// ---- Writing

static char *put(char *out, const char *text, size_t count)
{
    memcpy(out, text, count);
    return out + count;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static char *put_number(char *out, uint64_t number)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

char *write_milliseconds(char *out, uint64_t ns)
{
    uint64_t us = ns / 1000;
    out = put_number(out, us / 1000);
    *out++ = '.';
    *out++ = (char)('0' + us / 100 % 10);
    *out++ = (char)('0' + us / 10 % 10);
    *out++ = (char)('0' + us % 10);
    *out = 0;
    return out;
}

static char *put_address(char *out, uint32_t address, uint16_t port)
{
    const unsigned char *parts = (const unsigned char *)&address;
    out = PUT(out, "{\"address\":\"");
    for (int i = 0; i < 4; i++) {
        out = put_number(out, parts[i]);
        *out++ = i < 3 ? '.' : '"';
    }
    out = PUT(out, ",\"port\":");
    out = put_number(out, port);
    *out++ = '}';
    return out;
}

// What follows the backslash for a byte that must be escaped; 0: none need, 'u': \u00xx.
static char escape_of(unsigned char c)
{
    switch (c) {
    case '"': case '\\': return (char)c;
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\b': return 'b';
    case '\f': return 'f';
    default: return c < 0x20 ? 'u' : 0;
    }
}

// How long a reply is as JSON text; 0 where it is not UTF-8, or empty.
static size_t text_bytes(const unsigned char *bytes, size_t count)
{
    const unsigned char *end = bytes + count;
    size_t total = 0;
    while (bytes < end) {
        if (*bytes < 0x80) {
            char escape = escape_of(*bytes++);
            total += escape == 'u' ? 6 : escape ? 2 : 1;
        } else {
            size_t character = character_bytes(bytes, end);
            if (character == 0)
                return 0;
            bytes += character, total += character;
        }
    }
    return total;
}

static char *put_text(char *out, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        char escape = escape_of(bytes[i]);
        if (!escape) {
            *out++ = (char)bytes[i];
            continue;
        }
        *out++ = '\\';
        *out++ = escape;
        if (escape == 'u') {
            out = PUT(out, "00");
            *out++ = digits[bytes[i] >> 4];
            *out++ = digits[bytes[i] & 15];
        }
    }
    return out;
}

// RFC 4648 section 4.
static char *put_base64(char *out, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8
                        | (uint32_t)(left > 2 ? bytes[i + 2] : 0);
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
    }
    return out;
}

char *write_reply(const struct reply *reply, size_t *count)
{
    enum { around = 320 }; // all but the reply and the target's name: two addresses, names and numbers
    size_t name = strlen(reply->target), text = text_bytes(reply->bytes, reply->count);
    bool is_text = text > 0 || reply->count == 0;
    char *answer = malloc(around + name + (is_text ? text : reply->count / 3 * 4 + 4)), *out = answer;
    if (!answer)
        return NULL;
    if (is_text) {
        out = PUT(out, "{\"reply\":\"");
        out = text == reply->count ? put(out, (const char *)reply->bytes, text)
                                   : put_text(out, reply->bytes, reply->count);
        out = PUT(out, "\",\"sender\":");
    } else {
        out = PUT(out, "{\"reply\":null,\"reply_base64\":\"");
        out = put_base64(out, reply->bytes, reply->count);
        out = PUT(out, "\",\"sender\":");
    }
    out = put_address(out, reply->sender, reply->sender_port);
    out = PUT(out, ",\"local\":");
    out = put_address(out, reply->local, reply->local_port);
    out = PUT(out, ",\"target\":\"");
    out = put(out, reply->target, name); // a configured name: nothing in it needs an escape
    out = PUT(out, "\",\"bytes\":");
    out = put_number(out, reply->count);
    out = reply->is_match ? PUT(out, ",\"match\":true,\"rtt_ms\":") : PUT(out, ",\"match\":false,\"rtt_ms\":");
    out = write_milliseconds(out, reply->rtt_ns);
    out = PUT(out, "}\n");
    *count = (size_t)(out - answer);
    return answer;
}
