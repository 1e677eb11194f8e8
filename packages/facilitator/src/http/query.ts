import { AgentPayError } from '@agentpay/primitives';
import type { z } from 'zod';

/** Reads the query of a URL. @throws AgentPayError `invalid_request` naming the first parameter that is wrong */
export function readQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0] ?? 'query');
  throw new AgentPayError(
    'invalid_request',
    `The parameter ${name} is wrong: ${issue?.message ?? 'wrong shape'}.`,
    { param: name },
  );
}
