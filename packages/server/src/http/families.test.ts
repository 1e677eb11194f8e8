import { anyOf, anyone, Endpoint, Family, snakeCase } from '@agentpay/api';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { AgentPayError, manualClock, systemRandom, type RateLimiter } from '@agentpay/primitives';
import express from 'express';
import { z } from 'zod';
import { createLogger, requestIds } from '@agentpay/http';
import { renderErrors } from './errors.js';
import { implement, routesOf } from './implement.js';
import { mount } from './mount.js';
import { rateLimit } from './rateLimit.js';
import { untraced } from '../operations/traced.js';

const shown = z.object({ shown: z.string() });
const json = {
  method: 'GET',
  auth: anyone,
  response: shown,
  status: 200,
  example: { response: {} },
} as const;
const errors = {
  codes: { not_found: 'NO_SUCH_THING', rate_limited: 'SLOW_DOWN' },
  statuses: { insufficient_funds: 500 },
  hints: {},
  field: snakeCase,
  body: (common: object) => ({ success: false, ...common }) as never,
};
const family = Family.from({
  id: 'shop',
  paths: ['/shop'],
  credentials: ['admin'],
  errors,
  nouns: {
    things: {
      get: Endpoint.from({
        ...json,
        summary: 'Reads.',
        path: '/shop/{id}',
        params: z.object({ id: z.string() }),
      }),
      latest: Endpoint.from({
        ...json,
        summary: 'The last.',
        path: '/shop/latest',
        deprecated: { since: '2026-05-08', instead: 'Use things.get.' },
      }),
      poor: Endpoint.from({
        ...json,
        summary: 'Fails.',
        path: '/shop/poor/now',
        errors: ['insufficient_funds'],
      }),
      closed: Endpoint.from({ ...json, summary: 'Closed.', path: '/shop/closed/now', auth: anyOf('admin') }),
      page: Endpoint.page({ summary: 'A page.', method: 'GET', path: '/shop/page/plain', auth: anyone }),
      either: Endpoint.page({
        summary: 'A page for people, its text for programs.',
        method: 'GET',
        path: '/shop/page/either',
        auth: anyone,
        htmlInJson: true,
      }),
      away: Endpoint.redirect({
        summary: 'Goes away.',
        method: 'GET',
        path: '/shop/page/away',
        auth: anyone,
      }),
      text: Endpoint.text({
        summary: 'Text.',
        method: 'GET',
        path: '/shop/page/text',
        auth: anyone,
        contentType: 'text/plain; version=0.0.4',
      }),
    },
  },
});

const html = '<!doctype html><p>Hello</p>';
const things = implement(family.nouns.things, () => ({
  get: async ({ params }) => ({ shown: params.id }),
  latest: async () => ({ shown: 'the last' }),
  poor: async () => Promise.reject(new AgentPayError('insufficient_funds', 'No money.')),
  closed: async () => ({ shown: 'closed' }),
  page: async () => ({ html }),
  either: async () => ({ html }),
  away: async () => ({ location: 'https://elsewhere.example/' }),
  text: async () => ({ text: 'up 1\n' }),
}));

/** The shop as an application; `authenticated` is what its requests present. */
function shop({ allowed = true, authenticated = true } = {}) {
  const clock = manualClock(0);
  const say = async () => ({ allowed, limit: 1, remaining: 0, retryAfterMs: 900, resetMs: 0 });
  const limiter: RateLimiter = { take: say, look: say };
  const limit = rateLimit({ limiter, rates: { perMinute: 1, burst: 1 }, clock, trustProxyHops: 0 });
  const log = createLogger('silent');
  const app = express();
  app.use(requestIds({ clock, random: systemRandom }));
  mount(app, routesOf(family, things, {} as never), {
    authenticate: async () => {
      if (authenticated) return undefined;
      throw new AgentPayError('unauthorized', 'No key.');
    },
    audited: () => Promise.reject(new Error('not asked')),
    noteRefusal: async () => undefined,
    proved: () => undefined,
    once: () => Promise.reject(new Error('not asked')),
    note: () => undefined,
    limit,
    clock,
    random: systemRandom,
    log,
    secureCookies: () => false,
    handlerTimeoutMs: 30_000,
    traced: untraced,
  });
  app.use(renderErrors({ log, limit }));
  return async (path: string, { method = 'GET', accept = '*/*' } = {}) => {
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const headers = { accept, connection: 'close' };
    const response = await fetch(url, { method, headers, redirect: 'manual' });
    const text = await response.text();
    server.close();
    const json = response.headers.get('content-type')?.includes('json') ?? false;
    const body = (json ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.status, header: (name: string) => response.headers.get(name), text, body };
  };
}

describe('a mounted family', () => {
  it('serves literal paths before parameters', async () => {
    expect((await shop()('/shop/latest')).body).toEqual({ shown: 'the last' });
    expect((await shop()('/shop/other')).body).toEqual({ shown: 'other' });
  });

  it('words its errors: code, status and body, also of 401, 405 and 429', async () => {
    const poor = await shop()('/shop/poor/now');
    expect(poor).toMatchObject({ status: 500, body: { success: false, code: 'insufficient_funds' } });
    const limited = await shop({ allowed: false })('/shop/latest');
    expect(limited).toMatchObject({ status: 429, body: { success: false, code: 'SLOW_DOWN' } });
    expect(limited.header('retry-after')).toBe('1');
    const method = await shop()('/shop/latest', { method: 'POST' });
    expect(method).toMatchObject({ status: 405, body: { success: false, code: 'method_not_allowed' } });
    expect(method.header('allow')).toBe('GET, HEAD, OPTIONS');
    const closed = await shop({ authenticated: false })('/shop/closed/now');
    expect(closed).toMatchObject({ status: 401, body: { success: false, code: 'unauthorized' } });
    expect(closed.header('www-authenticate')).toBeNull();
  });

  it('says since when an endpoint is deprecated', async () => {
    expect((await shop()('/shop/latest')).header('deprecation')).toBe('@1778198400');
    expect((await shop()('/shop/other')).header('deprecation')).toBeNull();
  });
});

describe('kinds of endpoint', () => {
  it('a page is HTML whatever is accepted', async () => {
    const { header, text } = await shop()('/shop/page/plain', { accept: 'application/json' });
    expect([header('content-type'), text]).toEqual(['text/html; charset=utf-8', html]);
  });

  it.each([
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/json, text/html', 'json'],
    ['text/html;q=0.9, application/json', 'json'],
    ['text/html', 'html'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['image/png', 'json'],
  ])('a page that is JSON for programs answers Accept: %s with %s', async (accept, form) => {
    const { header, body, text } = await shop()('/shop/page/either', { accept });
    expect(header('content-type')).toContain(form);
    expect(header('vary')).toContain('Accept');
    expect(form === 'json' ? body['html'] : text).toBe(html);
  });

  it('a redirect says where to', async () => {
    const { status, header } = await shop()('/shop/page/away');
    expect([status, header('location')]).toEqual([302, 'https://elsewhere.example/']);
  });

  it('text has its content type', async () => {
    const { header, text } = await shop()('/shop/page/text');
    expect([header('content-type'), text]).toEqual(['text/plain; version=0.0.4', 'up 1\n']);
  });
});
