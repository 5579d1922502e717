-- What wrk sends to dnsdist: a DNS query for the A record of echo.yodel.test (RFC 8484 section 4.1, as a POST).

wrk.method = "POST"
wrk.body = "\0\0\1\0\0\1\0\0\0\0\0\0\4echo\5yodel\4test\0\0\1\0\1"
wrk.headers["Content-Type"] = "application/dns-message"
wrk.headers["Accept"] = "application/dns-message"

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "done.lua")
