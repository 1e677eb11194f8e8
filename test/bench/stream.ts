import { x402v2 } from '@agentpay/protocol';
import { openBed, script, type Measured } from './bed.js';
import { MB, memory, receive } from './download.js';
import { payments } from './payments.js';
import { SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const sellerScript = script('test/dist/bench/streamSeller.js');
/** 1 GB, or less where a scenario is only tried out. */
const LONG = Math.min(1_000, SECONDS * 125) * MB;

const targets = [
  { name: 'bare Express 5', seller: 'bare', bytes: LONG },
  { name: "AgentPay, settle: 'before'", seller: 'agentpay', bytes: LONG },
  // It holds all of it, so that a gigabyte could take the machine down.
  { name: '@x402/express', seller: 'x402-express', bytes: LONG / 8 },
];

/** Memory of a seller while it streams one paid response. */
export async function stream(): Promise<string> {
  const bed = await openBed(1);
  try {
    const rows: string[][] = [];
    for (const { name, seller, bytes } of targets) {
      const server = await bed.start(sellerScript, [seller], {});
      const download = async (size: number) =>
        receive(`${server.url}/stream?bytes=${size}`, await headersFor(server, size, bed.buyerKeys));
      await download(MB);
      const before = memory(server.pid, 'VmRSS');
      const began = performance.now();
      const received = await download(bytes);
      if (received !== bytes) throw new Error(`${name} sent ${received} of ${bytes} bytes.`);
      const rate = bytes / MB / ((performance.now() - began) / 1000);
      const most = memory(server.pid, 'VmHWM');
      rows.push([name, ...[bytes / MB, rate, before, most, most - before].map((value) => figure(value))]);
    }
    return markdownTable(['one paid stream', 'MB', 'MB/s', 'RSS before, MB', 'most, MB', 'more, MB'], rows);
  } finally {
    await bed.close();
  }
}

async function headersFor(
  { url }: Measured,
  bytes: number,
  buyerKeys: Parameters<typeof payments>[2],
): Promise<Record<string, string>> {
  const offer = await fetch(`${url}/stream?bytes=${bytes}`);
  await offer.body?.cancel();
  const required = offer.headers.get('payment-required');
  if (!required) return {};
  const [accepted] = x402v2.decodePaymentRequired(required).accepts as [x402v2.PaymentRequirements];
  const [payment] = payments(accepted, 1, buyerKeys) as [x402v2.PaymentPayload];
  return { 'payment-signature': x402v2.encodePaymentPayload(payment) };
}
