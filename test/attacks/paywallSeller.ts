import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { paymentOf } from './payment.js';

const servers = new Set<Server>();

/** Serves on a free port of loopback; gives the URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends every server of this file with its connections. */
export async function closeServers(): Promise<void> {
  const closed = [...servers].map((server) => new Promise((resolve) => server.close(resolve)));
  for (const server of servers) server.closeAllConnections();
  servers.clear();
  await Promise.all(closed);
}

export const dialects = ['x402v2', 'x402v1', 'mpp'] as const;
export type Dialect = (typeof dialects)[number];

/** Pays what the URL asks for: the headers to send with the request. */
export async function proofFor(
  account: PrivateKeyAccount,
  url: string,
  dialect: Dialect,
  init: RequestInit = {},
): Promise<Headers> {
  const offer = await fetch(url, init);
  const [name, value] = await proofOf(account, offer, dialect);
  const headers = new Headers(init.headers);
  headers.set(name, value);
  return headers;
}

/** Pays an offer: name and value of the header to send with the request. */
export async function proofOf(
  account: PrivateKeyAccount,
  offer: Response,
  dialect: Dialect,
): Promise<[name: string, value: string]> {
  if (dialect === 'mpp') {
    const challenge = mpp.readChallenges(offer.headers.get('www-authenticate') as string)[0] as mpp.Challenge;
    const { recipient, amount } = mpp.readEvmChargeRequest(challenge);
    const validBefore = BigInt(Math.floor(mpp.expiresAtMs(challenge) / 1000));
    const authorization = { nonce: mpp.challengeNonce(challenge), value: BigInt(amount), validBefore };
    const { paymentPayload } = await paymentOf(account, { payTo: recipient as Hex, authorization });
    const { signature, authorization: members } = paymentPayload.payload;
    return [
      'authorization',
      mpp.serializeCredential({ challenge, payload: { type: 'authorization', signature, ...members } }),
    ];
  }
  if (dialect === 'x402v1') {
    const accepted = x402v1.parsePaymentRequired(await offer.json()).accepts[0] as x402v1.PaymentRequirements;
    const { paymentPayload } = await paymentOf(account, { payTo: accepted.payTo as Hex, version: 1 });
    return ['x-payment', x402v1.encodePaymentPayload(paymentPayload as unknown as x402v1.PaymentPayload)];
  }
  const accepted = x402v2.decodePaymentRequired(offer.headers.get('payment-required') as string).accepts[0];
  const { paymentPayload } = await paymentOf(account, {
    payTo: accepted?.payTo as Hex,
    accepted: { ...accepted },
  });
  return [
    'payment-signature',
    x402v2.encodePaymentPayload(paymentPayload as unknown as x402v2.PaymentPayload),
  ];
}

export interface RawResponse {
  readonly status: number;
  /** Status line and header fields as they came. */
  readonly head: string;
  readonly body: string;
}

/** Sends exactly these lines and reads the response to its end. The status is NaN where the server hung up. */
export function sendRaw(
  url: string,
  requestLine: string | Buffer,
  lines: readonly string[] = [],
): Promise<RawResponse> {
  const { hostname, port, host } = new URL(url);
  const rest = [`Host: ${host}`, 'Connection: close', ...lines, '', ''].join('\r\n');
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that has heard enough closes while the rest is still on its way.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [head = '', ...body] = Buffer.concat(chunks).toString().split('\r\n\r\n');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body: body.join('\r\n\r\n') });
    });
    socket.write(Buffer.concat([Buffer.from(requestLine), Buffer.from(`\r\n${rest}`)]));
  });
}
