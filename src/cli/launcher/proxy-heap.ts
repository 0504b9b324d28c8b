// How the launcher starts Node for a proxy.

/**
 * A young generation of 2 MB a half, where V8 would take 16: it fits the core's cache. A proxy then holds some 50 MB less
 * and costs no more CPU per request (`npm run bench -- http1`).
 */
export const PROXY_HEAP_FLAGS: readonly string[] = ['--max-semi-space-size=2']
