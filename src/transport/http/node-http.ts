// Node's HTTP module, for a process that is to stay small. An import of `node:http` reads every property that the module
// has, `WebSocket` among them, which loads the whole of undici: 14 MB resident. This one way in reads none.
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')
