// A process of the benchmark, pinned to one core so that contestant and load do not take each other's time.
import { type ChildProcess, spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

/** The contestant has one core to itself; load generator and upstream share the other. */
export const CORE = { contestant: '0', load: '1' } as const

export interface Child {
  readonly pid: number
  stop(): Promise<void>
}

export function startChild(core: string, command: string, args: readonly string[], cwd: string): Child {
  const child: ChildProcess = spawn('taskset', ['-c', core, command, ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>(done => child.once('exit', () => done()))
  return {
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGTERM')
      const last = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(last)
    },
  }
}

export async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => done(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Resolves when something accepts on the port; rejects after ten seconds. */
export async function accepting(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>(done => {
      const socket = connect(port, '127.0.0.1', () => done(socket.destroy() !== undefined))
      socket.once('error', () => done(false))
    })
    if (open) return
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error(`nothing listens on 127.0.0.1:${port}`)
}
