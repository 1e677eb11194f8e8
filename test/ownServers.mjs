// Gives the suites of each worker the Redis and PostgreSQL that databases.mjs started for it, and all of them its folder for what is
// temporary.
const worker = Number(process.env.TINYPOOL_WORKER_ID ?? 1);

for (const name of ['REDIS_URL', 'DATABASE_URL']) {
  const urls = process.env[`${name}S`]?.split(' ');
  if (urls) process.env[name] = urls[(worker - 1) % urls.length];
  // Programs that the suites start refuse settings that are near to theirs.
  delete process.env[`${name}S`];
}

if (process.env.TEST_FOLDER) process.env.TMPDIR = process.env.TEST_FOLDER;
