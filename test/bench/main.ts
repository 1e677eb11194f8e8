/**
 * `npm run bench [-- NAME ...]`: AgentPay next to its peers in one run. Read the ratios: the absolute figures are this machine's.
 * `ROUNDS=1 SECONDS=1 npm run bench` only tries whether the scenarios work.
 */
import { buyers } from './buyers.js';
import { challenge } from './challenge.js';
import { core } from './core.js';
import { growth } from './growth.js';
import { settle, verify } from './facilitator.js';
import { gateway } from './gateway.js';
import { metered } from './metered.js';
import { paid } from './paid.js';
import { served } from './served.js';
import { stream } from './stream.js';
import { tokens } from './tokens.js';

const scenarios = {
  challenge,
  verify,
  settle,
  paid,
  stream,
  tokens,
  core,
  served,
  growth,
  gateway,
  metered,
  buyers,
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in scenarios));
if (unknown.length > 0) {
  console.error(
    `There is no scenario ${unknown.join(', ')}; choose from ${Object.keys(scenarios).join(', ')}.`,
  );
  process.exit(2);
}
for (const [name, run] of Object.entries(scenarios)) {
  if (wanted.length === 0 || wanted.includes(name)) console.log(`${await run()}\n`);
}
