import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { balanceCall, viemChain } from '@agentpay/evm';
import { buildDirectStablecoinAgreement, localAccount } from '@agentpay/sdk';
import { eventually } from '@agentpay/testing';

/** What direct purchases need of `.agentpay/dev.json`. */
export interface DirectDev {
  readonly api: { readonly url: string };
  readonly chain: { readonly rpcUrl: string; readonly usdc: string };
  readonly keys: { readonly runtime: string; readonly seller: string };
  readonly ids: { readonly service: string };
  readonly buyer: { readonly address: string; readonly privateKey: string };
}

interface Requirements {
  readonly gas_wallet_address: string;
  readonly fee: { readonly amount: string };
  readonly payment: { readonly payTo: string };
}
type Purchase = Record<string, string | null>;
/** Signs what a purchase takes. */
export type Sign = (dev: DirectDev, requirements: unknown) => Promise<object>;

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const CENTS = 500;

export const byTypeScript: Sign = ({ buyer, ids }, requirements) =>
  buildDirectStablecoinAgreement({
    account: localAccount(buyer.privateKey),
    requirements,
    serviceId: ids.service,
    amountCents: CENTS,
  });

const PROGRAM = `
import json, sys
from agentpay import build_direct_stablecoin_agreement
from agentpay.local import LocalAccount
key, requirements, service_id, cents = json.load(sys.stdin)
print(json.dumps(build_direct_stablecoin_agreement(
    account=LocalAccount(key), requirements=requirements, service_id=service_id, amount_cents=cents)))
`;

export const byPython: Sign = async ({ buyer, ids }, requirements) => {
  const { write } = (await import(root('packages/sdk-python/generate.mjs'))) as { write(): void };
  write();
  const env = {
    ...process.env,
    PYTHONPATH: root('packages/sdk-python/src'),
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const running = promisify(execFile)(process.env['PYTHON'] ?? '/usr/bin/python3', ['-c', PROGRAM], { env });
  running.child.stdin?.end(JSON.stringify([buyer.privateKey, requirements, ids.service, CENTS]));
  return JSON.parse((await running).stdout) as object;
};

async function call<T>(dev: DirectDev, key: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${dev.api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** Buys for five dollars; gives what was moved on the chain before and after the seller accepted, and what the purchase says of it. */
export async function buyDirectly(dev: DirectDev, sign: Sign) {
  const { runtime, seller } = dev.keys;
  const query = `amount_cents=${CENTS}&rail=stablecoin&service_id=${dev.ids.service}&buyer_address=${dev.buyer.address}`;
  const needed = await call<Requirements>(dev, runtime, 'GET', `/payment-requirements?${query}`);
  const chain = viemChain({ rpcUrl: dev.chain.rpcUrl });
  const accounts = [dev.buyer.address, needed.payment.payTo, needed.gas_wallet_address];
  const balances = async () => {
    const calls = accounts.map((each) => balanceCall(dev.chain.usdc as `0x${string}`, each as `0x${string}`));
    return (await chain.read(calls)).map(({ data }) => BigInt(data));
  };
  const before = await balances();
  const moved = async () => (await balances()).map((now, i) => now - (before[i] as bigint));
  const made = await call<Purchase>(dev, runtime, 'POST', '/usage-agreements', await sign(dev, needed));
  const at = `/usage-agreements/${made['agreement_id']}`;
  const unaccepted = await moved();
  await call(dev, seller, 'PUT', `${at}/accept`, {});
  const ended = await eventually(async () => {
    const purchase = await call<Purchase>(dev, runtime, 'GET', `${at}/direct-payment`);
    if (purchase['status'] === 'completed') return purchase;
    // Whoever asks more often meets the limit of requests.
    await new Promise((resolve) => setTimeout(resolve, 250));
    throw new Error(`It is ${purchase['status']}.`);
  });
  return { fee: needed.fee.amount, proposed: made['status'], unaccepted, moved: await moved(), ended };
}
