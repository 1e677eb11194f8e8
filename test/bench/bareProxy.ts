import type { AddressInfo } from 'node:net';
import express from 'express';

// What HTTP costs by itself when one party asks another: a route that hands its body to AGENT_URL; without it, the agent that answers.
const agentUrl = process.env['AGENT_URL'];
const app = express();
app.use(express.json());
app.post('/', async ({ body }, response) => {
  if (agentUrl === undefined) return void response.json({ summary: 'Sales grew.' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(agentUrl, { method: 'POST', headers, body: JSON.stringify(body) });
  response.status(answer.status).json(await answer.json());
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`bare proxy on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
