/** What came of a body within the limits. */
export interface BodyStart {
  /** The whole body; undefined when it is longer than `maxBytes`, or broke off. */
  readonly bytes: Uint8Array | undefined;
  /** Why the body broke off: the sender's fault, or the reason of the signal. */
  readonly error: unknown;
  /** The body from its first byte on, for whoever reads it after this. It fails where the original did. */
  readonly body: ReadableStream<Uint8Array>;
}

/** How much of a body is read, and for how long. */
export interface BodyLimits {
  /** Bytes as they come out of the stream: of a `fetch` response those are the decompressed ones. */
  readonly maxBytes: number;
  /** Ends the reading, whatever the sender does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the start of a body and gives all of it back as a stream. Nothing is teed: a branch of a tee that is left unread holds up the
 * other. Never rejects, and leaves no rejection unhandled.
 */
export async function readStart(
  source: ReadableStream<Uint8Array>,
  { maxBytes, signal }: BodyLimits,
): Promise<BodyStart> {
  const reader = source.getReader();
  // A pending read ends with this at once, also when the sender takes no notice.
  const stop = () => void reader.cancel(signal?.reason).catch(() => undefined);
  const start = growing(maxBytes);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    while (start.size() <= maxBytes) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return { bytes: start.bytes(), error: undefined, body: continued(start.bytes()) };
      start.add(value);
    }
    return { bytes: undefined, error: undefined, body: continued(start.bytes(), reader) };
  } catch (cause) {
    stop();
    const error = cause ?? new Error('The body broke off.');
    const rest = { read: () => Promise.reject(error as Error) };
    return { bytes: undefined, error, body: continued(start.bytes(), rest) };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * Reads a body to its end; undefined, and the rest given up, when it has more than `maxBytes`. Rejects when the body breaks off or the
 * signal aborts.
 */
export async function readBytes(
  source: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (source === null) return new Uint8Array();
  const { bytes, error, body } = await readStart(source, { maxBytes, signal });
  if (error !== undefined) throw error;
  // The sender may never take notice: nobody waits for it.
  if (!bytes) void body.cancel().catch(() => undefined);
  return bytes;
}

interface Rest {
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
  cancel?(reason?: unknown): Promise<void>;
}

/** A stream of these bytes and of what the rest still gives. */
function continued(start: Uint8Array, rest?: Rest): ReadableStream<Uint8Array> {
  let first: Uint8Array | undefined = start.byteLength > 0 ? start : undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = first ?? (await rest?.read())?.value;
        first = undefined;
        if (chunk) controller.enqueue(chunk);
        else controller.close();
      },
      cancel: (reason) => rest?.cancel?.(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Bytes in one piece, so that many small chunks cost no more than what is in them. */
function growing(maxBytes: number) {
  let buffer = new Uint8Array(Math.min(maxBytes, 4096));
  let size = 0;
  return {
    size: () => size,
    bytes: () => buffer.subarray(0, size),
    add(chunk: Uint8Array) {
      const needed = size + chunk.byteLength;
      if (needed > buffer.byteLength) {
        const larger = new Uint8Array(Math.max(needed, Math.min(maxBytes, buffer.byteLength * 2)));
        larger.set(buffer.subarray(0, size));
        buffer = larger;
      }
      buffer.set(chunk, size);
      size = needed;
    },
  };
}
