# Varnish in front of Tallylight, printed by `tally edge varnish` for @public@.
#
#   tally edge varnish > /etc/varnish/tally.vcl
#   varnishd -f /etc/varnish/tally.vcl -a @listen@ -s malloc,@cache_mb@m \
#       -p thread_pool_max=500 -p thread_queue_limit=20000 -p listen_depth=4096 \
#       -p timeout_idle=75 -p pipe_timeout=3600
#
# (Debian: put these options into the unit's ExecStart with `systemctl edit varnish`.) Everything is kept in memory.
#
# What it does
# - Streams, recordings and clips are kept here and fetched from the product once, whoever asks: equal requests wait for
#   the first one's answer and are woken by it, blocked reloads of Low-Latency HLS too. Lifetimes are the product's.
# - Pages, API, chat sockets, WHIP, WHEP and downloads are passed on and never kept.
# - The product is asked whether a stream may be watched, once per stream (and token: /hls/~TOKEN/...) and half a minute.
#   What came by a token has cache keys of its own, which hold no token: its viewers share it, and nobody without one
#   gets it. What becomes private or is deleted closes within half a minute.
# - While the product restarts, what is here goes on being answered; live playlists and verdicts on tokens for
#   @stale_s@ s.
#
# What to know
# - It speaks no TLS. Apple's players want HTTP/2 for low latency, and HTTP/2 wants TLS: put something before it that
#   ends TLS, such as `tally edge caddy --origin http://ADDRESS-OF-THIS`.
# - The product believes X-Forwarded-For of networks in TALLY_TRUSTED_PROXIES only: name this machine's address there,
#   or all who sign in through it share one limit of attempts.
# - Its log (varnishlog, varnishncsa) holds whole addresses, tokens too.
# - Who is being sent something holds one of two times thread_pool_max threads. More of them serve more viewers on slow
#   lines at the same time; on few cores fewer of them take less CPU (100: half of it, on two cores).
# - More than one edge: print this on each of them, with the product's address as --origin.

vcl 4.1;

import std;
@import@

@backends@

sub vcl_init {
    @director@
    return (ok);
}

