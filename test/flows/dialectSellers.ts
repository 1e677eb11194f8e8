import type { IncomingMessage, ServerResponse } from 'node:http';
import { radiusTestnet } from '@agentpay/primitives';
import {
  declareGasSponsoring,
  fromBase64,
  mpp,
  toBase64,
  x402v2,
  type ExactPermit2Payload,
  type Facilitator,
  type FacilitatorRequest,
} from '@agentpay/protocol';
import { network } from './purchaseCore.js';
import { clock } from './shiftedClock.js';

const { asset: sbc } = radiusTestnet;
export const SELLER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const OTHER_SELLER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
/** What sellers ask for, in base units: $0.01. */
export const PRICE = 10_000n;

export type Handle = (request: IncomingMessage & { body: string }, response: ServerResponse) => unknown;

/** `permit2`: x402 v2, for SBC on Radius. */
export type Dialect = 'x402v2' | 'x402v1' | 'mpp' | 'permit2';
export const dialects: readonly Dialect[] = ['x402v2', 'x402v1', 'mpp', 'permit2'];

/** One thing that a seller asks for. */
export interface Asked {
  readonly amount?: bigint | string;
  readonly payTo?: string;
  readonly asset?: string;
  readonly networkId?: string;
  readonly networkName?: string;
  readonly seconds?: number;
  readonly extra?: object;
}

export function offerV2(asked: Asked = {}) {
  const { amount = PRICE, payTo = SELLER, asset = network.asset.address } = asked;
  return {
    scheme: 'exact',
    network: asked.networkId ?? network.id,
    amount: String(amount),
    asset,
    payTo,
    maxTimeoutSeconds: asked.seconds ?? 60,
    extra: asked.extra ?? { ...network.asset.eip712 },
  };
}

/** An offer in SBC on Radius. */
export function offerSbc({ extra, ...asked }: Asked = {}) {
  return offerV2({
    networkId: radiusTestnet.id,
    asset: sbc.address,
    extra: extra ?? { ...sbc.eip712, assetTransferMethod: 'permit2' },
    ...asked,
  });
}

/** What the 402 of a seller in SBC says beside its offers: its facilitator pays the gas of permits. */
export const sponsoring = { extensions: declareGasSponsoring() };

export function offerV1(url: string, asked: Asked = {}) {
  const { amount, network: _id, ...rest } = offerV2(asked);
  return {
    ...rest,
    network: asked.networkName ?? network.name,
    maxAmountRequired: amount,
    resource: url,
    description: '',
    mimeType: 'application/json',
  };
}

const SECRET = 'secret-of-the-seller-0123456789-abcdef';
let challenges = 0;

export function challenge(asked: Asked = {}, changed: Partial<mpp.Challenge> = {}): mpp.Challenge {
  const { amount = PRICE, payTo = SELLER, asset = network.asset.address } = asked;
  const request = {
    amount: String(amount),
    currency: asset,
    recipient: payTo,
    methodDetails: { chainId: network.chainId, credentialTypes: ['authorization'], decimals: 6 },
  };
  const expires = new Date(clock.now() + (asked.seconds ?? 60) * 1000).toISOString();
  const bound = {
    realm: `seller-${++challenges}`,
    method: 'evm',
    intent: 'charge',
    request: Buffer.from(JSON.stringify(request)).toString('base64url'),
    expires,
    ...changed,
  };
  return { id: mpp.challengeId(bound, SECRET), ...bound };
}

/** Asks for payment in one dialect. */
export function ask(response: ServerResponse, dialect: Dialect, asked: Asked = {}, url = ''): void {
  if (dialect === 'x402v2') askV2(response, [offerV2(asked)]);
  else if (dialect === 'permit2') askV2(response, [offerSbc(asked)], sponsoring);
  else if (dialect === 'mpp')
    response.writeHead(402, { 'www-authenticate': mpp.serializeChallenge(challenge(asked)) }).end('{}');
  else {
    response.writeHead(402, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ x402Version: 1, error: 'pay', accepts: [offerV1(url, asked)] }));
  }
}

export function askV2(response: ServerResponse, accepts: readonly object[], more: object = {}): void {
  const required = {
    x402Version: 2,
    error: 'pay',
    resource: { url: 'http://seller/paid' },
    accepts,
    ...more,
  };
  response.writeHead(402, { 'payment-required': toBase64(required) }).end('{}');
}

