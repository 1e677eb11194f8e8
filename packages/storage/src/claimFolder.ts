import { statSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * Keeps other processes of this machine from the folder until the function it gives is called or this process ends, however it ends:
 * the claim is a listening socket in a namespace of the kernel, so nothing stale can stay behind.
 * On systems without such names (neither Linux nor Windows) it claims nothing.
 * @throws Error when another process has the folder
 */
export async function claimFolder(dir: string): Promise<() => void> {
  const address = claimName(dir);
  if (address === undefined) return () => undefined;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new Error(`Another process uses the data folder ${dir}.`, { cause })
          : cause,
      );
    });
    server.listen(address, resolve);
  });
  server.unref();
  return () => void server.close();
}

function claimName(dir: string): string | undefined {
  const { dev, ino } = statSync(dir, { bigint: true });
  if (process.platform === 'linux') return `\0agentpay-data-${dev}-${ino}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\agentpay-data-${dev}-${ino}`;
  return undefined;
}
