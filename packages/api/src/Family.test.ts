import { AgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone, Endpoint, familyAt, Family, renderError, runtime, snakeCase } from './index.js';

const ping = Endpoint.from({
  summary: 'Answers.',
  method: 'GET',
  path: '/ping',
  auth: anyOf('admin'),
  response: z.object({ ok: z.boolean() }),
  status: 200,
  example: { response: { ok: true } },
});
const home = Endpoint.page({ summary: 'Shows.', method: 'GET', path: '/home', auth: anyone });

const words = {
  codes: { rate_limited: 'TOO_MANY' },
  statuses: { insufficient_funds: 500 },
  hints: { rate_limited: 'Wait.' },
  field: snakeCase,
  body: (common: Parameters<typeof runtime.errors.body>[0]) => ({ ...common, success: false }),
};

describe('a family', () => {
  it('gives every endpoint its id', () => {
    const family = Family.from({
      id: 'other',
      paths: ['/other'],
      credentials: ['admin'],
      errors: words,
      nouns: { things: { ping, home } },
    });
    expect(family.nouns.things.ping.id).toBe('other.things.ping');
    expect(family.nouns.things.home).toMatchObject({ id: 'other.things.home', kind: 'page', status: 200 });
  });

  it('refuses an endpoint that asks for a credential it does not list', () => {
    const wrong = () =>
      Family.from({ id: 'x', paths: [], credentials: ['agent'], errors: words, nouns: { things: { ping } } });
    expect(wrong).toThrow(TypeError);
  });

  it('words errors its own way: code, status, hint, body', () => {
    const funds = renderError({ errors: words }, new AgentPayError('insufficient_funds', 'No.'), 'req_1');
    expect(funds).toMatchObject({ status: 500, body: { code: 'insufficient_funds', success: false } });
    const rate = renderError({ errors: words }, new AgentPayError('rate_limited', 'No.'), 'req_1');
    expect(rate).toMatchObject({ status: 429, body: { code: 'TOO_MANY', error: { hint: 'Wait.' } } });
  });

  it('answers for the paths that nobody else claims', () => {
    for (const path of ['/', '/v1/nothing', '//', '']) expect(familyAt(path).id).toBe('runtime');
  });

  it('answers for the longest prefix of whole segments', () => {
    const claim = (id: string, ...paths: string[]) => ({ ...runtime, id, paths });
    const all = [claim('root', '/'), claim('pay', '/v1/pay', '/v1/keys'), claim('more', '/v1/pay/more')];
    const answering = (path: string) => familyAt(path, all).id;
    expect(['/v1/pay', '/v1/pay/x', '/v1/keys/1'].map(answering)).toEqual(['pay', 'pay', 'pay']);
    expect(['/v1/pay/more', '/v1/pay/more/x'].map(answering)).toEqual(['more', 'more']);
    expect(['/', '/v1', '/v1/payments', '/v1/pay.x', '/V1/pay'].map(answering)).toEqual(
      Array(5).fill('root'),
    );
  });
});
