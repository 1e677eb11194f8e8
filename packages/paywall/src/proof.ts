import { AgentPayError } from '@agentpay/primitives';
import { mpp, PAYMENT_TOKEN_FIELD, X_PAYMENT_TOKEN, x402v1, x402v2 } from '@agentpay/protocol';
import type { Exchange } from './Exchange.js';
import type { Payment } from './Payment.js';
import { mppPayment } from './rails/mpp.js';
import { tokenPayment } from './rails/token.js';
import { x402v1Payment, x402v2Payment } from './rails/x402.js';
import { hasBody, jsonObject } from './RequestBody.js';

type Reader = (exchange: Exchange, text: string) => Payment | Promise<Payment>;

/** A payment proof as it came. */
export interface Proof {
  readonly text: string;
  /** Checks the proof against the quote. */
  readonly read: Reader;
}

/** Whether a request may carry a proof: only then is it worth looking closer. */
export function mayCarryProof({ req, settings, quote }: Exchange): boolean {
  const { headers } = req;
  return (
    headers['payment-signature'] !== undefined ||
    headers['x-payment'] !== undefined ||
    headers[settings.authorizationHeader === mpp.AUTHORIZATION ? 'authorization' : 'payment-authorization'] !== undefined ||
    (quote.token !== undefined && (headers['x-payment-token'] !== undefined || hasBody(req)))
  );
}

/** The proof a request carries, if any. @throws AgentPayError `payment_ambiguous` when there are several */
export async function findProof(exchange: Exchange): Promise<Proof | undefined> {
  const { settings, quote } = exchange;
  const found: Proof[] = [];
  const look = (header: string, read: Reader, fits: (text: string) => boolean = () => true) => {
    const text = headerOf(exchange, header);
    if (text !== undefined && fits(text)) found.push({ text, read });
  };
  look(x402v2.PAYMENT_SIGNATURE, x402v2Payment);
  look(x402v1.X_PAYMENT, x402v1Payment);
  look(settings.authorizationHeader, mppPayment, mpp.hasCredential);
  if (quote.token) {
    look(X_PAYMENT_TOKEN, tokenPayment);
    const text = await tokenInBody(exchange);
    if (text !== undefined && !found.some((proof) => proof.text === text)) found.push({ text, read: tokenPayment });
  }
  if (found.length > 1) throw new AgentPayError('payment_ambiguous', 'The request carries several payment proofs.');
  return found[0];
}

function headerOf({ req }: Exchange, name: string): string | undefined {
  const values = req.headersDistinct[name.toLowerCase()];
  // Several Authorization lines are one list, in which other schemes may stand beside the credential.
  if (name === mpp.AUTHORIZATION) return values?.join(', ');
  if (values && values.length > 1) throw new AgentPayError('payment_ambiguous', `The request repeats the header ${name}.`);
  return values?.[0];
}

async function tokenInBody(exchange: Exchange): Promise<string | undefined> {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(exchange.req.headers['content-type'] ?? '')) return undefined;
  const text = jsonObject(await exchange.body())?.[PAYMENT_TOKEN_FIELD];
  return typeof text === 'string' ? text : undefined;
}
