// Ends the launcher's children when the launcher itself is killed without a chance to: a shell that reads which processes
// run, and ends them when its standard input closes. It costs a megabyte, and no process of the mesh has to play along.
import { type ChildProcess, spawn } from 'node:child_process'

/** Reads `+ PID` and `- PID`; each pid leads a process group of its own. */
const SCRIPT = `trap '' INT TERM HUP
pids=
while read -r op pid; do
  if [ "$op" = + ]; then pids="$pids $pid"; continue; fi
  left=
  for each in $pids; do [ "$each" = "$pid" ] || left="$left $each"; done
  pids=$left
done
[ -z "$pids" ] && exit 0
for each in $pids; do kill -TERM "-$each" 2>/dev/null; done
sleep 2
for each in $pids; do kill -KILL "-$each" 2>/dev/null; done
`

export class Reaper {
  #child: ChildProcess | null = null
  #closing = false
  readonly #pids = new Set<number>()

  start(): void {
    // Windows has neither this shell nor process groups: there the leases of what is left behind run out by themselves.
    if (process.platform === 'win32') return
    const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    child.once('exit', () => {
      if (this.#child !== child || this.#closing) return
      this.start()
    })
    this.#child = child
    for (const pid of this.#pids) this.#write('+', pid)
  }

  add(pid: number): void {
    this.#pids.add(pid)
    this.#write('+', pid)
  }

  remove(pid: number): void {
    this.#pids.delete(pid)
    this.#write('-', pid)
  }

  /** Resolves when it is gone. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#closing = true
    const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
    child.stdin?.end()
    await gone
    this.#child = null
  }

  #write(op: '+' | '-', pid: number): void {
    this.#child?.stdin?.write(`${op} ${pid}\n`)
  }
}
