// A refusal with what the service has to say of it.
import type { LocalReply } from '../../../http/local-reply.ts'

export function withBody(reply: LocalReply, body: Buffer): LocalReply {
  return { ...reply, body }
}
