export { assertWritable } from './assertWritable.js';
export { DatabaseFault, startFault } from './connectFault.js';
export { databaseUrlFault } from './databaseUrl.js';
export { migrate } from './migrate.js';
export { pgDb } from './pgDb.js';
export type { PgOptions } from './pgDb.js';
export { pgliteDb } from './pgliteDb.js';
export { scratchDb } from './scratchDb.js';
export type { ScratchDb, ScratchOptions } from './scratchDb.js';
