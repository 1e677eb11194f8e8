import { ConfigError } from '@agentpay/http';
import { readConfig } from './config.js';

const SECRET = 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_';

const production = {
  NODE_ENV: 'production',
  JWT_SECRET: SECRET,
  DATABASE_URL: 'postgresql://user@db.example/agentpay',
  REDIS_URL: 'redis://cache.example:6379',
  TRUST_PROXY_HOPS: '1',
};

const demo = {
  ...production,
  PUBLIC_DEMO_MODE: 'true',
  PUBLIC_DEMO_SANDBOX_ONLY: 'true',
  PUBLIC_DEMO_ALLOWED_ORIGINS: 'https://demo.example',
  PUBLIC_DEMO_ADMIN_TOKEN: `demo-${SECRET}`,
};

function faults(env: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('starts from nothing: loopback, embedded database, sandbox', () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      port: 3100,
      host: '127.0.0.1',
      databaseUrl: undefined,
      trustProxyHops: 0,
      tokenTtlSeconds: 300,
      approvalTtlSeconds: 86_400,
      challengeWindowSeconds: 86_400,
      defaultSlaSeconds: 60,
      rateLimit: { perMinute: 1200, burst: 200 },
      sandbox: true,
    });
  });

  it('counts an empty variable as absent', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '' })).toEqual(readConfig({}));
  });

  it('drops the slash at the end of the origin', () => {
    expect(readConfig({ PUBLIC_BASE_URL: 'https://pay.example/' }).publicBaseUrl).toBe('https://pay.example');
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3100a'],
    ['HOST', 'a b'],
    ['DATABASE_URL', 'mysql://x'],
    ['DATABASE_URL', 'postgres://u:p w@x/y'],
    ['DATABASE_URL', 'postgres://x:5432'],
    ['DATABASE_POOL_SIZE', '0'],
    ['REDIS_URL', 'localhost'],
    ['JWT_SECRET', 'short'],
    ['JWT_SECRET', 'a'.repeat(40)],
    ['JWT_SECRET', 'replace-with-at-least-32-random-characters'],
    ['FORMER_JWT_SECRETS', `${SECRET},short`],
    ['FORMER_MASTER_KEYS', 'short'],
    ['FORMER_ADMIN_KEYS', 'admin'],
    ['ADMIN_KEY', 'admin'],
    ['PUBLIC_BASE_URL', 'ftp://x'],
    ['TRUST_PROXY_HOPS', 'yes'],
    ['TOKEN_TTL_SECONDS', '0'],
    ['APPROVAL_TTL_SECONDS', '0'],
    ['CHALLENGE_WINDOW_SECONDS', '-1'],
    ['DEFAULT_SLA_SECONDS', '86401'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
    ['SANDBOX', 'maybe'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s with one sentence that names it', (name, value) => {
    const found = faults({ [name]: value, ...(name === 'DATABASE_URL' ? { JWT_SECRET: SECRET } : {}) });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${name} .+\\.$`));
    expect(found[0]).not.toContain('\n');
  });

  it('takes a database behind a Unix socket', () => {
    const databaseUrl = 'postgresql://u:p@/db?host=/run/postgresql';
    const config = readConfig({ DATABASE_URL: databaseUrl, JWT_SECRET: SECRET, DATABASE_POOL_SIZE: '40' });
    expect(config).toMatchObject({ databaseUrl, databasePoolSize: 40 });
  });

  it('names every fault at once', () => {
    expect(faults({ PORT: 'x', SANDBOX: 'x' })).toHaveLength(2);
  });

  it('reads fees exactly, and leaves those that are not given to the core', () => {
    const env = { PAYMENT_FEE: '0.4001% + 0.000001', CALL_FEE: '0%', DIRECT_FEE: '2%, at least 0.10' };
    expect(readConfig({ ...env, INFRA_FEE_CENTS: '25' }).fees).toEqual({
      payment: { ppm: 4_001n, fixed: 1n, least: 0n },
      call: { ppm: 0n },
      direct: { ppm: 20_000n, fixed: 0n, least: 100_000n },
      infra: 250_000n,
    });
  });

  it('refuses every fee that is none, at once', () => {
    const share = { CALL_FEE: '100%', MARKETPLACE_FEE: '5', AGREEMENT_FEE: '1% + 0.01' };
    const whole = { PAYMENT_FEE: '-1%', DIRECT_FEE: '0.00001%' };
    expect(faults({ ...whole, ...share }).map((sentence) => sentence.split(' ')[0])).toEqual([
      'PAYMENT_FEE',
      'CALL_FEE',
      'MARKETPLACE_FEE',
      'DIRECT_FEE',
      'AGREEMENT_FEE',
    ]);
    for (const fee of ['1% + 0.0000001', '2% at least 1', '1e2%', '2% + 5000', '1 %', ' 1%'])
      expect(faults({ PAYMENT_FEE: fee })).toEqual([expect.stringMatching(/^PAYMENT_FEE must be a fee/)]);
  });

  it('wants one database', () => {
    expect(faults({ DATABASE_URL: 'postgres://x/y', JWT_SECRET: SECRET, DATA_DIR: '/data' })[0]).toMatch(
      /^DATABASE_URL and DATA_DIR/,
    );
  });

  it('wants a shared token secret for a shared database', () => {
    expect(faults({ DATABASE_URL: 'postgres://x/y' })[0]).toMatch(/^JWT_SECRET/);
  });
});

describe('readConfig in production', () => {
  it('takes former keys of the operator with a present one alone', () => {
    expect(faults({ FORMER_ADMIN_KEYS: SECRET })).toEqual([
      'ADMIN_KEY is missing; FORMER_ADMIN_KEYS are those that it takes the place of.',
    ]);
    const { operatorKeys } = readConfig({ ADMIN_KEY: `new-${SECRET}`, FORMER_ADMIN_KEYS: SECRET });
    expect(operatorKeys.adminKeys).toEqual([`new-${SECRET}`, SECRET]);
  });

  it('refuses the faucet of a sandbox, secrets that are one and the same, and misspelt names', () => {
    expect(faults({ ...production, SANDBOX: 'true' })).toEqual([
      'SANDBOX=true lets everybody give themselves money; production refuses it.',
    ]);
    expect(faults({ ...production, KEY_PEPPER: SECRET, ADMIN_KEY: SECRET })).toEqual([
      'JWT_SECRET and KEY_PEPPER hold the same secret; give each its own.',
      'JWT_SECRET and ADMIN_KEY hold the same secret; give each its own.',
    ]);
    expect(faults({ ...production, DATABASE_POOLSIZE: '4' })).toEqual([
      'DATABASE_POOLSIZE is not read by this program; its name for that is DATABASE_POOL_SIZE.',
    ]);
  });

  it('accepts a complete environment: reachable, no faucet', () => {
    expect(readConfig(production)).toMatchObject({ production: true, host: '0.0.0.0', sandbox: false });
    expect(faults(demo)).toEqual([]);
    expect(readConfig(demo).publicDemo).toEqual({ allowedOrigins: ['https://demo.example'] });
    expect(readConfig(production).publicDemo).toBeUndefined();
  });

  it.each([
    ['JWT_SECRET', undefined],
    ['DATABASE_URL', undefined],
    ['REDIS_URL', undefined],
    ['TRUST_PROXY_HOPS', undefined],
    ['PUBLIC_DEMO_ADMIN_TOKEN', undefined],
    ['PUBLIC_DEMO_ADMIN_TOKEN', 'replace-with-at-least-32-random-characters'],
    ['PUBLIC_DEMO_ALLOWED_ORIGINS', 'https://a.example,http://b.example'],
    ['PUBLIC_DEMO_ALLOWED_ORIGINS', 'https://a.example/page'],
    ['PUBLIC_DEMO_ALLOWED_ORIGINS', '*'],
    ['PUBLIC_DEMO_SANDBOX_ONLY', 'false'],
    ['SANDBOX', 'false'],
    ['RPC_URLS', 'base-sepolia=https://node.example,base=https://node.example'],
  ])('refuses %s=%s', (name, value) => {
    expect(faults({ ...demo, [name]: value }).join('\n')).toContain(
      name === 'RPC_URLS' ? 'real: base.' : name,
    );
  });

  it('runs a single node without Redis only when told so', () => {
    expect(faults({ ...production, REDIS_URL: undefined, ALLOW_SINGLE_NODE: 'true' })).toEqual([]);
  });

  it.each([
    [{ STRIPE_SECRET_KEY: 'sk_live_0123456789' }, 'is a live key'],
    [{ STRIPE_CUSTOMER: 'cus_1', STRIPE_PAYMENT_METHOD: 'pm_1' }, 'STRIPE_SECRET_KEY is missing'],
    [{ STRIPE_SECRET_KEY: 'sk_test_0123456789', STRIPE_CUSTOMER: 'cus_1' }, 'belong together'],
  ])('refuses %j of Stripe in a sandbox', (env, fault) => {
    expect(faults(env)).toEqual([expect.stringContaining(fault)]);
  });

  it('takes a live key where no play money is', () => {
    const { stripe } = readConfig({ ...production, STRIPE_SECRET_KEY: 'sk_live_0123456789' });
    expect(stripe).toMatchObject({ url: 'https://api.stripe.com', charge: undefined });
  });
});
