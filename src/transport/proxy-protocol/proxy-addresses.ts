// Whose connection a PROXY header announces.

export interface ProxyAddresses {
  /** Both of one family, in their shortest spelling. */
  readonly sourceIp: string
  readonly sourcePort: number
  readonly destinationIp: string
  readonly destinationPort: number
}

/** The 12 bytes that version 2 begins with. */
export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
export const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1')
export const V2_FIXED_BYTES = 16
