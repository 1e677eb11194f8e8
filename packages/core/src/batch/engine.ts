import { AgentPayError, afterThisTurn, isAgentPayError, sqlState } from '@agentpay/primitives';
import type { Clock, Db, Queryable, Tx } from '@agentpay/primitives';
import type { Command } from './Command.js';
import { decideAll } from './decideAll.js';
import type { BatchOutcome, Waiting } from './decideAll.js';
import type { AnyEntity, Want } from './Entity.js';
import { loadRows } from './loadRows.js';
import { rowCache } from './RowCache.js';
import type { RowCache } from './RowCache.js';
import { keyText, newSlot, openScene } from './Scene.js';
import type { OpenScene } from './Scene.js';
import { CHANGED_MEANWHILE, statementOf, writesNothing } from './statement.js';
import type { Statement, Varying } from './statement.js';

/** Carries commands out, those that wait at the same moment together. */
export interface Batch {
  run<Result>(command: Command<Result>): Promise<Result>;
  /** Carries one command out inside a transaction of the caller's own. */
  runIn<Result>(tx: Tx, command: Command<Result>): Promise<Result>;
}

/** Sees every writing of a batch: of how many commands, how long it takes, and whether it fails. */
export type AroundBatch = <T>(commands: number, write: () => Promise<T>) => Promise<T>;

/** The row under which batches are written; it counts them, so that it tells after a lost connection whether one was written. */
export interface Writer {
  readonly entity: AnyEntity;
  /** The key of the row under which this process writes, and nobody else. */
  current(db: Db): Promise<string>;
  /** Takes a row for one transaction. */
  borrow(tx: Tx): Promise<string>;
  /** Puts onto the scene what is written once for the whole batch. */
  finish(scene: OpenScene, key: string): void;
  /**
   * Waits for the batch under way under a row and gives the row up, for good.
   * @returns whether the batch of the scene is among those written under it
   * @throws when the row was not given up, or may not have been: what was under way may still be written then
   */
  wasWritten(db: Db, scene: OpenScene, key: string): Promise<boolean>;
}

const MAX_BATCH = 512;
/** So many commands at once are parted, so that some are decided while others are written. */
const WORTH_PARTING = 16;
/** Fewer than so many commands wait for the batch that is being written, and others join them. */
const WORTH_DECIDING_AHEAD = WORTH_PARTING / 2;
/** So many are sent without a response: the next one begins in the database when the one before it ends. */
const MAX_FLIGHTS = 2;
const MAX_WAITING = 20_000;
const CACHED_ROWS = 50_000;
/** Batches that read with locks after one whose rows somebody else had changed. */
const CAREFUL_BATCHES = 16;
const MAX_ALONE = 4;
const ATTEMPTS_ALONE = 3;

interface State {
  readonly db: Db;
  readonly writer: Writer;
  readonly around: AroundBatch;
  readonly cache: RowCache;
  readonly varying: Varying;
  readonly fresh: Waiting[];
  /** Decided against their caller by the cache, or in a batch whose rows had changed: to be decided by the database. */
  readonly doubted: Waiting[];
  /** To be carried out one by one. */
  readonly single: Waiting[];
  alone: number;
  running: boolean;
  careful: number;
  /** The batches that were sent and have no response yet, oldest first. */
  readonly flights: Flight[];
  /** Batches so far that were not written, or may not have been: what was decided by what they were to leave behind is worth nothing. */
  lost: number;
}

interface Flight {
  readonly scene: OpenScene;
  readonly ended: Promise<void>;
}

/**
 * Commands that wait at the same moment are decided in memory, one after the other, and written by one statement, which is the whole
 * transaction, while the next ones are decided and sent behind it. What they are decided by comes from a cache; the statement writes
 * only if the database still has it so. Where it does not, or where the cache says no, the batch is decided again by rows that are read
 * with locks. Rows that another transaction holds make only the commands wait that need them.
 */
export function createBatch({
  db,
  clock,
  writer,
  around = (_commands, write) => write(),
}: {
  db: Db;
  clock: Pick<Clock, 'now'>;
  writer: Writer;
  around?: AroundBatch | undefined;
}): Batch {
  const state: State = {
    db,
    writer,
    around,
    cache: rowCache(CACHED_ROWS, clock),
    varying: new Set(),
    fresh: [],
    doubted: [],
    single: [],
    alone: 0,
    running: false,
    careful: 0,
    flights: [],
    lost: 0,
  };
  return {
    run<Result>(command: Command<Result>): Promise<Result> {
      if (state.fresh.length + state.single.length >= MAX_WAITING) return Promise.reject(tooMany());
      return new Promise((resolve, reject) => {
        state.fresh.push({ command, resolve: resolve as (value: unknown) => void, reject, failures: 0 });
        if (state.running) return;
        state.running = true;
        afterThisTurn(() => void drain(state));
      });
    },
    runIn: <Result>(tx: Tx, command: Command<Result>) =>
      aloneIn(tx, state, openScene(), command) as Promise<Result>,
  };
}

