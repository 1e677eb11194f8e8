// `npm start`, `npm run dev`: installs and builds what is missing, then runs the local stack (`agentpay-dev`).
import { join } from 'node:path';
import { installAndBuild } from './build.mjs';
import { root } from './install.mjs';
import { onOrphaned } from './orphan.mjs';

onOrphaned(() => process.kill(process.pid, 'SIGTERM'));
try {
  await installAndBuild();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.argv.splice(1, 1, join(root, 'packages/dev/dist/bin.js'));
await import('./dist/bin.js');
