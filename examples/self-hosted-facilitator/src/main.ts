import type { AddressInfo } from 'node:net';
import { viemChain } from '@agentpay/evm';
import { createApp, createFacilitator, loadSignerKeys, migrations, readConfig } from '@agentpay/facilitator';
import { systemClock as clock, systemRandom as random } from '@agentpay/primitives';
import { migrate, pgliteDb } from '@agentpay/storage';
import express from 'express';
import { pino } from 'pino';
import { privateKeyToAccount } from 'viem/accounts';

async function main(): Promise<void> {
  const config = readConfig({ HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...process.env });
  const log = pino({ level: config.logLevel }, process.stderr);

  // What the facilitator remembers: without DATA_DIR it is forgotten at the end.
  const db = await pgliteDb({ dir: config.dataDir });
  await migrate(db, migrations);
  const accounts = (await loadSignerKeys(config)).map((key) => privateKeyToAccount(key));
  const chain = viemChain({ rpcUrl: config.rpcUrls[0] });
  const { network, assets, payTo, maxValidBeforeSeconds } = config;
  const facilitator = await createFacilitator({
    db,
    clock,
    random,
    chain,
    accounts,
    network,
    assets,
    payTo,
    maxValidBeforeSeconds,
  });

  // The facilitator is one part of an app of your own: here it stands below /x402, behind a key where one is set.
  const app = express();
  const { FACILITATOR_KEY: key } = process.env;
  app.use('/x402', (req, res, next) => {
    if (!key || req.get('authorization') === `Bearer ${key}`) return next();
    res.status(401).json({ code: 'unauthorized', error: 'Send the key as Authorization: Bearer.' });
  });
  app.use('/x402', createApp({ facilitator, clock, random, log }));

  const server = app.listen(config.port, config.host, (error) => {
    if (error) return fail(error);
    const { port } = server.address() as AddressInfo;
    console.log(`facilitator on http://${config.host}:${port}/x402 for ${config.network.id}`);
  });
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    await facilitator.close();
    await closed;
    await db.close();
    process.exit();
  };
  process.once('SIGTERM', () => void stop()).once('SIGINT', () => void stop());
}

function fail(error: Error): void {
  console.error(error.message);
  process.exit(1);
}

main().catch(fail);