/** While one batch is being written the next one is decided, if many wait for it, by what the first leaves behind. */
async function drain(state: State): Promise<void> {
  const { doubted, fresh, flights } = state;
  for (;;) {
    // Those who got their result ask again in this turn, and share the next batch.
    await new Promise<void>((resolve) => afterThisTurn(resolve));
    if (doubted.length > 0 || (state.careful > 0 && fresh.length > 0)) {
      await flights.at(-1)?.ended;
      await locked(state, (doubted.length > 0 ? doubted : fresh).splice(0, MAX_BATCH));
    } else if (flights.length >= (fresh.length < WORTH_DECIDING_AHEAD ? 1 : MAX_FLIGHTS)) {
      await flights[0]?.ended;
    } else if (fresh.length > 0) {
      await cached(state, fresh.splice(0, sizeOfNext(state)));
    } else break;
  }
  state.running = false;
}

/** All that wait; of many a half, if nothing is under way, so that the other half is decided meanwhile. */
function sizeOfNext({ fresh, flights }: State): number {
  const all = Math.min(fresh.length, MAX_BATCH);
  return flights.length > 0 || all < WORTH_PARTING ? all : Math.ceil(all / 2);
}

/** Decides a batch by the cache and sends it behind the one before it, on which it rests: if that is not written, this one is not. */
async function cached(state: State, waiting: Waiting[]): Promise<void> {
  const { lost } = state;
  const prepared = await prepare(state, waiting).catch((error: unknown) => failed(state, waiting, error));
  if (!prepared) return;
  // It may have been decided by what a batch was to leave behind that was not written.
  if (state.lost > lost) return void state.fresh.unshift(...waiting);
  state.doubted.push(...prepared.outcome.refused.map((each) => each.waiting));
  if (!prepared.statement) return;
  const { scene } = prepared;
  remember(state.cache, scene);
  const ended = send(state, prepared, prepared.statement).finally(
    () => void state.flights.splice(state.flights.indexOf(flight), 1),
  );
  const flight: Flight = { scene, ended };
  state.flights.push(flight);
}

interface Prepared {
  readonly scene: OpenScene;
  readonly key: string;
  readonly outcome: BatchOutcome;
  /** Absent when there is nothing to write. */
  readonly statement: Statement | undefined;
}

async function prepare(state: State, waiting: readonly Waiting[]): Promise<Prepared> {
  const { db, cache, writer, varying } = state;
  const key = await writer.current(db);
  const scene = openScene();
  const load = (wants: readonly Want[]) => fromCache(db, cache, scene, wants);
  const outcome = checkable(await decideAll(scene, waiting, load));
  const { done } = outcome;
  if (done.length === 0) return { scene, key, outcome, statement: undefined };
  await load([[writer.entity, [key]]]);
  writer.finish(scene, key);
  return { scene, key, outcome, statement: statementOf(scene, { single: done.length === 1, varying }) };
}

/** The statement checks the rows that it writes: a command that writes nothing is not decided by the cache. */
function checkable({ done, refused, busy }: BatchOutcome): BatchOutcome {
  const idle = done.filter(({ wrote }) => !wrote).map(({ waiting }) => ({ waiting, error: undefined }));
  return { done: done.filter(({ wrote }) => wrote), refused: [...refused, ...idle], busy };
}

/** Writes a batch by its one statement. */
async function send(
  state: State,
  { scene, key, outcome }: Prepared,
  { sql, params }: Statement,
): Promise<void> {
  const commands = outcome.done.map(({ waiting }) => waiting);
  const { lost } = state;
  try {
    await state.around(commands.length, () => state.db.query(sql, params, { inOrder: true }));
  } catch (error) {
    const behindLost = state.lost > lost;
    lose(state);
    // Its own rows may be as it took them to be.
    if (behindLost && changedMeanwhile(error)) return void state.doubted.push(...commands);
    const written = await isWritten(state, scene, key, error).catch((fault: unknown) => {
      failed(state, commands, fault);
    });
    if (written === false) state.doubted.push(...commands);
    if (!written) return;
  }
  for (const { waiting, value } of outcome.done) waiting.resolve(value);
}

/** Nothing is decided any more by what a batch that was not written, and those behind it, were to leave behind. */
function lose(state: State): void {
  state.lost += 1;
  for (const { scene } of state.flights) forget(state.cache, scene);
}

/** Decides a batch by the database, with locks, in a transaction; what others hold is left out. */
async function locked(state: State, waiting: readonly Waiting[]): Promise<void> {
  const { db, writer } = state;
  if (state.careful > 0) state.careful -= 1;
  let scene = openScene();
  let outcome: BatchOutcome | undefined;
  let key = '';
  try {
    key = await writer.current(db);
    await state.around(waiting.length, () =>
      db.tx(async (tx) => {
        scene = openScene();
        outcome = await decideAll(scene, waiting, (wants) => loadRows(tx, scene, wants, 'skip'));
        if (outcome.done.length === 0) return;
        await loadRows(tx, scene, [[writer.entity, [key]]], 'wait');
        await write(tx, state, scene, { key, single: outcome.done.length === 1 });
      }),
    );
  } catch (error) {
    forget(state.cache, scene);
    const written = await isWritten(state, scene, key, error).catch((fault: unknown) => {
      failed(state, waiting, fault);
    });
    if (written === false) state.doubted.push(...waiting);
    if (!written) return;
  }
  remember(state.cache, scene);
  const { done, refused, busy } = outcome as unknown as BatchOutcome;
  for (const { waiting: one, value } of done) one.resolve(value);
  for (const { waiting: one, error } of refused) one.reject(error);
  for (const one of busy) enqueueAlone(state, one);
}

