import type { AddressInfo } from 'node:net';
import express from 'express';
import pg from 'pg';

// What HTTP and one durable row cost by themselves: a bare route with one prepared insert.
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
await pool.query('create table bare (id text primary key, v jsonb, amount bigint)');
const app = express();
app.use(express.json());
app.post('/', async ({ body }, response) => {
  const values = [body.idempotency_key, JSON.stringify(body), 5];
  await pool.query({ name: 'insert', text: 'insert into bare values ($1, $2, $3)', values });
  response.status(201).json(body);
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`bare route on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
