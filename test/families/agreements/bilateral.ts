import { newAgent, newService, type TestAgent } from '../testApi.js';
import type { Sent, World } from '../world.js';

/** The states of an agreement that a test can begin in. */
export type Stage = 'proposed' | 'accepted' | 'active' | 'challenge_window';

export interface Agreed {
  readonly buyer: TestAgent;
  readonly seller: TestAgent;
  readonly id: string;
}

/** An agreement of a buyer with money and a seller, as far as asked for. */
export async function agreed(
  { api }: Pick<World, 'api'>,
  stage: Stage,
  fields: { buyer?: TestAgent; terms?: object; service?: Record<string, unknown> } = {},
): Promise<Agreed> {
  const seller = await newAgent(api, { name: 'Seller' });
  const buyer = fields.buyer ?? (await newAgent(api, { name: 'Buyer', funds: 100 }));
  const service_id = await newService(api, seller, fields.service);
  const proposal = { service_id, terms: fields.terms ?? {} };
  const { body } = await api.http.post('/usage-agreements').set(buyer.auth).send(proposal).expect(201);
  const id = (body as { agreement_id: string }).agreement_id;
  const at = `/usage-agreements/${id}`;
  if (stage === 'proposed') return { buyer, seller, id };
  await api.http.put(`${at}/accept`).set(seller.auth).send({}).expect(200);
  if (stage === 'accepted') return { buyer, seller, id };
  await api.http.post(`${at}/activate-escrow`).set(buyer.auth).send({}).expect(202);
  if (stage === 'active') return { buyer, seller, id };
  await api.http.post(`${at}/complete`).set(buyer.auth).send({}).expect(200);
  return { buyer, seller, id };
}

/** A call of one side about an agreement. */
export function by({ auth }: TestAgent, { id }: Agreed): Sent {
  return { params: { agreement_id: id }, headers: auth };
}
