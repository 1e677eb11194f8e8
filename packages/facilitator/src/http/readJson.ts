import type { IncomingMessage } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i;

/**
 * The JSON of a request's body. A framework that stands in front may have read it already, into `body`.
 * @throws AgentPayError `unsupported_media_type`, `payload_too_large`, `invalid_json`; rejects when the client breaks off
 */
export async function readJson(
  req: IncomingMessage & { body?: unknown },
  maxBytes: number,
): Promise<unknown> {
  if (!JSON_TYPE.test(req.headers['content-type'] ?? '')) {
    throw new AgentPayError(
      'unsupported_media_type',
      'The body must be JSON, with Content-Type: application/json.',
    );
  }
  if (req.headers['content-encoding'] !== undefined && req.headers['content-encoding'] !== 'identity') {
    throw new AgentPayError('unsupported_media_type', 'The body must be plain UTF-8 JSON.');
  }
  if (req.body !== undefined) return req.body;
  const text = await readText(req, maxBytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new AgentPayError('invalid_json', 'The body is not JSON.');
  }
}

/** Listens instead of iterating: a stream's iterator costs more than the parsing. */
function readText(req: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      // What still comes is thrown away by the server once the response is out.
      chunks.length = 0;
      reject(new AgentPayError('payload_too_large', 'The body is too large.'));
    });
    req.on('end', () =>
      resolve((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8')),
    );
    req.on('error', reject);
    req.on('close', () => {
      if (!req.complete) reject(new AgentPayError('invalid_request', 'The request cannot be read.'));
    });
  });
}
