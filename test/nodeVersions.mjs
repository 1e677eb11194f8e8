// `npm run node-versions`: a seller and a buyer from their tarballs, and the command `agentpay`, on each version of Node that is supported.
// The binaries are those that npm carries. Versions can be named: `npm run node-versions -- 22.23.5`.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pack } from '../packages/dev/pack.mjs';

const run = promisify(execFile);
const supported = ['20.19.6', '22.23.5', '24.22.3', '26.12.1'];

/** A sale without a chain: the facilitator says yes to every settlement. Signatures are real. */
const sale = `
import { createServer } from 'node:http';
import { createClient, localAccount, paymentOf } from '@agentpay/sdk';
import { paywall } from '@agentpay/paywall';
import express from 'express';

const account = localAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }];
const settled = { success: true, transaction: '0x' + 'ab'.repeat(32), network: 'eip155:84532', payer: account.address };
const facilitator = {
  verify: async () => ({ isValid: true, payer: account.address }),
  settle: async () => settled,
  supported: async () => ({ kinds, extensions: [], signers: {} }),
};
const pay = paywall({ payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', network: 'base-sepolia', facilitator });
const app = express();
app.get('/weather', pay.charge('$0.01'), (_req, res) => res.json({ weather: 'sunny' }));
const server = app.listen(0, '127.0.0.1', async () => {
  const client = createClient({ account, prefer: ['x402v2'] });
  const response = await client.fetch('http://127.0.0.1:' + server.address().port + '/weather');
  const { weather } = await response.json();
  console.log(JSON.stringify([response.status, weather, paymentOf(response).transaction === settled.transaction]));
  server.closeAllConnections();
  server.close();
});
`;

const project = mkdtempSync(join(tmpdir(), 'agentpay-node-versions-'));
try {
  const versions = process.argv.length > 2 ? process.argv.slice(2) : supported;
  await pack(project);
  await installIn(project, [...readdirSync(project).map((file) => `./${file}`), 'express@5.3.0']);
  writeFileSync(join(project, 'sale.mjs'), sale);
  for (const version of versions) await check(version, await binary(version));
} finally {
  rmSync(project, { recursive: true, force: true });
}

async function installIn(cwd, packages) {
  writeFileSync(join(cwd, 'package.json'), '{"private":true,"type":"module"}');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts'];
  await run('npm', ['install', ...quiet, ...packages], { cwd });
}

/** The path of the binary, as npm carries it for this machine. */
async function binary(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = mkdtempSync(join(project, 'node-'));
  await installIn(folder, [`${name}@${version}`]);
  return join(folder, 'node_modules', name, 'bin/node');
}

async function check(version, node) {
  const said = async (cwd, ...args) => (await run(node, args, { cwd, timeout: 120_000 })).stdout.trim();
  const agentpay = join(project, 'node_modules/@agentpay/cli/dist/bin.js');
  const found = {
    node: await said(project, '--version'),
    sale: await said(project, 'sale.mjs'),
    agentpay: await said(project, agentpay, '--version'),
  };
  const right =
    found.node === `v${version}` &&
    found.sale === '[200,"sunny",true]' &&
    /^\d+\.\d+\.\d+$/.test(found.agentpay);
  if (!right) throw new Error(`Node ${version}: ${JSON.stringify(found)}`);
  console.log(`Node ${version}: sold, bought, agentpay ${found.agentpay}`);
}
