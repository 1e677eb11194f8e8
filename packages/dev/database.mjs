// `npm run db:up`, `db:down`, `migrate` and `seed`: the database that `npm run dev` keeps.
import { join } from 'node:path';
import { installAndBuild } from './build.mjs';
import { ensurePostgres, stopPostgres } from './postgres.mjs';

const { DATABASE_URL: url } = process.env;
/** Where a PostgreSQL that was started here has its files. */
const folder = join(process.cwd(), '.agentpay', 'postgres');

const commands = {
  up: () =>
    url
      ? ensurePostgres(url, folder)
      : 'The embedded database needs no start: npm run dev keeps it in .agentpay/data. DATABASE_URL names a PostgreSQL in its place.',
  down: () => stopPostgres(folder),
  migrate: () => onKept('migrate'),
  seed: () => onKept('seed'),
};

/** Runs a command of the server on the database that `npm run dev` keeps. */
async function onKept(command) {
  await installAndBuild();
  const { runOnKept } = await import('./dist/index.js');
  process.exitCode = await runOnKept(command, process.env);
}

try {
  const said = await commands[process.argv[2]]();
  if (said) console.log(said);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
