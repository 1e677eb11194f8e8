import type { Express, RequestHandler } from 'express';
import { paywall } from './index.js';
import { PAY_TO, fakeFacilitator, listen, type Seller } from './seller.test.support.js';

/** A seller of GET and POST /weather for $0.01 and of GET /dear for $0.02. */
export async function weather(app: Express, facilitator = fakeFacilitator(), options = {}) {
  const wall = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options });
  const served = { count: 0 };
  const handler: RequestHandler = (_req, res) => void res.json({ served: ++served.count });
  app.all(
    '/weather',
    wall.charge({ price: '$0.01', description: 'One forecast', mimeType: 'application/json' }),
    handler,
  );
  app.get('/other', wall.charge('$0.01'), handler);
  app.get('/dear', wall.charge('$0.02'), handler);
  const seller: Seller = await listen(app);
  return { seller, facilitator, served };
}
