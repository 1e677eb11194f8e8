import type { Queryable } from '@agentpay/primitives';
import { column } from '../columns.js';
import type { AnyEntity, Want } from './Entity.js';
import { keyOf, keyText } from './Scene.js';
import type { OpenScene } from './Scene.js';

/** `skip`: rows that others hold are left out; `wait`: they are waited for. */
export type Lock = 'none' | 'skip' | 'wait';

/**
 * Puts rows on the scene as the database has them, those that are not there as absent. Rows are locked in one order: by the rank of
 * their entity, then by their key.
 * @returns those that others hold, which are not on the scene
 */
export async function loadRows(
  db: Queryable,
  scene: OpenScene,
  wants: readonly Want[],
  lock: Lock,
): Promise<readonly Want[]> {
  const groups = new Map<AnyEntity, Map<string, readonly string[]>>();
  for (const [entity, key] of wants) {
    if (scene.has(entity, key)) continue;
    let keys = groups.get(entity);
    if (!keys) groups.set(entity, (keys = new Map()));
    keys.set(keyText(key), key);
  }
  const ranked = [...groups].sort(([a], [b]) => a.rank - b.rank);
  const load = ([entity, keys]: (typeof ranked)[number]) => loadGroup(db, scene, entity, keys, lock);
  if (lock === 'none') return (await Promise.all(ranked.map(load))).flat();
  const busy: Want[] = [];
  for (const group of ranked) busy.push(...(await load(group)));
  return busy;
}

async function loadGroup(
  db: Queryable,
  scene: OpenScene,
  entity: AnyEntity,
  keys: Map<string, readonly string[]>,
  lock: Lock,
): Promise<Want[]> {
  const locks = lock !== 'none' && entity.changes.length > 0;
  if (lock === 'wait' && entity.blank) await makeMissing(db, entity, keys);
  for (const row of await select(db, entity, [...keys.values()], locks ? lock : 'none')) {
    const key = keyOf(entity, row);
    scene.place(entity, key, row);
    keys.delete(keyText(key));
  }
  const busy: Want[] = [];
  if (locks && lock === 'skip' && keys.size > 0) {
    for (const row of await select(db, entity, [...keys.values()], 'none')) {
      const key = keyOf(entity, row);
      busy.push([entity, key]);
      keys.delete(keyText(key));
    }
  }
  for (const key of keys.values()) scene.place(entity, key, undefined);
  return busy;
}

/** In the order of their keys, before any of them is locked: whoever waits for a new row holds no old one of its table. */
async function makeMissing(
  db: Queryable,
  { table, blank }: AnyEntity,
  keys: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  await table.insertAllNew(
    db,
    sorted.map(([, key]) => blank?.(...key) as object),
  );
}

function select(
  db: Queryable,
  { table, key }: AnyEntity,
  keys: readonly (readonly string[])[],
  lock: Lock,
): Promise<object[]> {
  const columns = key.map(column).join(', ');
  const places = key.map((field, i) => `$${i + 1}::text[]::${table.fields[field]}[]`).join(', ');
  const order =
    lock === 'none' ? '' : ` order by ${columns} for no key update${lock === 'skip' ? ' skip locked' : ''}`;
  return table.select(
    db,
    `where (${columns}) in (select * from unnest(${places}))${order}`,
    key.map((_, i) => keys.map((each) => each[i] as string)),
  );
}
