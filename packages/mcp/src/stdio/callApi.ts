import { encodeResponse, families, familyAt, renderError, type Endpoint } from '@agentpay/api';
import { AgentPayError } from '@agentpay/primitives';
import { ApiError, type ApiClient } from '@agentpay/sdk';
import type { ToolCaller, ToolOutcome } from '../createMcpServer.js';

/** Carries tools out by the API client. A refusal, and an API that cannot be reached, are outcomes. */
export function callApi(api: ApiClient): ToolCaller {
  return async ({ endpoint }, input) => {
    try {
      const response = await verbOf(api, endpoint)(input);
      return { ok: true, response: encodeResponse(endpoint, response as never) };
    } catch (error) {
      return { ok: false, error: outcomeOf(error, endpoint) };
    }
  };
}

type Verb = (input: object) => Promise<unknown>;
type Nouns = Readonly<Record<string, Readonly<Record<string, Verb>>>>;

function verbOf(api: ApiClient, { id }: Endpoint): Verb {
  const [family, noun, verb] = id.split('.') as [string, string, string];
  const nouns = (
    family === 'runtime' ? api : api[family as Exclude<keyof ApiClient, keyof Nouns>]
  ) as unknown;
  return (nouns as Nouns)[noun]?.[verb] as Verb;
}

type Refusal = Extract<ToolOutcome, { ok: false }>['error'];

/** What a model is told of an error. @throws the error itself when it is none of the API or of its client */
export function outcomeOf(error: unknown, { path }: { readonly path: string }): Refusal {
  if (error instanceof ApiError) {
    const { code, reason, message, hint, requestId, param, details } = error;
    return {
      code,
      reason,
      message,
      hint,
      request_id: requestId,
      ...(param !== undefined && { param }),
      ...(details !== undefined && { details }),
    };
  }
  if (!(error instanceof AgentPayError)) throw error;
  return renderError(familyAt(path, Object.values(families)), error, '').body.error;
}
