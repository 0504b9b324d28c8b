// What a codec refuses, in Envoy's words (ResponseCodeDetails of its HTTP/1 codec and header checks).

export interface CodecError {
  /** What the peer is answered when it is a client. */
  readonly status: number
  /** Envoy's response code details. */
  readonly details: string
}

export const CODEC_ERROR = {
  syntax: { status: 400, details: 'http1.codec_error' },
  headersTooLarge: { status: 431, details: 'http1.headers_too_large' },
  tooManyHeaders: { status: 431, details: 'http1.too_many_headers' },
  invalidCharacters: { status: 400, details: 'http1.invalid_characters' },
  invalidScheme: { status: 400, details: 'http1.invalid_scheme' },
  invalidUrl: { status: 400, details: 'http1.invalid_url' },
  invalidAuthority: { status: 400, details: 'http.invalid_authority' },
  invalidTransferEncoding: { status: 501, details: 'http1.invalid_transfer_encoding' },
  /** RFC 9112 6.1: the opening of request smuggling. */
  chunkedAndContentLength: { status: 400, details: 'http1.content_length_and_chunked_not_allowed' },
  transferEncodingNotAllowed: { status: 400, details: 'http1.transfer_encoding_not_allowed' },
  contentLengthNotAllowed: { status: 400, details: 'http1.content_length_not_allowed' },
  connectionHeader: { status: 400, details: 'http1.connection_header_rejected' },
  bodyDisallowed: { status: 400, details: 'http1.body_disallowed' },
} as const satisfies Readonly<Record<string, CodecError>>
