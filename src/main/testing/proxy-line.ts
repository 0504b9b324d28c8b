// A line of proxies under test, as processes: each replaces the one before it, and only the first is a child of the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, '../../../bin/weft.js')

export interface Answer {
  readonly status: number
  readonly body: string
  readonly closes: boolean
}

export function ask(port: number, path: string, options: { agent?: Agent; method?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      let body = ''
      response.setEncoding('utf8').on('data', chunk => (body += chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, closes: response.headers.connection === 'close' }),
      )
    }
    request({ agent: false, ...options, host: '127.0.0.1', port, path }, onResponse)
      .on('error', reject)
      .end()
  })
}

export class ProxyLine {
  readonly first: ChildProcess
  readonly firstEnded: Promise<number | null>
  adminPort = 0
  /** Of the first listener. */
  port = 0
  log = ''
  readonly #pidFile: string
  readonly #waiting = new Set<() => void>()

  private constructor(config: string, args: readonly string[]) {
    this.#pidFile = `${config}.pid`
    this.first = spawn(process.execPath, [PROGRAM, 'proxy', '-c', config, '--pid-file', this.#pidFile, ...args], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.first.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
      for (const check of this.#waiting) check()
    })
    this.firstEnded = new Promise(resolve => this.first.once('exit', resolve))
  }

  static async start(config: string, ...args: readonly string[]): Promise<ProxyLine> {
    const line = new ProxyLine(config, args)
    const failed = line.firstEnded.then(code => {
      throw new Error(`the proxy ended with ${code} before it was live:\n${line.log}`)
    })
    await Promise.race([line.says(/live .*admin=\d+/), failed])
    line.adminPort = Number(/admin=(\d+)/.exec(line.log)?.[1])
    const { body } = await ask(line.adminPort, '/listeners')
    line.port = Number(/:(\d+)\n/.exec(body)?.[1])
    return line
  }

  /** Of the process in charge. */
  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'))
  }

  says(pattern: RegExp): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!pattern.test(this.log)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** Nothing of the line is left, whatever came of the test. */
  end(): void {
    try {
      process.kill(-(this.first.pid ?? 0), 'SIGKILL')
    } catch {
      // Ended already.
    }
  }
}
