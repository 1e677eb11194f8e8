import { x402v2 } from '@agentpay/protocol';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { cpuMilliseconds, load, type Reply, type LoadResult } from './load.js';
import { payments } from './payments.js';
import { failures, ownFacilitator, peer, rounds, SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const sellerScript = script('test/dist/bench/seller.js');

/** A seller and the facilitator it settles by, each a process. */
interface Stack {
  readonly name: string;
  readonly seller: Measured;
  readonly facilitator: Measured;
  /** How many requests at once it gets; the peers that lose most payments get no more. */
  readonly widths: readonly number[];
}

const OWN = 'AgentPay: paywall + facilitator';
const TUNED = '@x402/express + @x402 facilitator, tuned';
const peers = [
  {
    name: '@x402/express + @x402 facilitator, as in its example',
    script: 'x402-facilitator-example',
    widths: [64],
  },
  {
    name: '@x402/express + @x402 facilitator, nonceManager',
    script: 'x402-facilitator-nonces',
    widths: [64],
  },
  { name: TUNED, script: 'x402-facilitator', widths: [1, 64, 512] },
];

/** Paid requests from end to end with 0.2 s blocks: what was answered with 200 must have moved on the chain. */
export async function paid(): Promise<string> {
  const bed = await openBed(0.2);
  try {
    const stacks = await startStacks(bed);
    const rows: string[][] = [];
    for (const concurrency of [1, 64, 512]) {
      const here = stacks.filter(({ widths }) => widths.includes(concurrency));
      const chain = new Map(here.map(({ name }) => [name, { moved: 0n, ok: 0 }]));
      const results = await rounds(here, async (stack) => {
        const { result, moved } = await paidRound(bed, stack, concurrency);
        const sums = chain.get(stack.name) as { moved: bigint; ok: number };
        sums.moved += moved;
        sums.ok += result.ok;
        return result;
      });
      const tuned = results[here.findIndex(({ name }) => name === TUNED)];
      for (const [i, { name }] of here.entries()) {
        const { moved, ok } = chain.get(name) as { moved: bigint; ok: number };
        rows.push([...row(name, concurrency, results[i] as LoadResult, tuned), `${moved}/${ok}`]);
      }
    }
    const header = [
      'paid requests, 0.2 s blocks',
      'c',
      'ok/s',
      'x tuned peer',
      'p50 ms',
      'p99 ms',
      'CPU ms/ok',
      'of tuned',
      'failed',
    ];
    return markdownTable([...header, 'on chain/ok'], rows);
  } finally {
    await bed.close();
  }
}

async function startStacks(bed: Bed): Promise<Stack[]> {
  const stacks: Stack[] = [];
  const sellerOf = (name: string, { url }: Measured) =>
    bed.start(sellerScript, [name], { PAY_TO: bed.payTo, FACILITATOR_URL: url });
  for (const { name, script, widths } of peers) {
    const facilitator = await bed.start(peer, [script], {
      KEY: await bed.facilitatorKey(),
      RPC_URL: bed.rpcUrl,
    });
    stacks.push({ name, widths, facilitator, seller: await sellerOf('x402-express', facilitator) });
  }
  const facilitator = await ownFacilitator(bed);
  return [
    ...stacks,
    { name: OWN, widths: [1, 64, 512], facilitator, seller: await sellerOf('agentpay', facilitator) },
  ];
}

interface Round {
  readonly result: LoadResult;
  /** Payments that reached the payee. */
  readonly moved: bigint;
}

async function paidRound(
  bed: Bed,
  { name, seller, facilitator }: Stack,
  concurrency: number,
): Promise<Round> {
  const offer = await fetch(`${seller.url}/weather`);
  const [accepted] = x402v2.decodePaymentRequired(offer.headers.get('payment-required') as string)
    .accepts as [x402v2.PaymentRequirements];
  // Enough for the whole round at the rates seen: a block comes five times a second.
  const count = SECONDS * Math.min(concurrency * 8, name === OWN ? 1_000 : 150);
  const supply = payments(accepted, count, bed.buyerKeys).map((payment) => ({
    path: '/weather',
    method: 'GET',
    headers: { 'payment-signature': x402v2.encodePaymentPayload(payment) },
  }));
  const before = { moved: await bed.received(), cpu: cpuMilliseconds(facilitator.pid) };
  const result = await load({
    ...seller,
    next: () => supply.pop(),
    concurrency,
    seconds: SECONDS,
    judge: expectGoods,
  });
  const facilitatorCpu = (cpuMilliseconds(facilitator.pid) - before.cpu) / Math.max(result.ok, 1);
  const moved = ((await bed.received()) - before.moved) / BigInt(accepted.amount);
  return { result: { ...result, cpuMs: result.cpuMs + facilitatorCpu }, moved };
}

function expectGoods({ status, body }: Reply): string {
  if (status === 200 && body === '{"weather":"sunny"}') return 'ok';
  return `HTTP ${status} ${/"(?:error|code)":"([^"]{1,80})/.exec(body)?.[1] ?? ''}`.trim();
}

function row(name: string, concurrency: number, result: LoadResult, tuned: LoadResult | undefined): string[] {
  const { perSecond = Number.NaN, cpuMs = Number.NaN } = tuned ?? {};
  return [
    name,
    String(concurrency),
    figure(result.perSecond, 1),
    figure(result.perSecond / perSecond, 2),
    figure(result.p50, 1),
    figure(result.p99, 1),
    figure(result.cpuMs, 2),
    figure(result.cpuMs / cpuMs, 2),
    failures(result),
  ];
}
