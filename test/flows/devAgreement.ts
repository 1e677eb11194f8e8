import { balanceCall, viemChain } from '@agentpay/evm';
import { eventually } from '@agentpay/testing';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

/** What a test of agreements reads of `.agentpay/dev.json`. */
export interface AgreementDev {
  readonly api: { readonly url: string };
  readonly keys: { readonly admin: string; readonly buyerAgent: string; readonly seller: string };
  readonly ids: { readonly service: string };
  readonly chain: { readonly rpcUrl: string; readonly usdc: Hex; readonly tokenStore: Hex };
  readonly buyer: { readonly privateKey: Hex };
}

interface Shown {
  readonly agreement_id: string;
  readonly status: string;
  readonly reason?: string | null;
  readonly seller_wallet_address: Hex;
  readonly activation_tx_hash: Hex | null;
  readonly settlement_tx_hash: Hex | null;
  readonly stuck: boolean;
  readonly dispute_id?: string;
}

type Body = Record<string, unknown>;
type Said<T = Shown> = { readonly status: number; readonly body: T & { code?: string } };

/** What is refused on the way, in the order of {@link playAgreements}. */
export const expectedRefusals = [
  ['package before it is accepted', 409, 'agreement_wrong_state'],
  ['package for the seller', 403, 'forbidden'],
  ['activation without a signature', 400, 'invalid_request'],
  ['activation by another key', 400, 'invalid_request'],
  ['activation with what was signed for another agreement', 400, 'invalid_request'],
  ['activation by the seller', 403, 'forbidden'],
  ['activation without the permit for the fee', 400, 'invalid_request'],
  ['activation again', 202, undefined],
  ['activation when it is settled', 409, 'agreement_wrong_state'],
];

/**
 * Three agreements of the example agents on the chain, by 20,000 used of 100,000 each: one is left to settle, one is challenged and decided
 * half and half, one is challenged and decided for the buyer. Gives what was held and what moved in the end.
 */
