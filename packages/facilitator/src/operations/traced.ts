import type { RequestListener } from 'node:http';
import { tracedDb, type SpanAttributes, type Tracing } from '@agentpay/http';
import { isAgentPayError, type Clock, type Db } from '@agentpay/primitives';
import { aroundCalls, ChainError, type Chain } from '@agentpay/evm';
import type { FacilitatorRequest } from '@agentpay/protocol';
import type { FacilitatorOptions, RunningFacilitator } from '../engine/Facilitator.js';

type Tell = (attributes: SpanAttributes) => void;

/** The parts of a running facilitator as they are, or made so that what they do is seen in traces. */
export interface Traced {
  clock(clock: Clock): Clock;
  chain(chain: Chain): Chain;
  db(db: Db): Db;
  facilitator(facilitator: RunningFacilitator): RunningFacilitator;
  requests(handle: RequestListener): RequestListener;
  readonly aroundBatch: FacilitatorOptions['aroundBatch'];
}

export const untraced: Traced = {
  clock: (clock) => clock,
  chain: (chain) => chain,
  db: (db) => db,
  facilitator: (facilitator) => facilitator,
  requests: (handle) => handle,
  aroundBatch: undefined,
};

export function traced(tracing: Tracing): Traced {
  return {
    clock: tracing.apart,
    chain: (chain) => tracedChain(chain, tracing),
    db: (db) => tracedDb(db, tracing),
    facilitator: (facilitator) => tracedFacilitator(facilitator, tracing),
    requests: tracing.within,
    aroundBatch: tracedBatch(tracing),
  };
}

/** Each verification and each settlement is a span. */
function tracedFacilitator(facilitator: RunningFacilitator, tracing: Tracing): RunningFacilitator {
  return {
    ...facilitator,
    verify: (request) =>
      callSpan(tracing, 'verify', request, facilitator.verify, ({ isValid, invalidReason = 'invalid' }) => ({
        'agentpay.result': isValid ? 'valid' : invalidReason,
      })),
    settle: (request, caller) =>
      callSpan(
        tracing,
        'settle',
        request,
        (asked) => facilitator.settle(asked, caller),
        ({ success, errorReason = 'failed', transaction }) => ({
          'agentpay.result': success ? 'settled' : errorReason,
          ...(transaction !== '' && { 'agentpay.transaction': transaction }),
        }),
      ),
  };
}

function callSpan<T>(
  tracing: Tracing,
  name: string,
  request: FacilitatorRequest,
  respond: (request: FacilitatorRequest) => Promise<T>,
  resultOf: (respond: T) => SpanAttributes,
): Promise<T> {
  const { network, scheme } = request.paymentRequirements;
  return tracing.span({
    name,
    kind: 'server',
    attributes: {
      'agentpay.network': shortened(network),
      'agentpay.scheme': shortened(scheme),
      'agentpay.x402_version': request.x402Version,
    },
    work: (tell) => resultTold(tell, () => respond(request), resultOf),
  });
}

/** Callers write what they like here. */
const shortened = (text: string) => text.slice(0, 64);

async function resultTold<T>(
  tell: Tell,
  work: () => Promise<T>,
  resultOf: (value: T) => SpanAttributes,
): Promise<T> {
  try {
    const value = await work();
    tell(resultOf(value));
    return value;
  } catch (error) {
    tell({
      'agentpay.result': error instanceof ChainError || isAgentPayError(error) ? error.kind : 'failed',
    });
    throw error;
  }
}

/** The sending of a batch is a span that has the transaction's hash in common with its settlements. */
function tracedBatch(tracing: Tracing) {
  return (payments: number, send: () => Promise<string | undefined>): Promise<unknown> =>
    tracing.span({
      name: 'batch',
      attributes: { 'agentpay.batch_size': payments },
      work: (tell) =>
        resultTold(tell, send, (hash) =>
          hash === undefined ? {} : { 'agentpay.result': 'sent', 'agentpay.transaction': hash },
        ),
    });
}

/** Each call of the node is a span; one that several share belongs to the first of them. */
function tracedChain(chain: Chain, tracing: Tracing): Chain {
  return aroundCalls(chain, (method, [asked], call) =>
    tracing.span({
      name: `rpc ${method}`,
      kind: 'client',
      attributes: { 'rpc.system.name': 'jsonrpc', 'rpc.method': method, ...sizeOf(asked) },
      work: (tell) => resultTold(tell, call, () => ({ 'agentpay.result': 'ok' })),
    }),
  );
}

function sizeOf(asked: unknown): SpanAttributes {
  return Array.isArray(asked) ? { 'agentpay.batch_size': asked.length } : {};
}
