// The block that sockets read into: one for all of an event loop, from which each hands on a copy before the next one reads.
// Node by itself makes memory of 64 KB for each read, and where plaintext and TLS come by turns the collector gets all of it
// (docs/decisions/0009).
import { type OnReadOpts, Socket } from 'node:net'
import { Duplex } from 'node:stream'

const { pause, resume, read } = Duplex.prototype

/** As much as libuv reads at once. */
const BLOCK_BYTES = 65_536
const common = Buffer.allocUnsafeSlow(BLOCK_BYTES)
/** What the socket that was just read from reads into from now on. */
let next = common

/** With a block of their own. Who falls silent behind a full one keeps it, and a peer can see to that: so they are few. */
const owners = new Set<Socket>()
export const OWNERS_MAX = 64

/** Small chunks lie together: whoever keeps one, as a parser does half a head, keeps so much. */
const PAGE_BYTES = 16_384
const LARGEST_IN_PAGE = 2048
let page = Buffer.allocUnsafeSlow(PAGE_BYTES)
let pageLength = 0

/** As Node takes it of a socket that connects. */
export const READ_INTO_BLOCK: OnReadOpts = { buffer: takeNext, callback: handOn }

/** Where a socket has those two, and its block: Node takes them of no socket that a server has accepted. */
const KEYS = findKeys()

/** Of a socket that was accepted, and has read nothing yet. False: it reads as Node has it. */
export function readIntoBlock(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & { _handle?: { useUserBuffer?(block: Buffer): void } | null }
  if (KEYS === null || typeof handle?.useUserBuffer !== 'function') return false
  handle.useUserBuffer(common)
  Object.assign(socket, {
    [KEYS.block]: common,
    [KEYS.buffer]: READ_INTO_BLOCK.buffer,
    [KEYS.callback]: READ_INTO_BLOCK.callback,
  })
  flowAsOthers(socket)
  return true
}

/**
 * Node takes a socket that reads into a block for one without a queue: it would not listen while such a one pauses, not even
 * for a reset, and would read on with each `resume` and `read`, however much is queued.
 */
export function flowAsOthers(socket: Socket): Socket {
  return Object.assign(socket, { pause, resume, read })
}

/** Called after each `handOn`, in the same breath, and when a socket is made. */
function takeNext(): Buffer {
  const block = next
  next = common
  return block
}

/** False: nothing more is to be read for now. */
function handOn(this: Socket, length: number, block: Uint8Array): boolean {
  const read = block as Buffer
  const isFull = length === BLOCK_BYTES
  const isOwn = read !== common
  const wantsMore = this.push(isFull && isOwn ? read : copyOf(read, length))
  // More lies behind a full block. That is not worth a copy: as long as they fill, the socket has blocks of its own.
  if (isFull && (isOwn || becomeOwner(this))) next = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  else if (isOwn) leaveOwners.call(this)
  return wantsMore
}

function becomeOwner(socket: Socket): boolean {
  if (owners.size === OWNERS_MAX) return false
  owners.add(socket)
  socket.on('close', leaveOwners)
  return true
}

function leaveOwners(this: Socket): void {
  owners.delete(this)
  this.off('close', leaveOwners)
}

function copyOf(read: Buffer, length: number): Buffer {
  const chunk = length > LARGEST_IN_PAGE ? Buffer.allocUnsafeSlow(length) : takeFromPage(length)
  read.copy(chunk, 0, 0, length)
  return chunk
}

function takeFromPage(length: number): Buffer {
  if (pageLength + length > PAGE_BYTES) {
    page = Buffer.allocUnsafeSlow(PAGE_BYTES)
    pageLength = 0
  }
  const chunk = page.subarray(pageLength, pageLength + length)
  pageLength += length
  return chunk
}

/** By what lies there: the names are symbols of Node's own. */
function findKeys(): { readonly [Name in 'block' | 'buffer' | 'callback']: symbol } | null {
  const socket = new Socket({ onread: READ_INTO_BLOCK })
  const [block, buffer, callback] = [
    keyOf(new Socket({ onread: { ...READ_INTO_BLOCK, buffer: common } }), common),
    keyOf(socket, READ_INTO_BLOCK.buffer),
    keyOf(socket, READ_INTO_BLOCK.callback),
  ]
  return block && buffer && callback ? { block, buffer, callback } : null
}

function keyOf(socket: Socket, value: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find(key => Reflect.get(socket, key) === value)
}
