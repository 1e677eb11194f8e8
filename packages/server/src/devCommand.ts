import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PACKAGE = '@agentpay/dev';

/**
 * `agentpay dev`: hands over to `@agentpay/dev`, when the working folder or this installation has it, which is so in the repository. The
 * API server must not depend on that package, which brings a local chain.
 * @returns the exit code; 2 when the package is not there
 */
export async function devCommand(args: readonly string[]): Promise<number> {
  const entry = devPackage([join(process.cwd(), 'package.json'), import.meta.url]);
  if (entry === undefined) {
    process.stderr.write(
      `agentpay dev runs within the repository of AgentPay, where npm start does the same: ${PACKAGE} is not to be found from here.\n`,
    );
    return 2;
  }
  const { runDev } = (await import(pathToFileURL(entry).href)) as {
    runDev(args: readonly string[]): Promise<number>;
  };
  return runDev(args);
}

/** Where the package begins, looked for from each of these files. */
export function devPackage(places: readonly string[]): string | undefined {
  for (const place of places) {
    try {
      return createRequire(place).resolve(PACKAGE);
    } catch {
      // not there: look from the next
    }
  }
  return undefined;
}
