// How the launcher starts Node for a proxy.

/**
 * A young generation of 2 MB a half, where V8 would take 16: it fits the core's cache. A proxy then holds some 50 MB less.
 * No Maglev, the compiler between V8's first and its last: 3 MB idle and 7 under load, and what is hot reaches the last
 * one all the same. Neither costs CPU per request (`npm run bench -- http1`).
 * No threads of V8's own: a sidecar mostly has one core, which they would take from the event loop for tens of
 * milliseconds at a time while code gets hot (`npm run bench -- latency`). At full load it costs as much without them.
 * A heap that may grow by six tenths between full collections, where V8 takes up to four times what is alive: HTTP/2 over
 * TLS at full load held up to 490 MB, and holds 280 with it, at the same CPU (`npm run bench -- http2-tls`).
 * What the heap does not hold, such as the 64 KB of each read, counts as part of the heap's limit, not by a limit of its
 * own, which bodies reach every 64 MB: V8 would then mark the whole heap each time (docs/decisions/0009).
 * The collector can be asked to collect: what is read lies outside the heap, and fills memory unnoticed (direct-read.ts).
 */
export const PROXY_HEAP_FLAGS: readonly string[] = [
  '--max-semi-space-size=2',
  '--no-maglev',
  '--single-threaded',
  '--heap-growing-percent=60',
  '--external-memory-accounted-in-global-limit',
  '--expose-gc',
]

/**
 * One arena of the C library for all threads. Its default, eight per core, leaves what V8's compiler threads once needed
 * in arenas of their own: some 6 MB a proxy, at the same CPU per request.
 * Of small blocks that are free it keeps 64 of each size at hand, not 7: each write over TLS takes a few, and all that one
 * turn of the event loop writes is given back at its end (docs/decisions/0009). C libraries that are not glibc ignore it.
 */
export const PROXY_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  GLIBC_TUNABLES: 'glibc.malloc.tcache_count=64',
}
