/** Cuts a body of pieces of any size into chunks of exactly this size, but for the last. Holds one chunk. */
export async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Buffer, void, undefined> {
  let chunk = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of body) {
    for (let offset = 0; offset < piece.length;) {
      const taken = Math.min(size - filled, piece.length - offset);
      chunk.set(piece.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled === size) {
        yield chunk;
        // The one handed out may still be on its way to the server.
        chunk = Buffer.allocUnsafe(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
