// Compiles contracts/*.sol and writes artifacts/*.json: `pnpm --filter @agentpay/solidity compile`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { compileContracts } from './dist/compile.js';

const folder = new URL('./artifacts/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, text] of await compileContracts()) writeFileSync(new URL(`${name}.json`, folder), text);
