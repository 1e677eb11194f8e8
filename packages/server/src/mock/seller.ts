import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { memoryStore, sleep, type Clock } from '@agentpay/primitives';
import { paywall, type Paywall } from '@agentpay/paywall';
import { responseLoser, faultNames, withFault, type Fault } from './faults.js';
import { MockFault, readFault, readPriceText, type MockOptions } from './MockOptions.js';
import { signatureFacilitator } from './signatureFacilitator.js';
import { speakOnly } from './speakOnly.js';

/** Stands on every response. */
export const MOCK_HEADER = 'AgentPay-Mock';

/**
 * A seller for tests of buyers, without a chain: every path is for sale, proofs are checked by their signature, and no money moves.
 * The query may name `price` and `fault` for one request.
 */
export function mockSeller(options: MockOptions, clock: Clock): RequestListener {
  const walls = wallsOf(options, clock);
  const loseResponse = responseLoser();
  let served = 0;

  return (req, res) => {
    res.setHeader(MOCK_HEADER, 'no money moves');
    try {
      const { price, fault } = asked(req, options);
      speakOnly(options.dialects, req, res);
      if (fault === 'lost_response') loseResponse(req, res);
      const handler = async () => {
        if (fault === 'slow') await sleep(clock, options.delayMs);
        if (fault === 'error') return json(res, 500, { mock: true, error: fault });
        json(res, 200, { mock: true, price, served: ++served });
      };
      walls[fault].charge({ price, description: 'A mock: no money moves' })(req, res, handler);
    } catch (error) {
      if (!(error instanceof MockFault)) throw error;
      json(res, 400, { mock: true, error: error.message });
    }
  };
}

/** One paywall for each fault, over one store and one facilitator. */
function wallsOf({ network, payTo }: MockOptions, clock: Clock): Readonly<Record<Fault, Paywall>> {
  const store = memoryStore(clock);
  const facilitator = signatureFacilitator(clock);
  const wallOf = (fault: Fault) => {
    return paywall({
      payTo,
      network: network.id,
      facilitator: withFault(facilitator, fault),
      store,
      clock,
      logger: false,
    });
  };
  return Object.fromEntries(faultNames.map((fault) => [fault, wallOf(fault)])) as Record<Fault, Paywall>;
}

function asked(req: IncomingMessage, options: MockOptions): { price: string; fault: Fault } {
  const query = new URLSearchParams((req.url ?? '/').split('?')[1]);
  return {
    price: readPriceText('price', query.get('price') ?? options.price),
    fault: readFault('fault', query.get('fault') ?? options.fault),
  };
}

function json(res: ServerResponse, status: number, body: object): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(JSON.stringify(body));
}
