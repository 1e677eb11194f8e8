import { buyer } from '@agentpay/api';
import { implement } from '../../http/implement.js';
import { asAgent } from './asAgent.js';

export const handlers = implement(buyer.nouns.events, ({ core, streams }) => ({
  async stream({ principal, params, query: { after, seconds } }) {
    const { party } = await asAgent(core, principal, params.id);
    return { events: await streams.open({ partyId: party.id, after, seconds: Number(seconds) }) };
  },
}));