export async function playAgreements(dev: AgreementDev) {
  const { chain, keys, ids } = dev;
  const account = privateKeyToAccount(dev.buyer.privateKey);
  const buyer = callerOf(dev, { authorization: `Bearer ${keys.buyerAgent}` });
  const seller = callerOf(dev, { authorization: `Bearer ${keys.seller}` });
  const node = viemChain({ rpcUrl: chain.rpcUrl });
  const usdc = async (address: Hex) => {
    const [found] = await node.read([balanceCall(chain.usdc, address)]);
    return BigInt((found as { data: Hex }).data);
  };
  const refused: unknown[] = [];
  const note = (what: string, { status, body }: Said) => void refused.push([what, status, body.code]);

  const made: string[] = [];
  for (let n = 0; n < 3; n++) {
    const terms = { cap: '0.10' };
    const proposal = { service_id: ids.service, buyer_wallet_address: account.address, terms };
    made.push((await buyer('POST', '', { body: proposal })).body.agreement_id);
  }
  const [first, second, third] = made as [string, string, string];
  note('package before it is accepted', await buyer('GET', `/${first}/activation-package`));
  const accepted = await Promise.all(made.map((id) => seller('PUT', `/${id}/accept`)));
  const payee = accepted[0]?.body.seller_wallet_address as Hex;
  const before = { held: await usdc(chain.tokenStore), buyer: await usdc(account.address) };
  const earnedBefore = await usdc(payee);

  note('package for the seller', await seller('GET', `/${first}/activation-package`));
  const intents = await Promise.all(
    made.map(async (id) => {
      const { body } = await buyer<{ activation_intent: TypedData }>('GET', `/${id}/activation-package`);
      return body.activation_intent;
    }),
  );
  const signatures = await Promise.all(intents.map((intent) => account.signTypedData(intent as never)));
  const activate = (id: string, signature?: Hex, by = buyer) =>
    by('POST', `/${id}/activate-escrow`, { body: signature ? { activation_signature: signature } : {} });
  note('activation without a signature', await activate(first));
  const stranger = privateKeyToAccount(generatePrivateKey());
  note('activation by another key', await activate(first, await stranger.signTypedData(intents[0] as never)));
  note('activation with what was signed for another agreement', await activate(first, signatures[1]));
  note('activation by the seller', await activate(first, signatures[0], seller));
  note('activation without the permit for the fee', await activate(first, signatures[0]));
  const until = (id: string, status: string) =>
    eventually(async () => {
      const { body } = await buyer('GET', `/${id}/escrow-status`);
      if (body.status === status) return body;
      // Whoever asks more often meets the limit of requests.
      await new Promise((resolve) => setTimeout(resolve, 250));
      throw new Error(`${id} is ${body.status}.`);
    });
  // Permits of one wallet are used in order.
  for (const [n, id] of made.entries()) {
    const { body } = await buyer<{ infra_fee: { permit: TypedData } }>('GET', `/${id}/activation-package`);
    const infra_fee_permit = await account.signTypedData(body.infra_fee.permit as never);
    const proof = { activation_signature: signatures[n], infra_fee_permit };
    const taken = await buyer('POST', `/${id}/activate-escrow`, { body: proof });
    expect([taken.status, taken.body.status]).toEqual([202, 'submitting']);
    if (n === 0) note('activation again', await activate(first, signatures[0]));
    const { activation_tx_hash: hash, stuck } = await until(id, 'active');
    const [receipt] = await node.receipts([hash as Hex]);
    expect([receipt?.success, stuck]).toEqual([true, false]);
  }
  const agreed = {
    cap: BigInt((intents[0] as TypedData).message['value'] as string),
    held: (await usdc(chain.tokenStore)) - before.held,
    spent: before.buyer - (await usdc(account.address)),
  };

  await Promise.all(made.map((id) => seller('POST', `/${id}/record-usage`, { body: { units: 2 } })));
  for (const [id, refund] of [
    [second, '0.01'],
    [third, '0.02'],
  ] as const) {
    await buyer('POST', `/${id}/complete`);
    const { body } = await buyer('POST', `/${id}/challenge`, { body: { reason: 'calls_failed' } });
    await decide(dev, body.dispute_id as string, refund);
  }
  await buyer('POST', `/${first}/complete`);
  const ended = await Promise.all(made.map((id) => until(id, 'settled')));
  const seen = await Promise.all(made.map((id) => seller('GET', `/${id}/escrow-status`)));
  expect(seen.map(({ body }) => body.settlement_tx_hash)).toEqual(
    ended.map(({ settlement_tx_hash: hash }) => hash),
  );
  for (const { settlement_tx_hash: hash } of ended)
    expect((await node.receipts([hash as Hex]))[0]?.success).toBe(true);
  note('activation when it is settled', await activate(first, signatures[0]));
  const settled = {
    held: (await usdc(chain.tokenStore)) - before.held,
    spent: before.buyer - (await usdc(account.address)),
    earned: (await usdc(payee)) - earnedBefore,
  };
  return { agreed, settled, refused };
}

interface TypedData {
  readonly message: Record<string, unknown>;
}

/** Calls about agreements with one credential. */
function callerOf({ api }: AgreementDev, credential: Record<string, string>) {
  return async <T = Shown>(
    method: string,
    path: string,
    { body }: { body?: Body } = {},
  ): Promise<Said<T>> => {
    const response = await fetch(`${api.url}/usage-agreements${path}`, {
      method,
      headers: { ...credential, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T & { code?: string } };
  };
}

async function decide({ api, keys }: AgreementDev, disputeId: string, refund: string): Promise<void> {
  const response = await fetch(`${api.url}/v1/disputes/${disputeId}/resolve`, {
    method: 'POST',
    headers: { 'x-admin-key': keys.admin, 'content-type': 'application/json' },
    body: JSON.stringify({ resolution: 'refund', refund_amount: Number(refund) }),
  });
  expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ id: disputeId })]);
}
