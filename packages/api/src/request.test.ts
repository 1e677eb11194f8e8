import { isAgentPayError, type AgentPayError } from '@agentpay/primitives';
import { agreements, decodeRequest, runtime, type Endpoint } from './index.js';

const { agents, services, tokens, wallets } = runtime.nouns;
const WALLET = { wallet_id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b' };

function refusal(
  endpoint: Endpoint,
  wire: { params?: unknown; query?: unknown; body?: unknown },
): AgentPayError {
  try {
    decodeRequest(endpoint, { params: {}, query: {}, body: {}, ...wire });
  } catch (error) {
    if (isAgentPayError(error)) return error;
    throw error;
  }
  throw new Error('The request was accepted.');
}

function fund(amount: unknown): bigint {
  return decodeRequest(wallets.fund, { params: WALLET, query: {}, body: { amount, source: 'test_faucet' } })
    .body.amount;
}

describe('amounts on the wire', () => {
  it.each([
    [100, 100_000_000n],
    [0.005, 5_000n],
    [0.000001, 1n],
    ['100.50', 100_500_000n],
    ['0.02', 20_000n],
    [1_000_000_000, 10n ** 15n],
  ])('reads %p as %p', (wire, micro) => expect(fund(wire)).toBe(micro));

  it.each([0, -1, 1e-7, 1e21, 0.1 + 0.2, '1e3', ' 1', '+1', '01', '', '0x10', '1,5', 'NaN', 1_000_000_000.1])(
    'refuses %p as invalid_amount and names the field',
    (wire) => {
      const error = refusal(wallets.fund, { params: WALLET, body: { amount: wire, source: 'test_faucet' } });
      expect([error.kind, error.param]).toEqual(['invalid_amount', 'amount']);
    },
  );

  it.each([null, true, [], {}, [5]])('refuses %p as invalid_request', (wire) => {
    const error = refusal(wallets.fund, { params: WALLET, body: { amount: wire, source: 'test_faucet' } });
    expect([error.kind, error.param]).toEqual(['invalid_request', 'amount']);
  });
});

describe('decodeRequest', () => {
  it('drops unknown fields', () => {
    const wire = {
      params: {},
      query: { admin: 'true' },
      body: { name: 'A', role: 'admin', ['__proto__']: { x: 1 } },
    };
    expect(decodeRequest(agents.create, wire)).toEqual({ params: {}, query: {}, body: { name: 'A' } });
  });

  it('names a missing field', () => {
    const error = refusal(agents.create, {});
    expect(error.message).toBe('Field "name": is required.');
    expect(error.param).toBe('name');
  });

  it('names a nested field by its dotted path', () => {
    const body = { name: 'A', price_per_call: 1, sla: { max_completion_seconds: 0 } };
    expect(refusal(services.create, { body }).param).toBe('sla.max_completion_seconds');
  });

  it.each([[[]], ['text'], [null], [5]])('refuses the body %p', (body) => {
    const { kind, message } = refusal(agents.create, { body });
    expect([kind, message]).toEqual(['invalid_request', 'The body: must be an object.']);
  });

  it.each([0, -1, 1.5, 1_000_000_001, '1', 1e300])('says which numbers %p should be one of', (units) => {
    const params = { agreement_id: 'ua_01kb3x9v7f5m2q8r4t6w0y1z3b' };
    expect(refusal(agreements.nouns.agreements.recordUsage, { params, body: { units } }).message).toBe(
      'Field "units": must be a whole number from 1 to 1000000000.',
    );
  });

  it.each([
    [0, 'at least 1'],
    ['soon', 'a number'],
    [1e9, 'at most 86400'],
  ])('says in words what %p should be', (seconds, said) => {
    const body = { name: 'A', price_per_call: 1, sla: { max_completion_seconds: seconds } };
    expect(refusal(services.create, { body }).message).toBe(
      `Field "sla.max_completion_seconds": must be ${said}.`,
    );
  });

  it.each(['\u0000', 'a\u0000b', 'a\nb', '\ud800', '\u0085', 'x'.repeat(121), ''])(
    'refuses the name %j',
    (name) => {
      expect(refusal(agents.create, { body: { name } }).param).toBe('name');
    },
  );

  it.each(['0', '101', '-1', '1.5', 'ten', '', '1e1', ['1', '2'], '99999999999'])(
    'refuses the limit %j',
    (limit) => {
      expect(refusal(services.list, { query: { limit } }).param).toBe('limit');
    },
  );

  it('fills in the documented defaults of a list', () => {
    expect(decodeRequest(services.list, { params: {}, query: { verified: 'true' }, body: {} }).query).toEqual(
      {
        verified: true,
        limit: 20,
        offset: 0,
      },
    );
  });

  it.each([
    'ftp://x.example',
    'javascript:alert(1)',
    '/weather',
    'https://a:b@x.example',
    'https://x.example/\u0000',
    'https://',
  ])('refuses the URL %j', (url) =>
    expect(refusal(tokens.requirements, { query: { url } }).param).toBe('url'),
  );

  it.each([
    'wallet_',
    'agent_01kb3x9v7f5m2q8r4t6w0y1z3b',
    'wallet_01KB3X9V7F5M2Q8R4T6W0Y1Z3B',
    "wallet_' or 1=1 --",
  ])('refuses the wallet id %j', (wallet_id) => {
    const error = refusal(wallets.fund, {
      params: { wallet_id },
      body: { amount: 1, source: 'test_faucet' },
    });
    expect([error.kind, error.param]).toEqual(['invalid_request', 'wallet_id']);
  });
});