/**
 * Whether a batch was written whose outcome is unknown.
 * @throws the error itself when it says that nothing was written, or when the database cannot be asked
 */
async function isWritten(state: State, scene: OpenScene, key: string, error: unknown): Promise<boolean> {
  if (!isAgentPayError(error, 'outcome_unknown')) throw error;
  return state.writer.wasWritten(state.db, scene, key).catch(() => {
    throw error;
  });
}

async function write(
  on: Queryable,
  { writer, varying }: State,
  scene: OpenScene,
  { key, single }: { key: string; single: boolean },
): Promise<void> {
  if (writesNothing(scene)) return;
  writer.finish(scene, key);
  const { sql, params } = statementOf(scene, { single, varying });
  await on.query(sql, params);
}

/** Who is to do what after a batch failed as a whole; nothing of it was written. */
function failed(state: State, waiting: readonly Waiting[], error: unknown): void {
  if (changedMeanwhile(error)) {
    state.careful = CAREFUL_BATCHES;
    for (const one of waiting) {
      one.failures += 1;
      if (one.failures > 1) enqueueAlone(state, one);
      else state.doubted.push(one);
    }
    return;
  }
  const blameless = waiting.length > 1 && sqlState(error) !== undefined;
  for (const one of waiting) {
    if (blameless) enqueueAlone(state, one);
    else one.reject(error);
  }
}

function enqueueAlone(state: State, one: Waiting): void {
  state.single.push(one);
  if (state.alone >= MAX_ALONE) return;
  state.alone += 1;
  void (async () => {
    for (let next = state.single.shift(); next; next = state.single.shift()) await alone(state, next);
    state.alone -= 1;
  })();
}

/** One command by itself, waiting for whoever holds its rows, as long as a lock may be waited for. */
async function alone(state: State, one: Waiting): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const scene = openScene();
    try {
      const { lane } = one.command;
      const value = await state.around(1, () =>
        state.db.tx((tx) => aloneIn(tx, state, scene, one.command), { lane }),
      );
      remember(state.cache, scene);
      return one.resolve(value);
    } catch (error) {
      forget(state.cache, scene);
      const again = changedMeanwhile(error) && !isAgentPayError(error) && attempt < ATTEMPTS_ALONE;
      if (!again) return one.reject(error);
    }
  }
}

async function aloneIn(tx: Tx, state: State, scene: OpenScene, command: Command<unknown>): Promise<unknown> {
  const load = (wants: readonly Want[]) => loadRows(tx, scene, wants, 'wait');
  const one = { command, resolve: () => undefined, reject: () => undefined, failures: 0 };
  const { done, refused } = await decideAll(scene, [one], load);
  if (refused[0]) throw refused[0].error;
  if (writesNothing(scene)) return done[0]?.value;
  const key = await state.writer.borrow(tx);
  await loadRows(tx, scene, [[state.writer.entity, [key]]], 'wait');
  await write(tx, state, scene, { key, single: true });
  return done[0]?.value;
}

async function fromCache(
  db: Db,
  cache: RowCache,
  scene: OpenScene,
  wants: readonly Want[],
): Promise<readonly Want[]> {
  const missing = wants.filter(([entity, key, known]) => {
    const slots = scene.slotsOf(entity);
    const text = keyText(key);
    if (slots.has(text)) return false;
    const row = entity.assumedAbsent ? null : (known ?? cache.get(entity, text));
    if (row === undefined) return true;
    slots.set(text, newSlot(key, row ?? undefined));
    return false;
  });
  return loadRows(db, scene, missing, 'none');
}

function remember(cache: RowCache, scene: OpenScene): void {
  for (const [entity, slots] of scene.slots) {
    if (entity.assumedAbsent) continue;
    for (const [key, slot] of slots) cache.set(entity, key, slot.now ?? null);
  }
}

function forget(cache: RowCache, scene: OpenScene): void {
  for (const [entity, slots] of scene.slots) for (const key of slots.keys()) cache.forget(entity, key);
}

/**
 * Whether a batch failed because somebody else was at its rows: a guarded row had changed, a key exists already, a row was held, or
 * two transactions waited for each other.
 */
function changedMeanwhile(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  if ([CHANGED_MEANWHILE, '23505', '55P03', '40P01', '40001'].includes(state)) return true;
  return isAgentPayError(error, 'unavailable') && error.reason === 'busy';
}

function tooMany(): AgentPayError {
  return new AgentPayError('unavailable', 'Too many commands are waiting.', { retryAfter: 1 });
}
