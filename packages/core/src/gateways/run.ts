import { isAgentPayError } from '@agentpay/primitives';
import type { IncomingResponse, OutboundError } from '@agentpay/primitives';
import { attemptDue } from '../attempts.js';
import type { Scene } from '../batch/index.js';
import { monthOf } from '../calendar.js';
import { countCallIn, countCallWants, get as getListing, listingRows } from '../catalog/index.js';
import type { AgentListing, CallEnding } from '../catalog/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { earnIn, earnWants } from '../developers/index.js';
import type { JobReport } from '../Job.js';
import { available, holds, movements } from '../ledger/index.js';
import { find as findService } from '../marketplace/index.js';
import { allowWants, captureIn, giveBackIn } from '../spending/index.js';
import { stepOf } from './Call.js';
import type { CallOutcome, GatewayCall } from './Call.js';
import { payeeNames } from './calls.js';
import { callCompleted, callFailed, tell } from './events.js';
import * as store from './GatewayStore.js';

const MAX_OUTPUT_BYTES = 256 * 1024;
/** A process that has not ended a call so long after its time has died. */
const GRACE_MS = 15_000;
/** A call that is still queued then was forgotten by the process that queued it. */
const FORGOTTEN_MS = 2_000;

/**
 * Carries a queued call out, once: asks the agent, then pays it when it did what was asked, and gives the money back when not. A call
 * that is not queued is left alone. Gives the call as it has ended, where this process has ended it.
 */
export async function run(
  core: Core,
  { callId, listingId, signal }: Running,
): Promise<GatewayCall | undefined> {
  const begun = await begin(core, { callId, listingId });
  return begun && end(core, begun.call, await ask(core, begun, signal));
}

interface Running {
  readonly callId: string;
  /** Where it is known already: then the listing is looked at in the step that begins the call. */
  readonly listingId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A call that this process carries out, and its listing where it was asked for. */
interface Begun {
  readonly call: GatewayCall;
  readonly listing: Pick<AgentListing, 'endpointUrl' | 'serviceId'> | undefined;
}

/** Ids of queued calls that nobody carries out, for {@link run}. */
export async function pickUp(core: Core, { limit }: { limit: number }): Promise<readonly string[]> {
  const nowMs = core.clock.now();
  const forgotten = await store.listForgotten(core.db, new Date(nowMs - FORGOTTEN_MS), limit);
  return forgotten.map(({ id }) => id);
}

/** Ends running calls whose process has died: nobody knows what the agent did, so they have failed and cost nothing. */
export async function endLeft(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const { done, failures } = await attemptDue(core, {
    job: 'gateways.left',
    limit,
    due: store.leftCalls,
    attempt: (call: GatewayCall) => end(core, call, { kind: 'left', failure: 'interrupted' }),
  });
  return { done: { interrupted: done }, failures };
}

/** From here on no other process begins it; undefined when one has. */
function begin(
  core: Core,
  { callId, listingId }: Pick<Running, 'callId' | 'listingId'>,
): Promise<Begun | undefined> {
  return core.batch.run({
    wants: [
      [store.callRows, [callId]],
      ...(listingId === undefined ? [] : [[listingRows, [listingId]] as const]),
    ],
    lane: callId,
    decide(scene) {
      const call = scene.find(store.callRows, callId);
      const status = call && stepOf(call.status, 'begin');
      if (!call || !status) return undefined;
      const startedAt = new Date(core.clock.now());
      const deadline = new Date(startedAt.getTime() + call.windowSeconds * 1000 + GRACE_MS);
      return {
        call: scene.update(store.callRows, call, { status, startedAt, deadline }),
        listing: listingId === undefined ? undefined : scene.find(listingRows, listingId),
      };
    },
  });
}

async function ask(
  core: Core,
  { call, listing }: Begun,
  signal: AbortSignal | undefined,
): Promise<CallOutcome> {
  const { assertAllowed, fetchOut } = core.ports.endpoints;
  const { id, listingId, method, input, windowSeconds } = call;
  try {
    const url = await addressOf(core, listing ?? (await getListing(core.db, { listingId })));
    assertAllowed(url);
    const response = await fetchOut(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', 'idempotency-key': id },
      body: JSON.stringify({ call_id: id, agent_id: listingId, method, input }),
      timeoutMs: windowSeconds * 1000,
      maxBytes: MAX_OUTPUT_BYTES,
      maxRedirects: 0,
      ...(signal ? { signal } : {}),
    });
    return outcomeOf(response);
  } catch (error) {
    if (isAgentPayError(error)) return { kind: 'down', failure: 'address_refused' };
    if ((error as Error).name !== 'OutboundError') throw error;
    const { fault } = error as OutboundError;
    return fault === 'aborted'
      ? { kind: 'left', failure: 'interrupted' }
      : { kind: 'down', failure: fault === 'timeout' ? 'sla_exceeded' : fault };
  }
}

