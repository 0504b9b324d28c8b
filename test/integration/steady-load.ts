// Keep-alive requests without a pause, each answer counted: what a mesh loses shows up here.
import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly agent?: Agent
  /** Aborted: the client has left. */
  readonly signal?: AbortSignal
}

/** One request; rejects when the connection fails. */
export async function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  return await new Promise((done, fail) => {
    const { body, ...rest } = options
    const outgoing = request(url, { agent: false, ...rest }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('error', fail)
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

export interface LoadClient {
  ask(url: string): Promise<Answer>
  close(): void
}

/** HTTP/1.1, on as many connections as are kept. */
class KeepAliveClient implements LoadClient {
  readonly #agent: Agent

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  ask(url: string): Promise<Answer> {
    return ask(url, { agent: this.#agent })
  }

  close(): void {
    this.#agent.destroy()
  }
}

export class SteadyLoad {
  answered = 0
  /** `status body` or the connection's error, of every answer that was not 200. */
  readonly failures: string[] = []
  readonly statuses = new Map<number, number>()
  readonly #client: LoadClient
  readonly #workers: Promise<void>[]
  #running = true

  /** Runs `work` under load, and ends the load whatever becomes of the work. */
  static async during(
    url: string,
    connections: number,
    work: (load: SteadyLoad) => Promise<void>,
    client: LoadClient = new KeepAliveClient(connections),
  ): Promise<SteadyLoad> {
    const load = new SteadyLoad(url, connections, client)
    try {
      await work(load)
    } finally {
      await load.#stop()
    }
    return load
  }

  private constructor(url: string, connections: number, client: LoadClient) {
    this.#client = client
    this.#workers = Array.from({ length: connections }, () => this.#work(url))
  }

  async #work(url: string): Promise<void> {
    while (this.#running) {
      try {
        const { status, headers, body } = await this.#client.ask(url)
        this.answered++
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
        if (status !== 200) this.failures.push(`${status} ${headers['x-weft-reason']} ${body.slice(0, 200)}`)
      } catch (error) {
        this.failures.push(String(error))
      }
      // Enough load to notice what is lost, little enough to leave the cores to the mesh under test.
      await new Promise(done => setTimeout(done, 2))
    }
  }

  /** Resolves once `count` more answers have come. */
  async passes(count: number): Promise<void> {
    const goal = this.answered + this.failures.length + count
    while (this.answered + this.failures.length < goal) await new Promise(done => setTimeout(done, 10))
  }

  async #stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#workers)
    this.#client.close()
  }
}
