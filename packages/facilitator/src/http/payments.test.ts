import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Db } from '@agentpay/primitives';
import express from 'express';
import request from 'supertest';
import { openDb, payer, signedRequest } from '../engine/payment.fixture.js';
import { addressOf } from '@agentpay/http';
import { openService, type ServiceBed } from './service.fixture.js';

describe('calls of /verify and /settle', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => {
    db = await openDb();
    bed = await openService(db);
  });
  afterAll(async () => {
    await bed.close();
    await db.close();
  });

  const valid = { isValid: true, payer: payer.address };

  it('are understood in the spellings that routers take', async () => {
    for (const path of ['/verify', '/verify/', '/verify?x=1', '/VERIFY', '/Verify/?']) {
      const { body, headers } = await request(bed.app)
        .post(path)
        .send(await signedRequest())
        .expect(200);
      expect(body).toEqual(valid);
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
      });
    }
    for (const path of ['/verify/x', '//verify', '/verifyx', '/v%65rify']) {
      expect(
        (
          await request(bed.app)
            .post(path)
            .send(await signedRequest())
        ).status,
      ).toBe(404);
    }
  });

  it('work below a path of an application, and behind its body parser', async () => {
    const around = express().use(express.json()).use('/x402', bed.app);
    expect(
      (
        await request(around)
          .post('/x402/verify')
          .send(await signedRequest())
          .expect(200)
      ).body,
    ).toEqual(valid);
    const { body } = await request(around).post('/x402/settle').send({ x402Version: 3 }).expect(400);
    expect(body).toMatchObject({ success: false, errorReason: 'invalid_x402_version' });
  });

  it('take UTF-8 JSON as it stands and nothing else', async () => {
    const payment = JSON.stringify(await signedRequest());
    const post = (type: string, body: string | Buffer = payment, encoding = 'identity') =>
      request(bed.app).post('/verify').set('content-type', type).set('content-encoding', encoding).send(body);
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
    ]) {
      expect((await post(type)).body).toEqual(valid);
    }
    for (const type of ['application/json; charset=latin1', 'application/jsonp', 'text/json']) {
      expect((await post(type)).body.code).toBe('unsupported_media_type');
    }
    expect((await post('application/json', gzipSync(payment), 'gzip')).body.code).toBe(
      'unsupported_media_type',
    );
  });

  it('that grow beyond the limit without saying so are cut off, and those that break off harm nobody', async () => {
    const server = express().use(bed.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const open = () =>
      httpRequest({ port, path: '/settle', method: 'POST', headers: { 'content-type': 'application/json' } });
    const growing = open();
    growing.on('error', () => undefined);
    const answered = once(growing, 'response') as Promise<[IncomingMessage]>;
    for (let i = 0; i < 3; i++) growing.write('x'.repeat(32 * 1024));
    const [{ statusCode }] = await answered;
    expect(statusCode).toBe(413);
    growing.destroy();
    const broken = open();
    const gone = new Promise((resolve) => broken.on('error', resolve));
    broken.write('{"x402Version":2,', () => broken.destroy());
    await gone;
    expect(
      (
        await request(server)
          .post('/verify')
          .send(await signedRequest())
      ).body,
    ).toEqual(valid);
    server.closeAllConnections();
    server.close();
  });
});

describe('the address of a caller', () => {
  const from = (forwarded: string | undefined) =>
    ({
      socket: { remoteAddress: '10.0.0.9' },
      headers: { 'x-forwarded-for': forwarded },
    }) as unknown as IncomingMessage;

  it.each([
    [0, '1.1.1.1', '10.0.0.9'],
    [1, undefined, '10.0.0.9'],
    [1, '1.1.1.1', '1.1.1.1'],
    [1, '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    [2, '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
    [3, '1.1.1.1', '1.1.1.1'],
    [1, ' , ', '10.0.0.9'],
  ])('behind %d proxies that say %s is %s', (hops, forwarded, address) => {
    expect(addressOf(from(forwarded), hops)).toBe(address);
  });
});
