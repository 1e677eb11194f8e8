import { AgentPayError } from '@agentpay/primitives';
import express, { type Request, type Response } from 'express';

/** Largest JSON body in bytes, after inflation. */
export const MAX_BODY_BYTES = 100 * 1024;

const JSON_TYPES = ['application/json', 'application/*+json'];
const parse = express.json({ limit: MAX_BODY_BYTES, type: JSON_TYPES });

/**
 * The JSON body of a request; an empty object when there is none.
 * @throws AgentPayError `unsupported_media_type`, `payload_too_large`, `invalid_json`
 */
export async function readBody(request: Request, response: Response): Promise<unknown> {
  if (!hasBody(request)) return {};
  if (!request.is(JSON_TYPES))
    throw new AgentPayError('unsupported_media_type', 'The body is not declared as JSON.');
  await new Promise<void>((resolve, reject) => {
    parse(request, response, (error?: unknown) =>
      error === undefined ? resolve() : reject(bodyError(error)),
    );
  });
  return request.body ?? {};
}

function hasBody(request: Request): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

function bodyError(error: unknown): unknown {
  const status = (error as { status?: unknown }).status;
  if (status === 413)
    return new AgentPayError('payload_too_large', `The body has more than ${MAX_BODY_BYTES} bytes.`);
  if (status === 415)
    return new AgentPayError(
      'unsupported_media_type',
      'The charset or encoding of the body is not supported.',
    );
  if (status === 400) return new AgentPayError('invalid_json', 'The body is not valid JSON.');
  return error;
}