async function addressOf(
  core: Core,
  { endpointUrl, serviceId }: Pick<AgentListing, 'endpointUrl' | 'serviceId'>,
): Promise<string> {
  return endpointUrl ?? ((await findService(core.db, { serviceId: serviceId ?? '' })).endpointUrl as string);
}

function outcomeOf({ status, headers, body }: IncomingResponse): CallOutcome {
  if (status === 429 || status >= 500) return { kind: 'down', failure: `http_${status}` };
  if (status < 200 || status >= 300) return { kind: 'refused', failure: `http_${status}` };
  const text = Buffer.from(body).toString().replaceAll('\u0000', '');
  if (!/^application\/([\w.-]+\+)?json\b/i.test(headers['content-type'] ?? ''))
    return { kind: 'done', output: { text } };
  try {
    return { kind: 'done', output: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'down', failure: 'malformed' };
  }
}

/** Pays a call or gives its price back, and counts it, in one step; one that has ended is left alone. */
function end(core: Core, { id, ...of }: GatewayCall, outcome: CallOutcome): Promise<GatewayCall | undefined> {
  const nowMs = core.clock.now();
  const ms = Math.max(0, nowMs - (of.startedAt ?? of.queuedAt).getTime());
  const how: CallEnding | undefined =
    outcome.kind === 'left'
      ? undefined
      : outcome.kind === 'done'
        ? { ending: 'done', ms }
        : { ending: outcome.kind };
  const counted = how && { listingId: of.listingId, atMs: nowMs, how };
  return core.batch.run({
    wants: [
      [store.callRows, [id]],
      [holds, [of.holdId]],
      [store.quotas, [of.gatewayId, of.listingId]],
      [store.usage, [of.gatewayId, monthOf(nowMs)]],
      ...(counted ? countCallWants(counted) : []),
      ...earnWants(core, of.developerId),
      ...allowWants(of.gatewayId),
    ],
    lane: id,
    decide(scene) {
      const call = scene.find(store.callRows, id) as GatewayCall;
      if (stepOf(call.status, outcome.kind === 'done' ? 'complete' : 'fail') === undefined) return undefined;
      if (counted) countCallIn(scene, counted);
      return outcome.kind === 'done'
        ? complete(core, scene, call, outcome.output)
        : fail(core, scene, call, outcome.failure);
    },
  });
}

function complete(core: Core, scene: Scene, call: GatewayCall, output: unknown): GatewayCall {
  const { walletId, price, gatewayId, developerId } = call;
  const payee = available(call.payoutWalletId);
  const fee = feeOn(price, core.settings.fees.marketplace);
  captureIn(core, scene, {
    holdId: call.holdId,
    reason: 'complete',
    postings: ({ asset, amount }) =>
      movements.marketSettled({ walletId, payee, asset, amount, fee, reserved: amount }),
  });
  earnIn(core, scene, { developerId, amount: price - fee });
  const endedAt = new Date(core.clock.now());
  const month = monthOf(endedAt.getTime());
  const before = scene.find(store.usage, gatewayId, month);
  if (before) scene.update(store.usage, before, { amount: before.amount + price, calls: before.calls + 1n });
  else scene.insert(store.usage, { gatewayId, month, amount: price, calls: 1n });
  const ended = { status: 'completed', output, deadline: null, endedAt } as const;
  const after = scene.update(store.callRows, call, ended);
  tell(core, scene, callCompleted, after);
  return after;
}

function fail(core: Core, scene: Scene, call: GatewayCall, failure: string): GatewayCall {
  const { gatewayId: payer, price: amount, queuedAt: at, provisionId } = call;
  const spent = { payer, payee: payeeNames(call), amount, at };
  giveBackIn(core, scene, { holdId: call.holdId, reason: 'fail', spent });
  const quota = scene.find(store.quotas, call.gatewayId, call.listingId);
  // A later provision has begun to count anew.
  if (quota?.provisionId === provisionId) scene.update(store.quotas, quota, { used: quota.used - amount });
  const endedAt = new Date(core.clock.now());
  const ended = { status: 'failed', failure, deadline: null, endedAt } as const;
  const after = scene.update(store.callRows, call, ended);
  tell(core, scene, callFailed, after);
  return after;
}
