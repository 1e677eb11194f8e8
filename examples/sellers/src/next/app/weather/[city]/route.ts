import { paywall } from '@agentpay/paywall';
import { paidHandler } from '@agentpay/paywall/fetch';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102' } = process.env;
const pay = paywall({ payTo: PAY_TO, network: 'base-sepolia', facilitator: FACILITATOR_URL });

interface Context {
  readonly params: Promise<{ readonly city: string }>;
}

/** The paywall needs Node: `edge` has none. */
export const runtime = 'nodejs';
export const GET = paidHandler(pay.charge('$0.01'), async (_request: Request, { params }: Context) =>
  Response.json({ sky: 'blue', city: (await params).city }),
);
