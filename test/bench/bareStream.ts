import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { bytesOf } from './bytesOf.js';

// What HTTP costs by itself when a body is passed on as it comes: a route that asks SELLER_URL; without it, the seller that is asked.
const sellerUrl = process.env['SELLER_URL'];
const agent = new Agent({ keepAlive: true });
const app = express();
app.use(async ({ method, url, query }, response) => {
  if (sellerUrl === undefined) {
    if (query['bytes'] === undefined) return void response.json({ sky: 'blue' });
    return pipeline(bytesOf(Number(query['bytes'])), response.type('application/octet-stream'));
  }
  const upstream = await new Promise<Parameters<Parameters<typeof request>[2] & object>[0]>(
    (resolve, reject) =>
      request(sellerUrl + url, { agent, method }, resolve)
        .on('error', reject)
        .end(),
  );
  response.status(upstream.statusCode ?? 502).set('content-type', upstream.headers['content-type']);
  return pipeline(upstream, response);
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`bare stream on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
