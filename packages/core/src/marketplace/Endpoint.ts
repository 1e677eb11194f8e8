import { createHmac } from 'node:crypto';
import { parsePrice, type Amount } from '@agentpay/primitives';
import { z } from 'zod';

/** Where the host of a service's address says which services it sells. */
export const VERIFICATION_PATH = '/.well-known/agentpay-verification';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MAX_DEPTH = 6;

/** What the address of a service said when it was asked. Undefined: nothing that tells. */
export interface EndpointResponse {
  readonly sells: boolean | undefined;
  /** What it asks for a call, in micro-units. */
  readonly price: Amount | undefined;
}

/** The text that the host of a service's address serves to show that it knows of the service. No secret. */
export function verificationText(serviceId: string, pepper: string): string {
  const digest = createHmac('sha256', pepper).update(`endpoint of ${serviceId}`).digest('hex');
  return `agentpay-${digest.slice(0, 40)}`;
}

/** When an address is looked at again: a proven one daily, another after as long as the service has been there. */
export function nextLook(createdAt: Date, proven: boolean, nowMs: number): Date {
  const age = nowMs - createdAt.getTime();
  return new Date(nowMs + (proven ? DAY_MS : Math.min(DAY_MS, Math.max(MINUTE_MS, age))));
}

/** Whether a verification file names the text, on a line of its own. */
export function isNamed(file: string, text: string): boolean {
  return file.split(/\r?\n/).some((line) => line.trim() === text);
}

const tokenOffer = z.object({ service_id: z.string(), price: z.string().optional() });
const x402Offer = z.object({
  amount: z.string().optional(),
  maxAmountRequired: z.string().optional(),
});

/**
 * Reads a 402: whether it offers payment by tokens of this service, and its price: that of the token, else of the first offer of
 * x402, whose stablecoins have six decimals.
 */
export function readOffer(
  texts: readonly string[],
  serviceId: string,
): { named: boolean; price: Amount | undefined } {
  const objects = texts.flatMap((text) => objectsIn(parsed(text), 0));
  const own = objects.flatMap((object) => tokenOffer.safeParse(object).data ?? []);
  const named = own.find((offer) => offer.service_id === serviceId);
  if (named) return { named: true, price: named.price === undefined ? undefined : amountOf(named.price) };
  const digits = objects
    .map((object) => x402Offer.safeParse(object).data)
    .map((offer) => offer?.maxAmountRequired ?? offer?.amount)
    .find((text) => text !== undefined && /^\d{1,15}$/.test(text));
  return { named: false, price: digits === undefined ? undefined : BigInt(digits) };
}

function amountOf(text: string): Amount | undefined {
  try {
    return parsePrice(text);
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Every object in a value, the outer ones first. */
function objectsIn(value: unknown, depth: number): object[] {
  if (value === null || typeof value !== 'object' || depth > MAX_DEPTH) return [];
  const inner = Object.values(value).flatMap((member) => objectsIn(member, depth + 1));
  return Array.isArray(value) ? inner : [value, ...inner];
}
