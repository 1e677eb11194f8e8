import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A project of Next.js in which an example is the whole site. */
export interface NextSite {
  /** Starts its server, which compiles a route when it is asked for, as `next dev` does. */
  readonly program: string;
  remove(): void;
}

// One process, so that none is left when the test ends it.
const program = `
import { createServer } from 'node:http';
import next from 'next';
let handle;
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const app = next({ dev: true, dir: import.meta.dirname, hostname: '127.0.0.1', port, httpServer: server });
  handle = app.getRequestHandler();
  await app.prepare();
  console.log('Selling at http://127.0.0.1:' + port + '/weather/bern');
});
`;

/** What its process is started with: Jest's own `NODE_ENV` is none of Next.js. */
export const nextSettings = { NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' };

/** @param app a folder `app` of compiled routes */
export function nextSite(app: string): NextSite {
  // Inside the workspace, so that the packages resolve.
  const folder = fileURLToPath(new URL(`../next-${process.pid}`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  writeFileSync(join(folder, 'server.js'), program);
  cpSync(app, join(folder, 'app'), { recursive: true });
  return {
    program: join(folder, 'server.js'),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
