import { spawnNode, testDatabase } from '@agentpay/testing';
import { ask, startNode, type ApiNode } from '../stress/apiNode.js';
import { script } from './bed.js';
import { MB, memory, receive } from './download.js';
import { expectStatus, failures, rounds, SECONDS } from './scenarios.js';
import { load } from './load.js';
import { figure, markdownTable } from './table.js';

const IN_FLIGHT = 64;
/** 1 GB, or less where a scenario is only tried out. */
const LONG = Math.min(1_000, SECONDS * 125) * MB;
const env = { OUTBOUND_LOOPBACK: 'true', RATE_LIMIT_PER_MINUTE: '1000000', RATE_LIMIT_BURST: '1000000' };

interface Target {
  readonly name: string;
  readonly url: string;
  readonly path: string;
  readonly pid: number;
  readonly headers: Record<string, string>;
}

/** Metered calls against a bare streaming proxy to the same seller: calls at once, and the memory of one long body. Needs DATABASE_URL. */
export async function metered(): Promise<string> {
  const database = await testDatabase();
  const bare = (more: Record<string, string> = {}) =>
    spawnNode(script('test/dist/bench/bareStream.js'), { env: more });
  const seller = bare();
  const [, sellerUrl = ''] = await seller.line(/^bare stream on (http:\S+)$/);
  const proxy = bare({ SELLER_URL: sellerUrl });
  const [, url = ''] = await proxy.line(/^bare stream on (http:\S+)$/);
  const api = await startNode({ database: database.url }, env);
  try {
    const agreed = { url: api.url, pid: api.pid, ...(await agree(api, sellerUrl)) };
    const targets = [
      { name: 'bare streaming proxy on Express', url, path: '', pid: proxy.pid, headers: {} },
      { name: 'metered call', ...agreed },
    ];
    return [await calls(targets), await stream(targets)].join('\n\n');
  } finally {
    await Promise.all([api.kill(), proxy.kill(), seller.kill()]);
    await database.drop();
  }
}

/** An active agreement about the seller, with room for every call of a run. */
async function agree(api: ApiNode, endpoint_url: string): Promise<Pick<Target, 'path' | 'headers'>> {
  const join = async (name: string) => {
    const { api_key: key, wallet_id: wallet } = await ask(api, '', 'POST /v1/agents', { name }, 201);
    return { key: String(key), wallet: String(wallet) };
  };
  const [buyer, seller] = [await join('Buyer'), await join('Seller')];
  const funding = { amount: 10_000, source: 'test_faucet' };
  await ask(api, buyer.key, `POST /v1/wallets/${buyer.wallet}/fund`, funding);
  const offer = { name: 'Weather', price_per_call: '0.001', endpoint_url };
  const { id: service_id } = await ask(api, seller.key, 'POST /v1/services', offer, 201);
  const terms = { cap: '9000.00', unit_price: '0.001' };
  const proposal = { service_id, terms };
  const { agreement_id: id } = await ask(api, buyer.key, 'POST /usage-agreements', proposal, 201);
  await ask(api, seller.key, `PUT /usage-agreements/${String(id)}/accept`, {});
  await ask(api, buyer.key, `POST /usage-agreements/${String(id)}/activate-escrow`, {}, 202);
  const headers = { authorization: `Bearer ${buyer.key}` };
  return { path: `/metered-proxy/${String(id)}`, headers };
}

async function calls(targets: readonly Target[]): Promise<string> {
  const results = await rounds(targets, ({ url, path, pid, headers }) =>
    load({
      url,
      next: () => ({ path: `${path}/now`, method: 'GET', headers }),
      concurrency: IN_FLIGHT,
      seconds: SECONDS,
      judge: expectStatus(200),
      pid,
    }),
  );
  const base = results[0]?.perSecond ?? Number.NaN;
  const rows = results.map((result, i) => [
    targets[i]?.name ?? '',
    figure(result.perSecond),
    figure(result.perSecond / base, 2),
    figure(result.p50, 1),
    figure(result.p99, 1),
    figure(result.cpuMs, 2),
    failures(result),
  ]);
  return markdownTable(
    [`${IN_FLIGHT} in flight, PostgreSQL`, 'per s', 'of bare', 'p50 ms', 'p99 ms', 'CPU ms', 'failed'],
    rows,
  );
}

async function stream(targets: readonly Target[]): Promise<string> {
  const rows: string[][] = [];
  for (const { name, url, path, pid, headers } of targets) {
    const download = (bytes: number) => receive(`${url}${path}/stream?bytes=${bytes}`, headers);
    await download(MB);
    const [before, began] = [memory(pid, 'VmRSS'), performance.now()];
    const received = await download(LONG);
    if (received !== LONG) throw new Error(`${name} sent ${received} of ${LONG} bytes.`);
    const rate = LONG / MB / ((performance.now() - began) / 1000);
    const most = memory(pid, 'VmHWM');
    rows.push([name, ...[LONG / MB, rate, before, most, most - before].map((value) => figure(value))]);
  }
  return markdownTable(['one body', 'MB', 'MB/s', 'RSS before, MB', 'most, MB', 'more, MB'], rows);
}