/** The proof in a request; undefined when there is none. */
export function proofIn({ headers }: IncomingMessage): { dialect: Dialect; value: string } | undefined {
  const [v2, v1, credential] = [headers['payment-signature'], headers['x-payment'], headers.authorization];
  if (typeof v2 === 'string') return { dialect: 'x402v2', value: v2 };
  if (typeof v1 === 'string') return { dialect: 'x402v1', value: v1 };
  return credential?.startsWith('Payment ') ? { dialect: 'mpp', value: credential } : undefined;
}

/** What a facilitator is asked about a proof of any dialect. */
export function settlementOf({ dialect, value }: { dialect: Dialect; value: string }): FacilitatorRequest {
  const permit = permitIn({ dialect, value });
  if (permit) {
    const { permitted, witness } = permit.payload.permit2Authorization;
    const paymentRequirements = offerSbc({ amount: permitted.amount, payTo: witness.to });
    const paymentPayload = { ...permit, x402Version: 2, accepted: paymentRequirements };
    return { x402Version: 2, paymentPayload, paymentRequirements } as FacilitatorRequest;
  }
  const { authorization, signature } =
    dialect === 'mpp'
      ? splitMpp(mpp.readCredential(value).payload)
      : (fromBase64(value) as { payload: { authorization: Authorized; signature: string } }).payload;
  const accepted = offerV2({ amount: authorization.value, payTo: authorization.to });
  const payload = { signature, authorization };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload },
    paymentRequirements: accepted,
  } as FacilitatorRequest;
}

/** The payload and the extensions of a proof by Permit2; undefined for any other. */
export function permitIn({ dialect, value }: { dialect: Dialect; value: string }) {
  if (dialect === 'mpp') return undefined;
  const proof = fromBase64(value) as {
    payload: ExactPermit2Payload;
    extensions: Record<string, { info: Record<string, string> }>;
  };
  const { payload, extensions } = proof;
  return 'permit2Authorization' in payload ? { payload, extensions } : undefined;
}

interface Authorized {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly nonce: string;
  readonly validBefore: string;
}

function splitMpp(payload: Record<string, unknown>) {
  const { signature, type: _type, ...authorization } = payload;
  return { authorization: authorization as unknown as Authorized, signature: signature as string };
}

/** The authorization in a proof, as one by EIP-3009 has it. */
export function authorizationIn(proof: { dialect: Dialect; value: string }): Authorized {
  return authorizedIn(settlementOf(proof));
}

/** The same of what a facilitator is asked. */
export function authorizedIn({ paymentPayload: { payload } }: FacilitatorRequest): Authorized {
  if (!('permit2Authorization' in payload)) return payload['authorization'] as Authorized;
  const { from, permitted, nonce, deadline, witness } = payload[
    'permit2Authorization'
  ] as ExactPermit2Payload['permit2Authorization'];
  return { from, to: witness.to, value: permitted.amount, nonce, validBefore: String(BigInt(deadline) + 1n) };
}

/** Says that a payment was settled, in the words of the dialect. */
export function receiptHeaders(
  proof: { dialect: Dialect; value: string },
  transaction: string,
): Record<string, string> {
  if (proof.dialect === 'mpp') {
    const { id } = mpp.readCredential(proof.value).challenge;
    const receipt = { status: 'success', method: 'evm', timestamp: new Date(0).toISOString() } as const;
    return {
      'payment-receipt': mpp.serializeReceipt({ ...receipt, reference: transaction, challengeId: id }),
    };
  }
  const on = permitIn(proof) ? radiusTestnet : network;
  const settled = { success: true, transaction, network: on.id, payer: authorizationIn(proof).from };
  const name = proof.dialect === 'x402v2' ? 'payment-response' : 'x-payment-response';
  return { [name]: x402v2.encodeSettleResponse(settled) };
}

/** An honest seller: asks in one dialect, settles every proof once, and delivers once it is settled. */
export interface HonestSeller {
  readonly handle: Handle;
  /** Every proof that came, in order. */
  readonly proofs: { dialect: Dialect; value: string }[];
  delivered(): number;
}

export function honestSeller(facilitator: Facilitator, dialect: Dialect, asked: Asked = {}): HonestSeller {
  const proofs: { dialect: Dialect; value: string }[] = [];
  let delivered = 0;
  return {
    proofs,
    delivered: () => delivered,
    async handle(request, response) {
      const proof = proofIn(request);
      if (!proof) return ask(response, dialect, asked, 'http://seller/paid');
      proofs.push(proof);
      const settled = await facilitator.settle(settlementOf(proof)).catch(() => undefined);
      if (!settled?.success) return response.writeHead(503).end();
      delivered++;
      response.writeHead(200, {
        'content-type': 'application/json',
        ...receiptHeaders(proof, settled.transaction),
      });
      response.end(JSON.stringify({ weather: 'sunny', said: request.body }));
    },
  };
}
