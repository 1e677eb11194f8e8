import { pgDb } from '@agentpay/storage';
import { jobsCore, standing, works, type Stop } from './jobsCore.js';

/** What this process does on a database of its own, as STANDS gives it. */
export interface Stand {
  readonly databaseUrl: string;
  readonly stop: Stop;
}

// A process that runs every job, each until it stands still at its nth change. Once none goes on, it waits to be killed.
const { STANDS = '[]', NOW_MS = '0' } = process.env;

async function standAll({ databaseUrl, stop }: Stand): Promise<Record<string, string>> {
  const stands: Record<string, string> = {};
  for (const [name, run] of works) stands[name] = await stand(databaseUrl, stop, run);
  return stands;
}

function stand(url: string, stop: Stop, run: (typeof works)[number][1]): Promise<string> {
  return new Promise((resolve) => {
    const work = async () => {
      const db = pgDb({ url, max: 1, connectTimeoutMs: 300_000 });
      const dying = standing(db, stop, () => resolve('stands still'));
      await run(await jobsCore(dying, { nowMs: Number(NOW_MS), outside: db }));
      await db.close();
      resolve('has ended');
    };
    work().catch((error: unknown) => resolve(String(error)));
  });
}

const stood = [];
for (const each of JSON.parse(STANDS) as Stand[]) stood.push(await standAll(each));
console.log(`all stand: ${JSON.stringify(stood)}`);
setInterval(() => undefined, 60_000);
