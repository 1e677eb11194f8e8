import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paywall } from '@agentpay/paywall';
import express from 'express';
import express4 from 'express4';
import { validate } from 'mppx/discovery';
import { z } from 'zod';

const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('discovery on %s', (_, framework) => {
  it('finds the priced routes, in a document that the MPP validator accepts', async () => {
    const pay = paywall({ logger: false, payTo, facilitator: 'http://127.0.0.1:1' });
    const app = framework();
    const router = framework.Router();
    app.use(pay.discovery({ app, routers: { '/api': router }, title: 'Weather' }));
    const schemas = { body: z.object({ city: z.string() }), response: z.object({ sky: z.string() }) };
    app.post(
      '/weather/:day',
      pay.charge({ price: '$0.01', description: 'One forecast', schemas }),
      (_req, res) => void res.json({}),
    );
    app.get(['/a', '/b'], pay.charge('$0.02'), (_req, res) => void res.json({}));
    app.get('/free', (_req, res) => void res.json({}));
    router.get('/sky', pay.charge('$0.03'), (_req, res) => void res.json({}));
    app.use('/api', router);
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const document = (await (await fetch(`${base}/openapi.json`)).json()) as { paths: object };
    const listing = await (await fetch(`${base}/.well-known/x402`)).json();
    server.close();
    server.closeAllConnections();
    expect(Object.keys(document.paths)).toEqual(['/weather/{day}', '/a', '/b', '/api/sky']);
    expect(validate(document)).toEqual([]);
    expect(listing).toMatchObject({ resources: [`${base}/a`, `${base}/b`, `${base}/api/sky`] });
  });
});
