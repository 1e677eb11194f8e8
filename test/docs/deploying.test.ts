import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readConfig as readFacilitatorConfig } from '@agentpay/facilitator';
import { readConfig } from '@agentpay/server';
import { spawned } from '@agentpay/testing';
import { parse, parseAllDocuments } from 'yaml';
import { root } from './codeIn.js';

/** What `docs/deploy` and the facilitator's own image say, compared with the programs: Docker is not needed for it. */
const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';

describe('the files for deploying', () => {
  const file = (name: string) => readFileSync(root(`docs/deploy/${name}`), 'utf8');
  const secret = (name: string) => `${name.toLowerCase()}-of-the-tests-0123456789-abcdefghij`;
  /** What is given from outside, to either program. */
  const outside: Readonly<Record<string, string>> = {
    POSTGRES_PASSWORD: 'secret',
    PUBLIC_BASE_URL: 'https://pay.example.com',
    RPC_URL: 'https://sepolia.base.org',
    SIGNER_KEYS: `0x${'11'.repeat(32)}`,
    ...Object.fromEntries(
      ['JWT_SECRET', 'KEY_PEPPER', 'MASTER_KEY', 'ADMIN_KEY'].map((name) => [name, secret(name)]),
    ),
  };
  const databases = {
    DATABASE_URL: 'postgres://agentpay:secret@postgres:5432/agentpay',
    REDIS_URL: 'redis://redis:6379',
  };
  const pick = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, outside[name] as string]));
  const apiSecrets = {
    ...databases,
    RPC_URLS: 'base-sepolia=https://sepolia.base.org',
    ...pick('JWT_SECRET', 'KEY_PEPPER', 'MASTER_KEY', 'ADMIN_KEY'),
  };
  const facilitatorSecrets = {
    ...databases,
    RPC_URLS: 'https://sepolia.base.org',
    ...pick('SIGNER_KEYS'),
  };
  const accepted = (api: Record<string, string>, facilitator?: Record<string, string>) => {
    expect(readConfig(api)).toMatchObject({ port: 3100 });
    if (facilitator) expect(readFacilitatorConfig(facilitator)).toMatchObject({ port: 3102 });
  };

  test('of Compose have settings that the programs accept, and nothing is asked for that the guide does not name', () => {
    const { services } = parse(file('compose.yaml')) as {
      services: Record<string, { environment: Record<string, string> }>;
    };
    const asked = new Set<string>();
    const environment = (name: string) =>
      Object.fromEntries(
        Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [
          key,
          value.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
            asked.add(variable);
            return outside[variable] as string;
          }),
        ]),
      );
    expect(Object.keys(services).sort()).toEqual(['api', 'facilitator', 'postgres', 'redis']);
    accepted(environment('api'), environment('facilitator'));
    environment('postgres');
    expect([...asked].sort()).toEqual(Object.keys(outside).sort());
    for (const name of asked) expect(readFileSync(root('docs/deploying.md'), 'utf8')).toContain(name);
  });

  test('of Kubernetes are complete documents, whose settings the programs accept', () => {
    interface Manifest {
      readonly kind: string;
      readonly metadata: { readonly name: string };
      readonly spec: {
        readonly template: {
          readonly spec: {
            readonly containers: readonly { env: readonly { name: string; value: string }[] }[];
          };
        };
      };
    }
    const manifests = parseAllDocuments(file('kubernetes.yaml')).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as Manifest;
    });
    expect(manifests.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ['Deployment', 'agentpay-api'],
      ['Service', 'agentpay-api'],
      ['Deployment', 'agentpay-facilitator'],
      ['Service', 'agentpay-facilitator'],
    ]);
    const env = (index: number) =>
      Object.fromEntries(
        (manifests[index]?.spec.template.spec.containers[0]?.env ?? []).map(({ name, value }) => [
          name,
          value,
        ]),
      );
    accepted({ ...apiSecrets, ...env(0) }, { ...facilitatorSecrets, ...env(2) });
  });

  test('of Fly.io and Docker name what exists', async () => {
    const program = 'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))';
    const flyOf = async (name: string) => {
      const python = spawned(PYTHON, ['-c', program, root(`docs/deploy/${name}`)]);
      const { code } = await python.ended;
      expect([code, python.output()]).toEqual([0, expect.stringMatching(/^\{/)]);
      return JSON.parse(python.output()) as {
        app: string;
        env: Record<string, string>;
        processes?: { app: string };
        http_service: { internal_port: number; checks: { path: string }[] };
      };
    };
    const [api, facilitator] = await Promise.all([flyOf('fly.toml'), flyOf('fly-facilitator.toml')]);
    accepted({ ...apiSecrets, ...api.env }, { ...facilitatorSecrets, ...facilitator.env });
    expect(api.http_service).toMatchObject({ internal_port: 3100, checks: [{ path: '/readyz' }] });
    expect(facilitator.http_service).toMatchObject({ internal_port: 3102, checks: [{ path: '/readyz' }] });
    expect(api.env['FACILITATOR_URL']).toBe(`https://${facilitator.app}.fly.dev`);
    // The image runs the API unless it is told otherwise.
    expect(file('compose.yaml')).toContain(`command: [${facilitator.processes?.app.split(' ').join(', ')}]`);
    const copied = ['Dockerfile', 'compose.yaml', 'kubernetes.yaml'].flatMap(
      (name) => file(name).match(/packages\/[\w/]+\.(?:js|mjs)/g) ?? [],
    );
    expect(copied.length).toBeGreaterThan(4);
    for (const path of copied) expect([path, existsSync(root(path))]).toEqual([path, true]);
  });

  /** The lines of an example of settings, by name. */
  const example = (name: string) =>
    Object.fromEntries(
      [...file(`${name}.env.example`).matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [
        key,
        value as string,
      ]),
    ) as Record<string, string>;

  test('have examples of all settings that come from outside; as they are, without secrets, nothing starts', () => {
    const names = (settings: object) => Object.keys(settings).sort();
    expect(names(example('api'))).toEqual(names(apiSecrets));
    expect(names(example('facilitator'))).toEqual(names(facilitatorSecrets));
    expect(names(example('compose'))).toEqual(names(outside));
    const blank = (settings: object) =>
      Object.entries(settings).flatMap(([name, value]) => (value === '' ? [name] : []));
    expect(blank(example('api'))).toEqual(['JWT_SECRET', 'KEY_PEPPER', 'MASTER_KEY', 'ADMIN_KEY']);
    const production = { NODE_ENV: 'production', TRUST_PROXY_HOPS: '1' };
    expect(() => readConfig({ ...production, ...example('api') })).toThrow(/^JWT_SECRET is missing/);
    expect(() => readFacilitatorConfig(example('facilitator'))).toThrow(/^SIGNER_KEYS is missing/);
    const filled = (name: string) => {
      const given = example(name);
      return { ...given, ...Object.fromEntries(blank(given).map((key) => [key, outside[key] as string])) };
    };
    accepted({ ...production, ...filled('api') }, filled('facilitator'));
  });

  test('keep secrets and data out of every image, and nothing that it is built from', () => {
    const patterns = readFileSync(root('.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    // Docker's patterns begin at the root; `**/` is any folder, `*` any part of a name, and what lies below a match is ignored, too.
    const ignoring = patterns.map((pattern) => {
      const text = pattern
        .replaceAll('.', '\\.')
        .replaceAll('**/', '(.*/)?')
        .replace(/(?<!\.)\*/g, '[^/]*');
      return new RegExp(`^${text}(/|$)`);
    });
    const ignored = (path: string) => ignoring.some((pattern) => pattern.test(path));
    const kept = [
      [
        '.env',
        'docs/deploy/.env',
        '.env.local',
        'api.env',
        'docs/deploy/facilitator.env',
        'secrets/password',
      ],
      ['packages/facilitator/docker/secrets/signer.json', '.agentpay/dev.json', 'data/base.pgl', 'key.pem'],
      ['node_modules/x/index.js', 'packages/api/node_modules/x', 'packages/api/dist/index.js', '.git/config'],
    ].flat();
    expect(kept.filter((path) => !ignored(path))).toEqual([]);
    const tracked = execFileSync('git', ['ls-files'], { cwd: root('.'), encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(tracked.length).toBeGreaterThan(1_000);
    expect(tracked.filter(ignored)).toEqual([]);
    // A file beside a Dockerfile would take its place.
    expect(tracked.filter((path) => path.endsWith('dockerignore'))).toEqual(['.dockerignore']);
  });
});

describe('what the files for deploying start', () => {
  interface Probe {
    readonly httpGet: { readonly path: string; readonly port: number };
  }
  interface Container {
    readonly command: readonly string[];
    readonly ports: readonly { readonly containerPort: number }[];
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly readinessProbe: Probe;
    readonly livenessProbe: Probe;
  }
  interface Manifest {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly ports?: readonly { readonly port: number; readonly targetPort: number }[];
      readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
    };
  }
  interface Composed {
    readonly command?: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly healthcheck?: { readonly test: readonly string[] };
  }
  const text = (path: string) => readFileSync(root(path), 'utf8');
  const compose = (path: string) => (parse(text(path)) as { services: Record<string, Composed> }).services;
  const manifests = parseAllDocuments(text('docs/deploy/kubernetes.yaml')).map(
    (document) => document.toJS() as Manifest,
  );
  const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
  const list = (instruction: string, path: string) =>
    JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(text(path))?.[1] as string) as string[];

  const deployed = compose('docs/deploy/compose.yaml');
  const alone = compose('packages/facilitator/docker/compose.yaml');
  test('runs by its command, and names what is not configured', async () => {
    const [api, facilitator] = [
      list('CMD', 'docs/deploy/Dockerfile'),
      list('ENTRYPOINT', 'packages/facilitator/docker/Dockerfile'),
    ];
    expect(containers[0]?.command).toEqual(api);
    expect(containers[1]?.command).toEqual(deployed['facilitator']?.command);
    // The same program, from the root of the repository or of its own package.
    expect(deployed['facilitator']?.command).toEqual(['node', `packages/facilitator/${facilitator.at(-1)}`]);
    const none = { NODE_ENV: 'production', DATABASE_URL: '', REDIS_URL: '' };
    const start = ([program, ...args]: readonly string[], folder: string) => {
      expect(program).toBe('node');
      return spawned(process.execPath, args, { cwd: root(folder), env: { ...process.env, ...none } });
    };
    const started = [start(api, '.'), start(facilitator, 'packages/facilitator')];
    for (const one of started) {
      expect(await one.ended).toEqual({ code: 2, signal: null });
      expect(one.output()).toMatch(/^(DATABASE_URL|RPC_URLS) is missing/m);
    }
  });

  test('is asked for its health where it listens', async () => {
    for (const { ports, env, readinessProbe, livenessProbe } of containers) {
      const port = Number(env.find(({ name }) => name === 'PORT')?.value);
      expect(ports).toEqual([{ containerPort: port }]);
      expect([readinessProbe.httpGet, livenessProbe.httpGet]).toEqual([
        { path: '/readyz', port },
        { path: '/healthz', port },
      ]);
    }
    const asked = /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(
      deployed['api']?.healthcheck?.test.join(' ') ?? '',
    );
    expect(asked?.slice(1)).toEqual([deployed['api']?.environment['PORT'], '/readyz']);
    expect(text('packages/facilitator/docker/Dockerfile')).toMatch(/\$\{process\.env\.PORT\}\/healthz`/);
  });

  test('finds the facilitator where it is', () => {
    const service = manifests.find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === 'agentpay-facilitator',
    );
    const [{ port, targetPort } = { port: 0, targetPort: 0 }] = service?.spec.ports ?? [];
    const url = (env: readonly { name: string; value: string }[]) =>
      env.find(({ name }) => name === 'FACILITATOR_URL')?.value;
    expect(url(containers[0]?.env ?? [])).toBe(`http://agentpay-facilitator:${port}`);
    expect([{ containerPort: targetPort }]).toEqual(containers[1]?.ports);
    const { PORT } = deployed['facilitator']?.environment ?? {};
    expect(deployed['api']?.environment['FACILITATOR_URL']).toBe(`http://facilitator:${PORT}`);
  });

  test('reads every setting that it is given', () => {
    const names = (env: Container['env'] = []) => env.map(({ name }) => name);
    const given: [string, readonly string[]][] = [
      ['server', [...Object.keys(deployed['api']?.environment ?? {}), ...names(containers[0]?.env)]],
      [
        'server',
        [...text('docs/deploy/fly.toml').matchAll(/\b([A-Z]+(?:_[A-Z]+)*)\s?=(?!=)/g)].map(
          ([, name]) => name as string,
        ),
      ],
      [
        'server',
        [...text('docs/deploy/api.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name as string),
      ],
      [
        'facilitator',
        [...Object.keys(deployed['facilitator']?.environment ?? {}), ...names(containers[1]?.env)],
      ],
      ['facilitator', Object.keys(alone['facilitator']?.environment ?? {})],
    ];
    for (const [program, settings] of given) {
      // The table of a README is all that its program reads.
      const described = text(`packages/${program}/README.md`);
      expect(settings.length).toBeGreaterThan(5);
      expect([program, settings.filter((name) => !described.includes(`\`${name}\``))]).toEqual([program, []]);
    }
  });
});
