import { createHmac, hash } from 'node:crypto';
import type { Clock, Random, Store } from '@agentpay/primitives';
import {
  bytesToHex,
  decodeSignIn,
  hashPersonalMessage,
  isSameText,
  sameHex,
  signInDeclaration,
  signInMessage,
  type SignIn,
} from '@agentpay/protocol';
import type { Report } from '../../seller/Report.js';
import { Refusal } from '../../paid/Payment.js';
import { storeAsker } from '../../paid/storeAsker.js';
import { recoverSigner } from './recoverSigner.js';

/** A request that can be bought once and asked for again. */
export interface Revisit {
  /** As the seller offers it; the same for every process. */
  readonly url: string;
  /** What was or is to be paid for: method, path, query and body. */
  readonly scope: string;
}

/** Lets payers ask again for what they have paid for, by a signed message instead of a payment. Kept in a shared {@link Store}. */
export interface SignIns {
  /** The extension in a 402: a message to sign, with a nonce that is good once, for some minutes, and for this URL. */
  offer(
    url: string,
    options: { readonly chains: readonly string[]; readonly statement: string | undefined },
  ): object;
  /**
   * Admits the signer of a message of ours who has paid.
   * @throws Refusal for a message that is not good and an account that has not paid, AgentPayError `payment_malformed`, `unavailable`
   */
  admit(header: string, revisit: Revisit): Promise<void>;
  /** Notes that an account has paid. `payer`: CAIP-10; payers without an address are left out. */
  remember(payer: string, scope: string, seconds: number): Promise<void>;
}

interface Context {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** The first signs, all are accepted. */
  readonly secrets: readonly [string, ...string[]];
}

/** How long a message may be signed and sent. */
const LIFE_MS = 5 * 60_000;
const RANDOM_BYTES = 8;
const MAC_DIGITS = 32;
const ACCOUNT = /^eip155:\d+:(0x[0-9a-f]{40})$/i;

export function signInsIn({ store, clock, random, report, secrets }: Context): SignIns {
  const asking = storeAsker(report, {
    fault: 'the store of sign-ins gives no response',
    message: 'Signing in is not possible at the moment.',
  });
  const isOwn = ({ nonce, issuedAt, uri }: SignIn) => {
    const salt = nonce.slice(0, 2 * RANDOM_BYTES);
    return secrets.some((secret) => isSameText(nonce, nonceOf(secret, salt, { issuedAt, uri })));
  };

  return {
    offer(url, { chains, statement }) {
      const now = clock.now();
      const issuedAt = new Date(now).toISOString();
      const expirationTime = new Date(now + LIFE_MS).toISOString();
      const salt = bytesToHex(random.bytes(RANDOM_BYTES)).slice(2);
      const nonce = nonceOf(secrets[0], salt, { issuedAt, uri: url });
      const resource = { domain: new URL(url).host, uri: url, resources: [url] };
      const info = {
        ...resource,
        version: '1',
        nonce,
        issuedAt,
        expirationTime,
        ...(statement !== undefined && { statement }),
      } as const;
      return signInDeclaration({ info, chains });
    },

    async admit(header, { url, scope }) {
      const signIn = decodeSignIn(header.trim());
      if (signIn.domain !== new URL(url).host)
        throw refused('domain_mismatch', 'The message is for another host.');
      if (signIn.uri !== url) throw refused('uri_mismatch', 'The message is for another URL.');
      if (!isOwn(signIn)) throw refused('nonce', 'The nonce was not issued here.');
      checkTimes(signIn, clock.now());
      const signer = recoverSigner(hashPersonalMessage(signInMessage(signIn)), signIn.signature);
      if (!signer || !sameHex(signer, signIn.address))
        throw refused('signature', 'The account did not sign this message.');
      if (!(await asking(store.get(paidKey(signer, scope)))))
        throw refused('not_paid', 'The account has not paid for this request.');
      const used = await asking(
        store.put(`siwx:nonce:${signIn.nonce}`, '', { expected: 0, ttlMs: 2 * LIFE_MS }),
      );
      if (used === undefined) throw refused('nonce', 'The message was used before.');
    },

    async remember(payer, scope, seconds) {
      const [, address] = ACCOUNT.exec(payer) ?? [];
      if (address === undefined) return;
      const key = paidKey(address, scope);
      const before = await store.get(key);
      // A concurrent write has the same content.
      await store.put(key, '', { expected: before?.version ?? 0, ttlMs: seconds * 1000 });
    },
  };
}

function checkTimes({ issuedAt, expirationTime, notBefore }: SignIn, now: number): void {
  if (now - Date.parse(issuedAt) > LIFE_MS) throw refused('issued_at_too_old', 'The message is too old.');
  if (expirationTime !== undefined && Date.parse(expirationTime) <= now)
    throw refused('expired', 'The message has expired.');
  if (notBefore !== undefined && Date.parse(notBefore) > now)
    throw refused('not_yet_valid', 'The message is not valid yet.');
}

/** Letters and digits that only the seller can make for this time and URL. */
function nonceOf(secret: string, salt: string, { issuedAt, uri }: Pick<SignIn, 'issuedAt' | 'uri'>): string {
  return (
    salt +
    createHmac('sha256', secret).update(`siwx|${salt}|${issuedAt}|${uri}`).digest('hex').slice(0, MAC_DIGITS)
  );
}

function paidKey(address: string, scope: string): string {
  return `siwx:paid:${address.toLowerCase()}:${hash('sha256', scope, 'base64url')}`;
}

function refused(reason: string, message: string): Refusal {
  return new Refusal(`invalid_siwx_${reason}`, message);
}
