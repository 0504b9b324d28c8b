// Log files that do not take what they are given: full pipes, pipes without a reader, full disks.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, type write } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { AppendingFile } from './appending-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'weft-log-'))
after(() => rmSync(directory, { recursive: true }))

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
const LINE_BYTES = 300

/** A pipe that refuses what it cannot take, as those do that Node has opened for standard output. */
function pipe(): { readonly reader: number; readonly writer: number } {
  const path = join(directory, `pipe-${Math.random()}`)
  execFileSync('mkfifo', [path])
  return { reader: openSync(path, O_RDONLY | O_NONBLOCK), writer: openSync(path, O_WRONLY | O_NONBLOCK) }
}

function lines(first: number, count: number): Buffer {
  const texts = Array.from({ length: count }, (_, index) => `${first + index} `.padEnd(LINE_BYTES - 1, 'x'))
  return Buffer.from(`${texts.join('\n')}\n`)
}

function readSome(reader: number): string {
  const bytes = Buffer.alloc(65_536)
  try {
    return bytes.toString('latin1', 0, readSync(reader, bytes))
  } catch {
    return ''
  }
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('a full pipe is waited for: no line is lost, none is torn', async () => {
  const clock = new FakeClock()
  const { reader, writer } = pipe()
  const file = new AppendingFile(writer, clock, { owned: true })
  const outcomes: boolean[] = []
  for (let block = 0; block < 10; block++) file.write(lines(block * 200, 200), (_, whole) => outcomes.push(whole))
  while (clock.pendingTimers === 0) await tick()
  // Another writer of the same pipe meets whole lines only.
  const first = readSome(reader)
  assert.equal(first.length % LINE_BYTES, 0)
  let text = first
  while (outcomes.length < 10) {
    clock.advance(64)
    await tick()
    text += readSome(reader)
  }
  await file.close()
  text += readSome(reader)
  assert.deepEqual(outcomes, Array(10).fill(true))
  assert.equal(text, lines(0, 2000).toString())
  assert.equal(clock.pendingTimers, 0)
  closeSync(reader)
})

test('what nobody reads is kept up to a limit and dropped beyond it; a close waits for two seconds', async () => {
  const clock = new FakeClock()
  const { reader, writer } = pipe()
  const file = new AppendingFile(writer, clock, { owned: true })
  const outcomes: boolean[] = []
  const block = lines(0, 2000)
  for (let sent = 0; sent < 20 * 1024 * 1024; sent += block.length)
    file.write(block, (_, whole) => outcomes.push(whole))
  const dropped = outcomes.length
  assert.ok(dropped >= 5 && dropped <= 7, `${dropped} of 35 blocks`)
  while (clock.pendingTimers === 0) await tick()
  const closed = file.close()
  clock.advance(2000)
  await closed
  assert.deepEqual(outcomes, Array(35).fill(false))
  closeSync(reader)
})

test('a pipe whose reader has gone loses what it is given at once', async () => {
  const clock = new FakeClock()
  const { reader, writer } = pipe()
  const file = new AppendingFile(writer, clock, { owned: true })
  closeSync(reader)
  const outcome = await new Promise(resolve => file.write(lines(0, 1), (_, whole) => resolve(whole)))
  assert.equal(outcome, false)
  await file.close()
})

test('a disk that fills up in the middle of a line gets the rest of it once there is room', async () => {
  const clock = new FakeClock()
  const written: string[] = []
  let room = 5
  const onDisk = ((_fd: number, bytes: Buffer, from: number, length: number, _at: null, done: WriteCallback) => {
    const taken = Math.min(room, length)
    room -= taken
    if (taken > 0) written.push(bytes.toString('latin1', from, from + taken))
    const error = taken === 0 ? Object.assign(new Error('full'), { code: 'ENOSPC' }) : null
    setImmediate(() => done(error, taken))
  }) as unknown as typeof write
  const descriptor = openSync(join(directory, 'log'), 'a')
  const file = new AppendingFile(descriptor, clock, { owned: true, write: onDisk })
  const outcomes: boolean[] = []
  for (const text of ['one\ntwo\n', 'three\n']) file.write(Buffer.from(text), (_, whole) => outcomes.push(whole))
  while (clock.pendingTimers === 0) await tick()
  assert.deepEqual([written.join(''), outcomes], ['one\nt', []])
  room = 100
  clock.advance(1000)
  await file.close()
  assert.deepEqual([written.join(''), outcomes], ['one\ntwo\nthree\n', [true, true]])
})

type WriteCallback = (error: Error | null, written: number) => void
