/** Sellers and buyers for the flows of the conformance suite of the Payment scheme. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { baseSepolia } from '@agentpay/primitives';
import { mpp, type Facilitator } from '@agentpay/protocol';

export const { chainId, usdc } = baseSepolia;
export const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
export const BUYER_KEY = `0x${'59'.repeat(32)}` as const;
export const SECRET = 'the secret of the seller in the flows';
export const problem = (code: string) => `https://paymentauth.org/problems/${code}`;

const servers: Server[] = [];
/** Ends every seller that was opened. */
export function closeSellers(): void {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
}

export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says yes to everything and moves nothing. */
export const agreeable: Facilitator = {
  verify: async () => ({ isValid: true }),
  settle: async ({ paymentRequirements: { network } }) => ({
    success: true,
    transaction: `0x${'cd'.repeat(32)}`,
    network,
  }),
  supported: async () => ({ kinds: [], extensions: [], signers: {} }),
};

export interface Selling extends Partial<PaywallOptions> {
  readonly handler?: RequestListener;
  readonly facilitator?: Facilitator;
}

/** A seller of everything but `/free`; `served` holds the bodies that reached the handler. */
export async function sell({ handler, facilitator = agreeable, ...options }: Selling = {}) {
  const served: string[] = [];
  const routes = { '/free': 'free', '/*': '$0.01' };
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    mppSecret: SECRET,
    routes,
    logger: false,
    ...options,
  });
  const serve: RequestListener = async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    served.push(body);
    if (handler) handler(req, res);
    else res.end(`answer ${served.length} to ${body}`);
  };
  return { url: await listen((req, res) => wall(req, res, () => serve(req, res))), served };
}

export type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Record<string, string> };

export async function challengeOf(url: string, init?: Init): Promise<mpp.Challenge> {
  const response = await fetch(url, init ?? {});
  expect(response.status).toBe(402);
  return mpp.readChallenges(response.headers.get('www-authenticate') as string)[0] as mpp.Challenge;
}

/** A credential that answers the challenge, with the payload that it asks for. */
export function answering(challenge: mpp.Challenge, changes: object = {}): mpp.Credential {
  const { amount: value } = mpp.readEvmChargeRequest(challenge);
  const validBefore = String(Math.floor(Date.now() / 1000) + 300);
  const authorization = {
    from: PAYER,
    to: PAY_TO,
    value,
    validAfter: '0',
    validBefore,
    nonce: mpp.challengeNonce(challenge),
  };
  return {
    challenge,
    payload: { type: 'authorization', ...authorization, signature: `0x${'ab'.repeat(65)}`, ...changes },
  };
}

/** What a seller may have issued at another time or for another purpose: the challenge with some parts changed, and a right id. */
export function reissued(challenge: mpp.Challenge, changes: Partial<mpp.Challenge>): mpp.Challenge {
  const parts = JSON.parse(JSON.stringify({ ...challenge, ...changes })) as mpp.Challenge;
  return { ...parts, id: mpp.challengeId(parts, SECRET) };
}

export async function present(url: string, credential: mpp.Credential, init: Init = {}) {
  const response = await fetch(url, {
    ...init,
    headers: { ...init.headers, authorization: mpp.serializeCredential(credential) },
  });
  const text = await response.text();
  const receipt = response.headers.get('payment-receipt');
  const challenges = mpp.readChallenges(response.headers.get('www-authenticate') ?? '');
  const details = response.ok
    ? undefined
    : (JSON.parse(text) as { type: string; title: string; status: number; detail: string });
  return {
    response,
    status: response.status,
    text,
    receipt: receipt === null ? undefined : mpp.readReceipt(receipt),
    challenges,
    details,
  };
}

/** Refused with this problem, a fresh challenge and no receipt. */
export async function expectRefused(
  url: string,
  credential: mpp.Credential,
  code: string,
  init?: Init,
): Promise<void> {
  const { status, details, challenges, receipt, response } = await present(url, credential, init);
  expect([status, details?.type, details?.status, challenges.length, receipt]).toEqual([
    402,
    problem(code),
    402,
    1,
    undefined,
  ]);
  expect(challenges[0]?.id).not.toBe(credential.challenge.id);
  expect(response.headers.get('cache-control')).toBe('no-store');
}

export const posting = (body: string): Init => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json' },
});
