// Checks by a connection, or by what comes back over it.
import type { Socket } from 'node:net'
import { limitBuffers } from '../../transport/net/buffer-limit.ts'
import {
  type HealthCheck_TcpHealthCheck,
  HealthCheck_TcpHealthCheckSchema,
} from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { CheckTarget } from './check-target.ts'
import { holds, readPayload } from './payload.ts'
import type { Probe, ProbeOwner } from './probe.ts'

export interface TcpCheckConfig {
  readonly kind: 'tcp'
  /** Empty: nothing is sent. */
  readonly send: Buffer
  /** Empty: that there is a connection will do. */
  readonly receive: readonly Buffer[]
}

const FIELDS = new Set(['send', 'receive'])
/** More than any answer that is looked for; a bound for an endpoint that says something else, and goes on. */
const MAX_RECEIVED = 65_536

export function readTcpCheck(message: HealthCheck_TcpHealthCheck, path: string, check: ResourceCheck): TcpCheckConfig {
  check.honour(HealthCheck_TcpHealthCheckSchema, message, path, FIELDS)
  return {
    kind: 'tcp',
    send: message.send ? readPayload(message.send, `${path}.send`, check) : Buffer.alloc(0),
    receive: message.receive.map((part, index) => readPayload(part, `${path}.receive[${index}]`, check)),
  }
}

export class TcpProbe implements Probe {
  readonly #config: TcpCheckConfig
  readonly #target: CheckTarget
  readonly #owner: ProbeOwner
  #socket: Socket | null = null
  #asking = false
  #received: Buffer = Buffer.alloc(0)

  constructor(config: TcpCheckConfig, target: CheckTarget, owner: ProbeOwner) {
    this.#config = config
    this.#target = target
    this.#owner = owner
  }

  start(): void {
    this.#asking = true
    this.#received = Buffer.alloc(0)
    if (this.#socket === null) this.#connect()
    else this.#send(this.#socket)
  }

  giveUp(): void {
    this.#asking = false
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
  }

  close(): void {
    this.giveUp()
  }

  #connect(): void {
    const { endpoint, settings } = this.#target
    const socket: Socket = endpoint.transport.connect(endpoint.address, endpoint.port, failure =>
      this.#onReady(socket, failure),
    )
    this.#socket = socket
    limitBuffers(socket, settings.bufferLimit)
    socket.on('error', () => {})
    socket.on('close', () => this.#onEnd(socket))
  }

  #onReady(socket: Socket, failure: string | null): void {
    if (socket !== this.#socket) return
    if (failure !== null) {
      this.#onEnd(socket)
      return
    }
    socket.on('data', (chunk: Buffer) => this.#onData(socket, chunk))
    socket.on('end', () => this.#onEnd(socket))
    this.#send(socket)
    if (this.#config.receive.length > 0) return
    // That it can be connected to is all that was asked (Envoy closes the connection, whatever reuse_connection says).
    this.giveUp()
    this.#owner.onResult('healthy', false)
  }

  #send(socket: Socket): void {
    if (this.#config.send.length > 0) socket.write(this.#config.send)
  }

  #onData(socket: Socket, chunk: Buffer): void {
    if (socket !== this.#socket || !this.#asking) return
    this.#received = Buffer.concat([this.#received, chunk])
    if (holds(this.#received, this.#config.receive)) {
      if (this.#target.reusesConnection) this.#asking = false
      else this.giveUp()
      this.#owner.onResult('healthy', false)
    } else if (this.#received.length > MAX_RECEIVED) {
      this.giveUp()
      this.#owner.onResult('network', false)
    }
  }

  #onEnd(socket: Socket): void {
    if (socket !== this.#socket) return
    const asking = this.#asking
    this.giveUp()
    // Between checks Envoy takes it for a failure, too; here the next check connects anew, and finds out.
    if (asking) this.#owner.onResult('network', false)
  }
}
