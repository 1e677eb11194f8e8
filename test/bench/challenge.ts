import { openBed, script, type Measured } from './bed.js';
import { load, type LoadResult, type Prepared } from './load.js';
import { expectStatus, failures, ownFacilitator, peer, rounds } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const sellerMain = script('examples/paid-api/dist/main.js');
const seller = script('test/dist/bench/seller.js');

interface Target {
  readonly name: string;
  readonly server: Measured;
  readonly path: string;
  readonly status: number;
}

/** Unpaid requests to priced and to free routes, next to a bare Express route. */
export async function challenge(): Promise<string> {
  const bed = await openBed(1);
  try {
    const facilitator = await ownFacilitator(bed);
    const env = { PAY_TO: bed.payTo, FACILITATOR_URL: facilitator.url, RPC_URL: bed.rpcUrl };
    // The same program without a middleware: one that has loaded other packages is slower for that alone.
    const bare = await bed.start(seller, ['bare'], env);
    const official = await bed.start(seller, ['x402-express'], env);
    const own = await bed.start(seller, ['agentpay'], env);
    const targets: Target[] = [
      { name: 'bare Express 5, 200', server: bare, path: '/weather', status: 200 },
      { name: '402: @x402/express (v2)', server: official, path: '/weather', status: 402 },
      {
        name: '402: x402-express (v1)',
        server: await bed.start(peer, ['x402-express-v1'], env),
        path: '/weather',
        status: 402,
      },
      {
        name: '402: mppx (MPP + v2)',
        server: await bed.start(peer, ['mppx-express'], env),
        path: '/weather',
        status: 402,
      },
      {
        name: '402: AgentPay (v2 + v1 + MPP), charge()',
        server: await bed.start(sellerMain, [], env),
        path: '/paid',
        status: 402,
      },
      { name: '402: AgentPay (v2 + v1 + MPP), routes', server: own, path: '/weather', status: 402 },
      { name: 'free route behind @x402/express', server: official, path: '/free', status: 200 },
      { name: 'free route behind AgentPay', server: own, path: '/free', status: 200 },
    ];
    const results = await rounds(targets, ({ server, path, status }) => {
      const request: Prepared = { path, method: 'GET', headers: { accept: 'application/json' } };
      return load({
        ...server,
        next: () => request,
        concurrency: 32,
        seconds: 3,
        judge: expectStatus(status),
      });
    });
    const bareRate = results[0]?.perSecond ?? Number.NaN;
    const rows = targets.map(({ name }, i) => {
      const result = results[i] as LoadResult;
      return [
        name,
        figure(result.perSecond),
        figure(result.perSecond / bareRate, 2),
        figure(result.p50, 2),
        figure(result.cpuMs * 1000),
        failures(result),
      ];
    });
    return markdownTable(
      ['unpaid requests, c=32', 'req/s', 'of bare', 'p50 ms', 'CPU us/req', 'failed'],
      rows,
    );
  } finally {
    await bed.close();
  }
}
