// A page's text in pieces that take a millisecond or two each, whatever parts it is made of.

const CHARACTERS_OF_A_PIECE = 32_768

export function* gathered(parts: Iterable<string>): Generator<string> {
  let piece = ''
  for (const part of parts) {
    piece += part
    if (piece.length < CHARACTERS_OF_A_PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
