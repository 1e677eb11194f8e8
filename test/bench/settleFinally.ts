import type { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, type Reply, type Prepared } from './load.js';
import { expectTrue } from './scenarios.js';

/** What is known of a payment after all that was asked. */
export interface FinalReply {
  /** "ok", the reason of the refusal, or "never answered". */
  readonly verdict: string;
  /** Why it was asked again, once for each time. */
  readonly again: readonly string[];
}

/** More than the asking of an hour; a payment that is still open then has no end. */
const MOST_TIMES = 500;
const PAUSE_MS = 500;
const judge = expectTrue('success');

/** Asks for settlement, and asks again as long as the response is lost, is `settlement_pending`, or says that nothing was taken now. */
export async function settleFinally(agent: Agent, url: string, prepared: Prepared): Promise<FinalReply> {
  const again: string[] = [];
  while (again.length < MOST_TIMES) {
    const answer = await send(agent, url, prepared).catch((error: unknown) =>
      String((error as { code?: string }).code ?? 'lost'),
    );
    const open = typeof answer === 'string' ? answer : openBecause(answer);
    if (open === undefined) return { verdict: judge(answer as Reply), again };
    again.push(open);
    await sleep(PAUSE_MS);
  }
  return { verdict: 'never answered', again };
}

/** Why the response is not the last; undefined when it is. */
function openBecause(answer: Reply): string | undefined {
  const verdict = judge(answer);
  return verdict === 'settlement_pending' || answer.status === 503 ? verdict : undefined;
}