sub vcl_recv {
    if (req.restarts == 0) {
        # Notes of this file: nobody else may write them.
        unset req.http.X-Tally-Wanted;
        unset req.http.X-Tally-Allowed;
        unset req.http.X-Tally-Stale;
        unset req.http.X-Tally-Query;
    }
    set req.backend_hint = @backend@;
    set req.http.X-Forwarded-Proto = "@public_scheme@";
    # Live playlists and verdicts are never answered after their time, but when the product fails (see vcl_deliver).
    if (req.url ~ "^/hls/[^?]*\.m3u8" || req.url ~ "/access$") {
        set req.grace = 0s;
    } else {
        set req.grace = 10s;
    }
    if (req.http.X-Tally-Stale) {
        set req.grace = @stale_s@s;
    }
    if (req.restarts > 0) {
        return (hash);
    }
    if (req.http.Upgrade ~ "(?i)websocket") {
        return (pipe);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # A file of a stream, a recording or a clip, or the picture of what is on now; the rest is passed on.
    if (req.url !~ "^/(hls|vods|clips)/(~[A-Za-z0-9._-]+/)?[A-Za-z0-9_-]+/([A-Za-z0-9_-]+/)?[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z0-9]+(\?.*)?$"
        && req.url !~ "^/thumbnails/[A-Za-z0-9_-]+\.jpg(\?.*)?$") {
        return (pass);
    }
    @foreign@
    # Nothing of one viewer may colour what all get.
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.Referer;
    unset req.http.Origin;
    unset req.http.User-Agent;

    # Delivery directives belong to the key, in one order; any other query is dropped. (RFC 8216bis, section 6.2.5)
    set req.http.X-Tally-Query = "";
    if (req.url ~ "[?&]_HLS_msn=") {
        set req.http.X-Tally-Query = regsub(req.url, "^.*?[?&](_HLS_msn=[^&]*).*$", "&\1");
    }
    if (req.url ~ "[?&]_HLS_part=") {
        set req.http.X-Tally-Query = req.http.X-Tally-Query + regsub(req.url, "^.*?[?&](_HLS_part=[^&]*).*$", "&\1");
    }
    if (req.url ~ "[?&]_HLS_skip=") {
        set req.http.X-Tally-Query = req.http.X-Tally-Query + regsub(req.url, "^.*?[?&](_HLS_skip=[^&]*).*$", "&\1");
    }
    set req.url = regsub(req.url, "\?.*$", "") + regsub(req.http.X-Tally-Query, "^&", "?");
    unset req.http.X-Tally-Query;

    # May they have it? Ask first; vcl_deliver comes back with the address that was wanted.
    if (req.url !~ "^/thumbnails/") {
        set req.http.X-Tally-Wanted = req.url;
        set req.url = regsub(req.url, "^(/[a-z]+/(~[^/]+/)?[^/]+)/.*$", "\1/access");
        set req.grace = 0s;
    }
    return (hash);
}

sub vcl_hash {
    # One site, so its name is not in the key. The keys of what came by a token begin with "~" and do not hold it.
    if (req.http.X-Tally-Allowed && req.url ~ "^/[a-z]+/~") {
        hash_data("~" + regsub(req.url, "^(/[a-z]+/)~[^/]+/", "\1"));
    } else {
        hash_data(req.url);
    }
    return (lookup);
}

sub vcl_backend_fetch {
    unset bereq.http.X-Tally-Wanted;
    unset bereq.http.X-Tally-Allowed;
    if (bereq.uncacheable && bereq.url !~ "^/(hls|vods|clips)/") {
        # The product gives streams a quicker way on connections that carry nothing else.
        set bereq.http.Connection = "close";
    }
}

sub vcl_backend_response {
    if (bereq.uncacheable) {
        return (deliver);
    }
    if (beresp.status >= 500) {
        return (error(503));
    }
    if (beresp.http.Set-Cookie || beresp.http.Cache-Control ~ "(?i)no-store|private" || beresp.http.Cache-Control !~ "max-age") {
        set beresp.ttl = 1s;  # not kept, and for so long nobody waits for another one's answer
        set beresp.uncacheable = true;
        return (deliver);
    }
    if (beresp.status >= 400 || beresp.status == 204 || (beresp.status >= 300 && beresp.status != 304)) {
        # No, elsewhere, and verdicts: as long as the product says, but never for long.
        set beresp.ttl = std.duration(regsub(beresp.http.Cache-Control, "(?i)^.*max-age=([0-9]{1,8}).*$", "\1s"), 1s);
        if (beresp.ttl > 30s) {
            set beresp.ttl = 30s;
        }
    }
    set beresp.keep = 0s;
    if (bereq.url ~ "[?&]_HLS_msn=") {
        set beresp.grace = 0s;  # a position is asked for once by each viewer, all about the same time
    } else {
        set beresp.grace = @stale_s@s;
    }
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);  # what is here stays
    }
    set beresp.http.Content-Type = "application/json";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.status = 503;
    synthetic({"{"success":false,"error":{"code":"UNAVAILABLE","message":"The server does not answer.","retryAfterMs":1000 } }"});
    if (bereq.uncacheable) {
        return (deliver);
    }
    set beresp.http.X-Tally-Away = "yes";
    if (bereq.http.X-Tally-Stale || bereq.url ~ "[?&]_HLS_msn=") {
        # Whoever waited for this is told so with it, not one by one.
        set beresp.ttl = 0.5s;
    } else {
        set beresp.ttl = 0s;  # or else this would take the place of what is stale
    }
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    return (deliver);
}

sub vcl_deliver {
    if (resp.http.X-Tally-Away && !req.http.X-Tally-Stale && req.url !~ "[?&]_HLS_msn=") {
        set req.http.X-Tally-Stale = "yes";
        return (restart);
    }
    unset resp.http.X-Tally-Away;
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    if (req.http.X-Tally-Wanted && !req.http.X-Tally-Allowed && (resp.status == 204 || resp.status == 200)) {
        set req.http.X-Tally-Allowed = "yes";
        set req.url = req.http.X-Tally-Wanted;
        return (restart);
    }
}

sub vcl_pipe {
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = "Upgrade";
}

sub vcl_synth {
    set resp.http.Content-Type = "application/json";
    set resp.http.Access-Control-Allow-Origin = "*";
    set resp.http.Cache-Control = "private, max-age=1";
    synthetic({"{"success":false,"error":{"code":"FORBIDDEN","message":"This address does not open it." } }"});
    return (deliver);
}
