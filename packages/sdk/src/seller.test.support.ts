import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { baseSepolia, systemClock, type Clock } from '@agentpay/primitives';
import {
  authorizationTypedData,
  exactPayloadSchema,
  mpp,
  paymentTokenKey,
  signPaymentToken,
  toAuthorization,
  x402v1,
  x402v2,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import { verifyTypedData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { DEMAND_MS } from './buy.js';
import type { PaymentError } from './PaymentError.js';

export const BUYER_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
export const BUYER = privateKeyToAccount(BUYER_KEY).address;
export const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const OTHER_PAYEE = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
export const SERVICE = 'svc_01kb3x9v7f5m2q8r4t6w0y1z3d';
export const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
export const TRANSACTION = `0x${'ab'.repeat(32)}`;
const SECRET = 'a secret of a seller, thirty-two bytes';

const servers: Server[] = [];

/** Serves on a free port until {@link closeServers}. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the work fails with; undefined when it does not. */
export function failure(work: Promise<unknown>): Promise<PaymentError | undefined> {
  return work.then(
    () => undefined,
    (error: PaymentError) => error,
  );
}

export async function closeServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export interface HurriedClock extends Clock {
  /** The waits that passed, in ms. */
  readonly waited: number[];
  /** Lets the time-outs that are set now run out. */
  expire(): void;
  advance(ms: number): void;
}

/** A clock on which waits pass at once, and time-outs, those of a minute and that of the body of a 402, when told to. */
export function hurriedClock(): HurriedClock {
  let now = Date.UTC(2026, 10, 20, 12);
  const waited: number[] = [];
  const timeouts = new Set<() => void>();
  return {
    waited,
    now: () => now,
    timer(ms, fn) {
      if (ms >= 60_000 || ms === DEMAND_MS) {
        timeouts.add(fn);
        return () => void timeouts.delete(fn);
      }
      return systemClock.timer(0, () => {
        now += ms;
        waited.push(ms);
        fn();
      });
    },
    expire() {
      for (const fn of timeouts) fn();
      timeouts.clear();
    },
    advance(ms) {
      now += ms;
    },
  };
}

export const offer: x402v2.PaymentRequirements = {
  scheme: 'exact',
  network: baseSepolia.id,
  amount: '10000',
  asset: baseSepolia.usdc.address,
  payTo: PAY_TO,
  maxTimeoutSeconds: 300,
  extra: { ...baseSepolia.usdc.eip712 },
};

/** What a 402 is made of. */
export interface Ask {
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
}

export function askV2(accepts: readonly object[] = [offer], more: object = {}): Ask {
  const required = {
    x402Version: 2,
    error: 'Payment required',
    resource: { url: 'http://seller.test/paid' },
    accepts,
    ...more,
  };
  return {
    headers: { 'payment-required': Buffer.from(JSON.stringify(required)).toString('base64') },
    body: {},
  };
}

export function askV1(entries: readonly object[] = [{}]): Ask {
  const { amount: maxAmountRequired, ...rest } = offer;
  const entry = {
    ...rest,
    maxAmountRequired,
    network: baseSepolia.name,
    resource: 'http://seller.test/paid',
    description: '',
  };
  const accepts = entries.map((more) => ({ ...entry, ...more }));
  return { headers: {}, body: { x402Version: 1, error: 'X-PAYMENT header is required', accepts } };
}

export function askMpp(
  clock: Clock,
  parts: Partial<mpp.NewChallenge> = {},
  nonce: string = String(askMpp.count++),
): Ask {
  const { usdc, chainId } = baseSepolia;
  const request = mpp.evmChargeRequest({
    amount: 10_000n,
    currency: usdc.address,
    recipient: PAY_TO,
    chainId,
    decimals: 6,
  });
  const expires = new Date(clock.now() + 300_000).toISOString();
  const challenge = {
    realm: 'seller.test',
    method: 'evm',
    intent: 'charge',
    request,
    opaque: { n: nonce },
    expires,
    ...parts,
  };
  return {
    headers: { 'www-authenticate': mpp.serializeChallenge(mpp.createChallenge(challenge, SECRET)) },
    body: {},
  };
}
askMpp.count = 0;

export function askToken(more: object = {}): Ask {
  const price = { price: '0.01', currency: 'USD' };
  const token = {
    header: 'X-Payment-Token',
    service_id: SERVICE,
    ...price,
    authorize_url: 'http://elsewhere.test/',
    ...more,
  };
  return { headers: {}, body: { payment_token: token } };
}

export function together(...asks: readonly Ask[]): Ask {
  const all = (part: keyof Ask) =>
    Object.assign({}, ...asks.map((ask) => ask[part])) as Ask['headers'] & Ask['body'];
  return { headers: all('headers'), body: all('body') };
}

export function demand(response: ServerResponse, { headers, body }: Ask): void {
  response.writeHead(402, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A proof as a seller received it. */
export interface Received {
  readonly dialect: 'x402v2' | 'x402v1' | 'mpp' | 'token';
  /** The header's value as it came. */
  readonly value: string;
  readonly authorization?: Authorization;
  readonly signature?: Hex;
  readonly credential?: mpp.Credential;
  readonly payment?: x402v2.PaymentPayload;
}

/** The proof that a request carries. */
export function proofIn({ headers }: { headers: IncomingMessage['headers'] }): Received | undefined {
  const value = (name: string) => headers[name.toLowerCase()] as string | undefined;
  const v2 = value(x402v2.PAYMENT_SIGNATURE);
  if (v2) {
    const payment = x402v2.decodePaymentPayload(v2);
    return { dialect: 'x402v2', value: v2, payment, ...transferIn(payment.payload) };
  }
  const v1 = value(x402v1.X_PAYMENT);
  if (v1) return { dialect: 'x402v1', value: v1, ...transferIn(x402v1.decodePaymentPayload(v1).payload) };
  const token = value('x-payment-token');
  if (token) return { dialect: 'token', value: token };
  const credentials = value(mpp.PAYMENT_AUTHORIZATION) ?? value(mpp.AUTHORIZATION);
  if (!credentials || !mpp.hasCredential(credentials)) return undefined;
  const credential = mpp.readCredential(credentials);
  const { signature, ...authorization } = mpp.readAuthorizationPayload(credential.payload);
  return { dialect: 'mpp', value: credentials, credential, ...transferIn({ signature, authorization }) };
}

function transferIn(payload: unknown): { authorization: Authorization; signature: Hex } {
  const { authorization, signature } = exactPayloadSchema.parse(payload);
  return { authorization: toAuthorization(authorization), signature };
}

/** Whether the buyer signed the transfer, for the known token on the test network. */
export function isSigned({ authorization, signature }: Received): Promise<boolean> {
  const { usdc, chainId } = baseSepolia;
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  return verifyTypedData({
    ...authorizationTypedData(domain, authorization as Authorization),
    address: BUYER,
    signature: signature as Hex,
  });
}

/** Headers of a receipt in the dialect of the proof. */
export function receiptFor({ dialect, credential }: Received): Record<string, string> {
  const settled = { success: true, transaction: TRANSACTION, payer: BUYER };
  if (dialect === 'x402v2')
    return { 'payment-response': x402v2.encodeSettleResponse({ ...settled, network: baseSepolia.id }) };
  if (dialect === 'x402v1')
    return { 'x-payment-response': x402v1.encodeSettleResponse({ ...settled, network: baseSepolia.name }) };
  if (dialect === 'token') return { 'x-payment-token-status': 'settled' };
  const challengeId = credential?.challenge.id as string;
  const receipt = {
    status: 'success' as const,
    method: 'evm',
    timestamp: '2026-11-20T12:00:00Z',
    reference: TRANSACTION,
    challengeId,
  };
  return { 'payment-receipt': mpp.serializeReceipt(receipt) };
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Seller {
  readonly url: string;
  /** Every proof that came, in order. */
  readonly proofs: Received[];
  /** Every request that came. */
  readonly requests: SeenRequest[];
}

export type Reply = (response: ServerResponse, proof: Received, request: SeenRequest) => void;

export const deliverGoods: Reply = (response, proof) => {
  response.writeHead(200, { 'content-type': 'application/json', ...receiptFor(proof) }).end('{"served":1}');
};

/** Asks for payment and answers proofs as told; `answers` are used one after the other, the last for good. */
export async function startSeller(
  ask: Ask | ((request: SeenRequest) => Ask),
  ...answers: readonly Reply[]
): Promise<Seller> {
  const seller = { proofs: [] as Received[], requests: [] as SeenRequest[] };
  const url = await serve(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = message;
    const request = { method, url: path, headers, body: Buffer.concat(chunks).toString() };
    seller.requests.push(request);
    const proof = proofIn(message);
    if (!proof) return demand(response, typeof ask === 'function' ? ask(request) : ask);
    seller.proofs.push(proof);
    const answer = answers[Math.min(seller.proofs.length, answers.length) - 1] ?? deliverGoods;
    answer(response, proof, request);
  });
  return { url, ...seller };
}

export interface Ledger {
  readonly url: string;
  readonly calls: string[];
  /** Status of the tokens; cancelling works while it is `reserved`. */
  status: string;
  /** Status with which authorize refuses. */
  refusal: number | undefined;
}

/** An API that issues payment tokens. */
export async function startLedger(clock: Clock): Promise<Ledger> {
  const ledger: Ledger = { url: '', calls: [], status: 'reserved', refusal: undefined };
  const json = (response: ServerResponse, status: number, body: object) =>
    response.writeHead(status).end(JSON.stringify(body));
  const refusal = (code: string) => ({
    error: { code, reason: code, message: 'No.', hint: 'Stop.', request_id: 'req_1' },
    code,
  });
  const url = await serve(async (message, response) => {
    let text = '';
    for await (const chunk of message) text += String(chunk);
    ledger.calls.push(`${message.method} ${message.url} ${text}`.trim());
    if (message.url?.endsWith('/authorize')) {
      if (ledger.refusal !== undefined) return void json(response, ledger.refusal, refusal('AP-1001'));
      return void json(response, 201, issue(clock, (JSON.parse(text) as { max_amount: number }).max_amount));
    }
    const state = { token_id: 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e', status: ledger.status };
    const token = {
      ...state,
      service_id: SERVICE,
      amount: 0.01,
      currency: 'USD',
      deadline: null,
      payment_id: null,
    };
    if (message.method === 'GET') return void json(response, 200, token);
    if (ledger.status !== 'reserved') return void json(response, 409, refusal('AP-1001'));
    return void json(response, 200, { ...state, status: 'cancelled', released_amount: 0.01 });
  });
  return Object.assign(ledger, { url });
}

function issue(clock: Clock, amount: number): object {
  const now = Math.floor(clock.now() / 1000);
  const id = 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e';
  const claims = {
    iss: 'x',
    aud: SERVICE,
    sub: WALLET,
    jti: id,
    amount: '10000',
    currency: 'USD',
    iat: now,
    exp: now + 300,
  };
  return {
    token: signPaymentToken(claims, paymentTokenKey('the secret of an API, thirty-two characters')),
    token_id: id,
    expires_at: `${new Date((now + 300) * 1000).toISOString().slice(0, 19)}Z`,
    service_id: SERVICE,
    reserved_amount: amount,
  };
}
