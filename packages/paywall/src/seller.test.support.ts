import { randomBytes } from 'node:crypto';
import { createServer, request, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { baseSepolia, systemClock, unixSeconds, type Clock } from '@agentpay/primitives';
import {
  bytesToHex,
  mpp,
  x402v1,
  x402v2,
  type Facilitator,
  type FacilitatorRequest,
} from '@agentpay/protocol';

export const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const SIGNATURE = `0x${'ab'.repeat(65)}` as const;
export const HASH = `0x${'cd'.repeat(32)}` as const;

/** A facilitator that moves imaginary money once per nonce; `verify` and `settle` can be replaced to fail. */
export interface FakeFacilitator extends Facilitator {
  /** Nonces whose money has moved. */
  readonly moved: string[];
  readonly calls: { verify: number; settle: number };
}

export function fakeFacilitator(faults: Partial<Facilitator> = {}): FakeFacilitator {
  const moved: string[] = [];
  const calls = { verify: 0, settle: 0 };
  const honest: Facilitator = {
    async verify(asked) {
      const used = moved.includes(nonceOf(asked));
      return used
        ? { isValid: false, invalidReason: 'invalid_exact_evm_nonce_already_used' }
        : { isValid: true, payer: PAYER, balance: '1000000000000' };
    },
    async settle(asked) {
      if (!moved.includes(nonceOf(asked))) moved.push(nonceOf(asked));
      return { success: true, transaction: HASH, network: asked.paymentRequirements.network, payer: PAYER };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
  const used = { ...honest, ...faults };
  return {
    ...used,
    verify(asked) {
      calls.verify++;
      return used.verify(asked);
    },
    settle(asked) {
      calls.settle++;
      return used.settle(asked);
    },
    moved,
    calls,
  };
}

export function nonceOf(asked: FacilitatorRequest): string {
  const { authorization, permit2Authorization } = asked.paymentPayload.payload;
  return ((authorization ?? permit2Authorization) as { nonce: string }).nonce;
}

/** A clock that runs with the machine's, `offset` ms ahead. */
export function shiftedClock(): Clock & { offset: number } {
  return {
    offset: 0,
    now() {
      return systemClock.now() + this.offset;
    },
    timer: systemClock.timer,
  };
}

/** Pauses between attempts, of half a minute at most, need not be waited for. What a handler may take is as long as ever. */
export const hasty: Clock = {
  now: systemClock.now,
  timer: (ms, fn, options) => systemClock.timer(ms <= 30_000 ? ms / 50 : ms, fn, options),
};

/** A running server; `close` ends it with all its connections. */
export interface Seller {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function listen(listener: RequestListener): Promise<Seller> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary JSON
  json(): any;
}

/** Sends a request with exactly this target, which fetch would normalise. */
export function send(
  seller: Seller,
  target: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const length =
      body === undefined || headers['transfer-encoding']
        ? {}
        : { 'content-length': String(Buffer.byteLength(body)) };
    const to = {
      host: '127.0.0.1',
      port: seller.port,
      path: target,
      method,
      headers: { ...length, ...headers },
      agent: false,
    };
    const outgoing = request(to, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: () => JSON.parse(text),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What a 402 accepts in x402 v2, without the name that is another one in each 402. */
export function acceptsIn(offer: Reply): x402v2.PaymentRequirements[] {
  const { accepts } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
  return accepts.map(({ extra: { [x402v2.OFFER]: name, ...extra } = {}, ...terms }) => {
    if (!/^[\w-]{24}$/.test(String(name))) throw new Error(`An offer has the name ${String(name)}.`);
    return { ...terms, extra };
  });
}

export type Dialect = 'x402v2' | 'x402v1' | 'mpp';
export const DIALECTS: readonly Dialect[] = ['x402v2', 'x402v1', 'mpp'];

interface AuthorizationChanges {
  to?: string;
  value?: string;
  validAfter?: string;
  validBefore?: string;
  nonce?: string;
}

function authorize(value: string, changes: AuthorizationChanges) {
  return {
    from: PAYER,
    to: PAY_TO,
    value,
    validAfter: '0',
    validBefore: String(unixSeconds(systemClock) + 300),
    nonce: bytesToHex(randomBytes(32)),
    ...changes,
  };
}

/** Pays an offer, the `choice`-th of those made: the headers to send the request again with. */
export function pay(
  offer: Reply,
  dialect: Dialect,
  changes: AuthorizationChanges = {},
  choice = 0,
): Record<string, string> {
  switch (dialect) {
    case 'x402v2': {
      const { accepts } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
      const accepted = accepts[choice] as x402v2.PaymentRequirements;
      const authorization = authorize(accepted.amount, { to: accepted.payTo, ...changes });
      const payload = { signature: SIGNATURE, authorization };
      return { 'payment-signature': x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload }) };
    }
    case 'x402v1': {
      const accepted = x402v1.parsePaymentRequired(offer.json()).accepts[
        choice
      ] as x402v1.PaymentRequirements;
      const payload = {
        signature: SIGNATURE,
        authorization: authorize(accepted.maxAmountRequired, { to: accepted.payTo, ...changes }),
      };
      return {
        'x-payment': x402v1.encodePaymentPayload({
          x402Version: 1,
          scheme: 'exact',
          network: accepted.network,
          payload,
        }),
      };
    }
    case 'mpp': {
      const challenge = mpp.readChallenges(offer.headers['www-authenticate'] as string)[
        choice
      ] as mpp.Challenge;
      const validBefore = String(Math.floor(mpp.expiresAtMs(challenge) / 1000));
      const { amount, recipient } = mpp.readEvmChargeRequest(challenge);
      const authorization = authorize(amount, {
        validBefore,
        nonce: mpp.challengeNonce(challenge),
        to: recipient,
        ...changes,
      });
      const credential = {
        challenge,
        payload: { type: 'authorization', signature: SIGNATURE, ...authorization },
      };
      return { [(challenge.header ?? 'authorization').toLowerCase()]: mpp.serializeCredential(credential) };
    }
  }
}

/** The settlement that a paid response's receipt names. */
export function receiptOf(reply: Reply, dialect: Dialect): string {
  switch (dialect) {
    case 'x402v2':
      return x402v2.decodeSettleResponse(reply.headers['payment-response'] as string).transaction;
    case 'x402v1':
      return x402v1.decodeSettleResponse(reply.headers['x-payment-response'] as string).transaction;
    case 'mpp':
      return mpp.readReceipt(reply.headers['payment-receipt'] as string).reference;
  }
}

export const NETWORK = baseSepolia;
