import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { runtime } from '@agentpay/api';
import { createLogger, requestIds } from '@agentpay/http';
import { AgentPayError, manualClock, systemRandom, type RateLimiter } from '@agentpay/primitives';
import express from 'express';
import { renderErrors } from './errors.js';
import type { EndpointRoute } from './implement.js';
import { mount } from './mount.js';
import { rateLimit } from './rateLimit.js';
import { untraced } from '../operations/traced.js';

const pass = async () => ({ allowed: true, limit: 1, remaining: 1, retryAfterMs: 0, resetMs: 0 });
const unlimited: RateLimiter = { take: pass, look: pass };

/** An application with one endpoint that does what the test says. */
function appWith(handle: EndpointRoute['handle']) {
  return appOf([{ family: runtime, endpoint: create, handle, within: () => handle }]);
}

const { create } = runtime.nouns.agents;

function appOf(routes: readonly EndpointRoute[]) {
  const clock = manualClock(0);
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  const log = createLogger('info', sink);
  const limit = rateLimit({
    limiter: unlimited,
    rates: { perMinute: 1, burst: 1 },
    clock,
    trustProxyHops: 0,
  });
  const app = express();
  app.use(requestIds({ clock, random: systemRandom }));
  const authenticate = async () => undefined;
  mount(app, routes, {
    audited: () => Promise.reject(new Error('not asked')),
    noteRefusal: async () => undefined,
    proved: () => undefined,
    once: () => Promise.reject(new Error('not asked')),
    authenticate,
    note: () => undefined,
    limit,
    clock,
    random: systemRandom,
    log,
    secureCookies: () => false,
    handlerTimeoutMs: 30_000,
    traced: untraced,
  });
  app.use(() => {
    throw new AgentPayError('not_found', 'Nothing.');
  });
  app.use(renderErrors({ log, limit }));
  async function post(path = '/v1/agents', method = 'POST') {
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const headers = { 'content-type': 'application/json', connection: 'close' };
    const body = method === 'POST' ? '{"name":"A"}' : null;
    const response = await fetch(url, { method, headers, body });
    const text = await response.text();
    server.close();
    return {
      status: response.status,
      text,
      body: JSON.parse(text) as { id?: string; code?: string; error?: { request_id: string } },
    };
  }
  return { post, clock, lines };
}

describe('mount', () => {
  it('writes declared fields only, with the documented status', async () => {
    const response = { id: 'a', api_key: 'b', wallet_id: 'c', secret_key: 'd', hash: 'must not leave' };
    const { post } = appWith(async () => response);
    const { status, body } = await post();
    expect(status).toBe(201);
    expect(body).toEqual({ id: 'a', api_key: 'b', wallet_id: 'c', secret_key: 'd' });
  });

  it('hides what an unexpected exception says, and logs it with the request id', async () => {
    const { post, lines } = appWith(() => Promise.reject(new Error('password=hunter2 at db.js:10')));
    const { status, body, text } = await post();
    expect([status, body.code]).toEqual([500, 'internal_error']);
    expect(text).not.toContain('hunter2');
    expect(lines.join('')).toContain(body.error?.request_id);
    expect(lines.join('')).toContain('hunter2');
  });

  it('hides also the words of an internal error of its own', async () => {
    const { post } = appWith(() =>
      Promise.reject(new AgentPayError('internal_error', 'Hold hold_1 is not open.')),
    );
    const { status, text } = await post();
    expect(status).toBe(500);
    expect(text).not.toContain('hold_1');
  });

  it('tells that the outcome is unknown when a handler takes too long', async () => {
    const { post, clock } = appWith(() => {
      queueMicrotask(() => clock.advance(30_000));
      return new Promise(() => {});
    });
    const { status, body } = await post();
    expect([status, body.code]).toEqual([504, 'outcome_unknown']);
  });

  it('reports an error that the endpoint does not document', async () => {
    const { post, lines } = appWith(() => Promise.reject(new AgentPayError('token_expired', 'Late.')));
    expect((await post()).status).toBe(410);
    expect(lines.join('')).toContain('undocumented error');
  });
});

describe('the route of a path', () => {
  const paths = [
    '/',
    '/orgs/{org_id}',
    '/orgs/{org_id}/members',
    '/orgs/invitations',
    '/orgs/invitations/accept',
    '/invoices/{id}',
    '/invoices/{id}.pdf',
  ];
  const { post } = appOf(
    paths.map((path) => {
      const handle = async () => ({ id: path, api_key: 'b', wallet_id: 'c', secret_key: 'd' });
      return { family: runtime, endpoint: { ...create, path }, handle, within: () => handle };
    }),
  );

  it.each([
    ['/', '/'],
    ['/orgs/org_1', '/orgs/{org_id}'],
    ['/orgs/%69nvitations', '/orgs/{org_id}'],
    ['/orgs/:org_id', '/orgs/{org_id}'],
    ['/orgs/invitations', '/orgs/invitations'],
    ['/ORGS/Invitations/', '/orgs/invitations'],
    ['/orgs/invitations?after=/orgs/x', '/orgs/invitations'],
    ['/orgs/invitations/accept', '/orgs/invitations/accept'],
    ['/orgs/invitations/members', '/orgs/{org_id}/members'],
    ['/invoices/inv_1', '/invoices/{id}'],
    ['/invoices/inv_1.pdf', '/invoices/{id}.pdf'],
  ])('%s is that of %s', async (path, expected) => {
    const { status, body } = await post(path);
    expect([status, body.id]).toEqual([201, expected]);
  });

  it.each(['/orgs', '/orgs/invitations/other', '/orgs/a/b/c', '//orgs/invitations', '/other'])(
    'there is none for %s',
    async (path) => expect((await post(path)).status).toBe(404),
  );

  it.each(['/orgs/invitations', '/orgs/org_1', '/orgs/invitations/members'])(
    'another method of %s is not allowed',
    async (path) => expect((await post(path, 'DELETE')).status).toBe(405),
  );
});
