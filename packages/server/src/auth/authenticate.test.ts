import { credentialRow, credentials, type Auth } from '@agentpay/api';
import { createCore, identity, migrations, parties, type Core, type PartyKind } from '@agentpay/core';
import { manualClock, newId, systemRandom } from '@agentpay/primitives';
import { pgDb, scratchDb } from '@agentpay/storage';
import type { Request } from 'express';
import { accessTokens } from '../accessTokens.js';
import { authenticator } from './authenticate.js';
import { csrfTokenOf } from './csrf.js';

const ADMIN_KEY = 'operator-key-for-the-tests-0123456789';
const stored: readonly [Auth, identity.StoredCredentialKind][] = [
  ['agent', 'runtime'],
  ['agent', 'secret'],
  ['apiKey', 'apiKey'],
  ['agentKey', 'agentKey'],
  ['gateway', 'gateway'],
  ['developer', 'developer'],
  ['session', 'session'],
];

let core: Core;
const secrets = new Map<identity.StoredCredentialKind, string>();
let close: () => Promise<void>;

beforeAll(async () => {
  const scratch = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  const db = await pgDb({ url: scratch.url });
  close = async () => {
    await db.close();
    await scratch.close();
  };
  const clock = manualClock(Date.UTC(2026, 4, 8));
  core = createCore({
    db,
    clock,
    random: systemRandom,
    ports: { accessTokens: accessTokens(['secret-of-the-test-secret-of-the-test'], clock) } as never,
    settings: {
      identity: { pepper: 'pepper-of-the-test-pepper-of-the-test', adminKeys: [ADMIN_KEY] },
    } as never,
  });
  for (const [auth, kind] of stored) {
    const party = { id: newId('credential', core), kind: credentials[auth].party as PartyKind };
    await db.tx((tx) => parties.create(tx, party));
    secrets.set(kind, (await db.tx((tx) => identity.issue(core, tx, { party, kind }))).secret);
  }
});

afterAll(() => close());

function request(headers: Record<string, string>, method = 'GET'): Request {
  return { method, get: (name: string) => headers[name.toLowerCase()] } as unknown as Request;
}

function present(kind: Auth, secret: string): Record<string, string> {
  const { header, scheme, cookie } = credentialRow(kind);
  if (cookie !== undefined) return { [header]: `other=1; ${cookie}=${secret}; ${cookie}2=x` };
  return { [header]: scheme === undefined ? secret : `${scheme} ${secret}` };
}

const ask = (kinds: readonly Auth[], ...rest: Parameters<typeof request>) =>
  authenticator(core)(kinds, request(...rest));
const refused = { kind: 'unauthorized' };

describe('credentials', () => {
  it.each(stored)('%s: a %s secret in its header speaks for its party', async (auth, kind) => {
    const principal = await ask([auth], present(auth, secrets.get(kind) as string));
    expect(principal?.party.kind).toBe(credentials[auth].party);
  });

  it('the admin key speaks for the platform', async () => {
    expect(await ask(['admin'], present('admin', ADMIN_KEY))).toMatchObject({ party: { kind: 'platform' } });
  });

  it.each(stored)('%s: a %s secret in any other header is no key', async (auth, kind) => {
    for (const other of Object.keys(credentials) as Auth[]) {
      if (other === auth) continue;
      await expect(ask([other], present(other, secrets.get(kind) as string))).rejects.toMatchObject(refused);
    }
  });

  it('of several kinds the first that is presented decides, also when another would do', async () => {
    const gateway = present('gateway', secrets.get('gateway') as string);
    const developer = present('developer', secrets.get('developer') as string);
    const both = { ...gateway, ...developer };
    expect((await ask(['developer', 'gateway'], both))?.party.kind).toBe('developer');
    expect((await ask(['developer', 'gateway'], gateway))?.party.kind).toBe('gateway');
    const wrong = { ...gateway, 'x-developer-key': 'dev_live_0' };
    await expect(ask(['developer', 'gateway'], wrong)).rejects.toMatchObject(refused);
  });

  it('an endpoint for anyone asks for none and knows nobody', async () => {
    expect(await ask([], present('admin', ADMIN_KEY))).toBeUndefined();
  });
});

describe('a session of a browser', () => {
  const cookie = () => present('session', secrets.get('session') as string);
  const token = () => csrfTokenOf(secrets.get('session') as string);

  it('of a browser reads without a CSRF token and writes with its own only', async () => {
    expect((await ask(['session'], cookie(), 'GET'))?.party.kind).toBe('user');
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const write = (headers: Record<string, string>) =>
        ask(['session'], { ...cookie(), ...headers }, method);
      expect((await write({ 'x-csrf-token': token() }))?.party.kind).toBe('user');
      for (const browser of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-origin' }])
        await expect(write(browser)).rejects.toMatchObject({
          kind: 'forbidden',
          reason: 'csrf_token_missing',
        });
      expect((await write({}))?.party.kind).toBe('user');
      for (const wrong of ['', 'x', csrfTokenOf('ses_other'), `${token()}0`]) {
        await expect(write({ 'x-csrf-token': wrong })).rejects.toMatchObject({
          kind: 'forbidden',
          reason: 'csrf_token_wrong',
        });
      }
    }
  });
});
