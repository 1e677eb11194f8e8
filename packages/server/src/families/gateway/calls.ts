import { gateway } from '@agentpay/api';
import { gateways } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.calls, ({ core, calls }) => ({
  async create({ principal, body, repeatable }) {
    const { agent_id: listingId, input, method, max_price_usdc: maxPrice } = body;
    const idempotencyKey = repeatable?.key;
    const call = await gateways.queue(core, {
      principal,
      listingId,
      input,
      method,
      maxPrice,
      idempotencyKey,
    });
    if (call.status === 'queued') calls.start(call);
    return { call_id: call.id, status: 'queued' as const };
  },
  async get({ principal, params, query }) {
    const callId = params.call_id;
    const read = () => gateways.getCall(core, { principal, callId });
    const until = core.clock.now() + query.wait * 1000;
    const mine = { gatewayId: principal.party.id, ms: query.wait * 1000 };
    let call = (query.wait > 0 ? await calls.ended(callId, mine) : undefined) ?? (await read());
    while (call.endedAt === null && core.clock.now() < until) {
      await calls.change(callId, until - core.clock.now());
      call = await read();
    }
    return { ...show(call), input: { ...call.input }, output: call.output };
  },
  async list({ principal, query }) {
    const page = await gateways.listCalls(core, { principal, ...query });
    return { calls: page.calls.map(show), ...counted(page) };
  },
}));

function show(call: gateways.GatewayCall) {
  return {
    call_id: call.id,
    status: call.status,
    agent_id: call.listingId,
    method: call.method,
    price_usdc: call.price,
    failure: call.failure,
    queued_at: call.queuedAt,
    ended_at: call.endedAt,
  };
}
